"""A pack that is left within an epoch ends where the undisturbed run ends, to the bit, whatever becomes of its
checkpoint."""

import shutil
from dataclasses import replace

import pytest
import torch

from model.training.step import Step
from orchestrator.display.progress import Progress
from orchestrator.execution import signals
from orchestrator.execution.events import EpochEnd, Warned
from orchestrator.execution.inline import run_inline
from orchestrator.execution.leaving import Leaving
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.worker import Stopped, run_pack
from orchestrator.results.checkpoint import DamagedError, decode, encode
from orchestrator.results.source import Code
from orchestrator.results.store import Store
from tests.helpers.assignments import TRIALS, assignment
from tests.helpers.numbers_of import numbers

ONE, TWO = (trial.trial_id for trial in TRIALS)


def train(folder, images, asks=None, trials=TRIALS):
    """Epochs of five steps: between two of them, so between any two epochs four times, it is asked whether to
    go on, and left when it is asked for the n-th time. Gives what was reported."""
    Store(str(folder)).open(trials)
    told, asked = [], []

    def until():
        asked.append(None)
        return 0.0 if len(asked) == asks else None

    if asks is None:
        run_pack(assignment(folder, images, trials), told.append)
    else:
        with pytest.raises(Stopped):
            run_pack(assignment(folder, images, trials), told.append, until)
    return told


def files(folder):
    return sorted(path.name for path in (folder / "trials" / ONE).glob("*.pt"))


def warnings(told):
    return [event.warning for event in told if isinstance(event, Warned)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, images):
    folder = tmp_path_factory.mktemp("undisturbed")
    train(folder, images)
    return numbers(folder)


@pytest.mark.parametrize(
    ("asks", "left", "epoch", "steps"),
    [
        (2, ["midepoch-00001-000002.pt"], 1, 2),
        (11, ["checkpoint-00001.pt", "checkpoint-00002.pt", "midepoch-00003-000003.pt"], 3, 3),
    ],
)
def test_left_and_taken_up(tmp_path, images, undisturbed, asks, left, epoch, steps):
    told = train(tmp_path, images, asks)
    (said,) = warnings(told)
    assert said.endswith(f": left within epoch {epoch}, after {steps} of 5 steps, which are saved")
    assert files(tmp_path) == left
    state = Store(str(tmp_path)).scan()[ONE]
    assert (state.status, state.within) == ("partial", ((epoch - 1, steps),))
    before = decode(Store(str(tmp_path)).read_checkpoint(ONE, epoch - 1, steps=steps), ONE, within=True)
    told = train(tmp_path, images)
    assert [event.epoch for event in told[:-1]] == list(range(epoch, 4)), "and nothing to warn of"
    assert told[0].replicas[ONE]["seconds"] > before.within.seconds > 0
    assert numbers(tmp_path) == undisturbed
    assert files(tmp_path) == ["weights.pt"]


def test_left_twice_in_an_epoch(tmp_path, images, undisturbed):
    train(tmp_path, images, 6)
    assert files(tmp_path)[1:] == ["midepoch-00002-000002.pt"]
    train(tmp_path, images, 2)
    assert files(tmp_path)[1:] == ["midepoch-00002-000004.pt"]
    train(tmp_path, images, 2)
    assert files(tmp_path) == ["checkpoint-00001.pt", "checkpoint-00002.pt", "midepoch-00003-000002.pt"]
    train(tmp_path, images)
    assert numbers(tmp_path) == undisturbed


@pytest.fixture(scope="module")
def left(tmp_path_factory, images):
    """A folder whose pack was left within epoch 2."""
    folder = tmp_path_factory.mktemp("left")
    train(folder, images, 6)
    return folder


@pytest.fixture
def folder(left, tmp_path):
    return shutil.copytree(left, tmp_path / "copy")


def halved(store, data):
    return data[: len(data) // 2]


def of_the_other(store, data):
    return store.read_checkpoint(TWO, 1, steps=2)


def forged(change):
    def forge(store, data):
        checkpoint = decode(data, within=True)
        change(checkpoint)
        return encode(checkpoint)

    return forge


def retold(**changes):
    """Said otherwise in its notes."""

    def forge(store, data):
        checkpoint = decode(data, within=True)
        return encode(replace(checkpoint, within=replace(checkpoint.within, **changes)))

    return forge


SPOILT = {
    "half of it": (halved, "its checksum does not match"),
    "another trial's": (of_the_other, "it is another trial's"),
    "no such step": (forged(lambda c: c.state.update(step=5)), "its state is of another epoch"),
    "no step": (forged(lambda c: c.state.pop("step")), "its state is none"),
    "no number": (forged(lambda c: c.state.update(step=torch.tensor(2))), "its state is of no epoch"),
    "sums of another": (
        forged(lambda c: c.state["tally"].update(loss=torch.zeros(2, dtype=torch.float64))),
        "its tally are not those",
    ),
    "other code": (retold(code="0" * 12), "it is by other code"),
    "elsewhere": (retold(provenance={"processor": "Another CPU"}), "now processor"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_one_that_cannot_be_used_is_told_and_its_epoch_begins_anew(folder, images, undisturbed, kind):
    spoil, why = SPOILT[kind]
    store = Store(str(folder))
    store.write_checkpoint(ONE, 1, spoil(store, store.read_checkpoint(ONE, 1, steps=2)), steps=2)
    told = train(folder, images)
    (warning,) = warnings(told)
    assert f"{ONE}: the checkpoint within epoch 2 cannot be used ({why}" in warning
    assert [event.epoch for event in told if isinstance(event, EpochEnd)] == [2, 3]
    assert numbers(folder) == undisturbed
    assert files(folder) == ["weights.pt"]


def test_where_one_of_a_pack_has_none_all_go_back(folder, images, undisturbed):
    Store(str(folder)).drop_checkpoints(TWO, [], [(1, 2)])
    told = train(folder, images)
    assert (warnings(told), told[0].epoch) == ([], 2)
    assert numbers(folder) == undisturbed


def test_a_pack_that_was_cut_goes_back(folder, images, undisturbed):
    """What is recorded of an epoch says one pack."""
    (warning,) = warnings(train(folder, images, trials=TRIALS[1:]))
    assert "cannot be used (now a pack of 1 instead of 2)" in warning
    assert numbers(folder)[TWO] == undisturbed[TWO]


def test_edited_code_goes_back(folder, images, undisturbed, monkeypatch):
    for module in ("resumption", "worker"):
        monkeypatch.setattr(f"orchestrator.execution.{module}.training_code", lambda: Code("1" * 12, {}))
    (warning,) = warnings(train(folder, images))
    assert "it is by other code" in warning
    epochs = Store(str(folder)).scan(history=True)[ONE].records
    assert [entry["code"] == "1" * 12 for entry in epochs] == [False, True, True]


def test_no_version_takes_it_for_one_of_an_epochs_end(left):
    store = Store(str(left))
    data = store.read_checkpoint(ONE, 1, steps=2)
    with pytest.raises(DamagedError, match="does not begin as a checkpoint does"):
        decode(data)
    with pytest.raises(DamagedError, match="does not begin as a checkpoint does"):
        decode(store.read_checkpoint(ONE, 1), within=True)
    assert store.scan()[ONE].epochs == (1,)


def test_an_interrupt_leaves_a_long_epoch_and_ends_a_short_one(tmp_path, images, undisturbed, monkeypatch):
    given, interrupt = assignment(tmp_path, images), Interrupt()
    Store(str(tmp_path)).open(TRIALS)
    step, done = Step.__call__, []

    def signalled(self, *batch):
        done.append(None)
        if len(done) in {3, 8}:
            interrupt.signal = 2
        return step(self, *batch)

    monkeypatch.setattr(Step, "__call__", signalled)
    listener = Progress([given.pack], [1.0], [3], slots=1, before=0)
    monkeypatch.setattr(signals, "MOMENT", -1.0)
    run_inline([given], listener, interrupt)
    assert files(tmp_path) == ["midepoch-00001-000003.pt"]
    assert listener.packs[0].state == "stopped"
    assert "left within epoch 1, after 3 of 5 steps" in listener.warnings[0]
    monkeypatch.setattr(signals, "MOMENT", 3600.0)
    interrupt = Interrupt()
    run_inline([given], listener, interrupt)
    assert (len(done), files(tmp_path)) == (10, ["checkpoint-00001.pt", "checkpoint-00002.pt"])
    run_inline([given], listener, Interrupt())
    assert numbers(tmp_path) == undisturbed


def test_an_epoch_is_left_where_its_rest_would_take_too_long():
    now, until = [100.0], [None]
    leaving = Leaving(lambda: until[0], lambda: now[0])
    leaving.begin()
    now[0] = 110.0
    assert not leaving(10, 1000)
    until[0] = 130.0
    assert not leaving(10, 30), "20 steps of a second"
    assert leaving(10, 31)
    now[0] = 120.0
    assert leaving(10, 20), "it has become slower"
