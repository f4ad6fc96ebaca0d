"""Packs side by side in one process: the same numbers, each pack once, and an end when asked."""

import threading
from types import SimpleNamespace

import pytest

from model.training import training
from model.training.graphs import CudaGraphs
from orchestrator.display.progress import Progress
from orchestrator.execution.inline import run_inline
from orchestrator.execution.signals import Interrupt
from orchestrator.planning.plan import Pack
from orchestrator.results.store import Store
from tests.helpers.assignments import assignment
from tests.helpers.numbers_of import numbers
from tests.helpers.tiny import trial
from tests.helpers.waiting import HANGS, until

TRIALS = [trial(seed=s, norm=n, groups=g) for s in range(1, 4) for n, g in (("bn", None), ("gn", 4))]


def train(folder, images, at_once, interrupt=None, listener=None):
    Store(str(folder)).open(TRIALS)
    assignments = [assignment(folder, images, [t]) for t in TRIALS]
    progress = listener or Progress(
        [a.pack for a in assignments], [1.0] * 6, [3] * 6, slots=at_once, before=0
    )
    run_inline(assignments, progress, interrupt or Interrupt(), at_once=at_once)
    return progress


def test_side_by_side_as_one_after_another(tmp_path, images):
    train(tmp_path / "one", images, 1)
    progress = train(tmp_path / "three", images, 3)
    assert progress.trials("done") == 6
    assert numbers(tmp_path / "three") == numbers(tmp_path / "one")
    assert len(numbers(tmp_path / "one")) == 6


def test_packs_that_begin_together_are_all_prepared_before_any_replays(tmp_path, images, monkeypatch):
    """As on a GPU, with "graphs" that call the step. The third pack fails while it starts, once."""
    told, all_here, failing = list[str](), threading.Barrier(3), [True]

    class Calls(CudaGraphs):
        def capture(self, work, beside=None):
            told.append("captured")
            return SimpleNamespace(replay=lambda: (told.append("replayed"), work()))

        def settle(self): ...

    class Together(training.Training):
        def __init__(self, specs, seeds, *more, **options):
            if "replayed" not in told:
                all_here.wait(HANGS)
            if failing and seeds == [3]:
                failing.clear()
                raise RuntimeError("a GPU that was busy")
            super().__init__(specs, seeds, *more, **options, graphs=Calls(steps=1))

    train(tmp_path / "one", images, 1)
    monkeypatch.setattr(training, "Training", Together)
    monkeypatch.setattr("model.starts._LOOK", HANGS)
    three = TRIALS[:2] + TRIALS[4:5]
    packs = [assignment(tmp_path / "three", images, [t]) for t in three]
    Store(str(tmp_path / "three")).open(three)
    progress = Progress([a.pack for a in packs], [1.0] * 3, [3] * 3, slots=3, before=0)
    # What fails is tried again when the others replay: they do not wait for it.
    monkeypatch.setattr("orchestrator.execution.inline.given_up", lambda *_: until_replayed(told))
    run_inline(packs, progress, Interrupt(), at_once=3)
    first = told.index("replayed")
    assert told[:first] == ["captured"] * 2
    assert told[first:].count("captured") == 1
    one = numbers(tmp_path / "one")
    assert numbers(tmp_path / "three") == {t.trial_id: one[t.trial_id] for t in three}


def test_a_pack_that_halves_while_it_starts_is_still_waited_for(tmp_path, images, monkeypatch):
    """Memory runs out in the capture of two seeds; what waits goes on when the first of them has captured."""
    told, both_here = list[str](), threading.Barrier(2)

    class Calls(CudaGraphs):
        def __init__(self, name):
            super().__init__(steps=1)
            object.__setattr__(self, "name", name)

        def capture(self, work, beside=None):
            if self.name == "pair":
                raise MemoryError
            told.append(f"{self.name} captured")
            return SimpleNamespace(replay=lambda: (told.append(f"{self.name} replayed"), work()))

        def settle(self): ...

    class Together(training.Training):
        def __init__(self, specs, seeds, *more, **options):
            halved = "pair halved" in told
            if not halved and ("other replayed" not in told):
                both_here.wait(HANGS)
            name = "other" if seeds == [3] else "pair" if len(seeds) == 2 else "half"
            super().__init__(specs, seeds, *more, **options, graphs=Calls(name))

    def free():
        told.append("pair halved")

    monkeypatch.setattr(training, "Training", Together)
    monkeypatch.setattr("model.streams.free_memory", free)
    bn = TRIALS[::2]
    packs = [assignment(tmp_path, images, own) for own in (bn[:2], bn[2:])]
    Store(str(tmp_path)).open(bn)
    progress = Progress([a.pack for a in packs], [1.0] * 2, [3] * 2, slots=2, before=0)
    run_inline(packs, progress, Interrupt(), at_once=2)
    assert len(numbers(tmp_path)) == 3
    assert told.index("half captured") < told.index("other replayed")
    assert told.count("half captured") == 2


def until_replayed(told):
    until(lambda: "replayed" in told, what="the others replay")


def test_an_interrupt_ends_every_seat(tmp_path, images):
    interrupt = Interrupt()

    class Impatient(Progress):
        def epoch(self, index, event):
            super().epoch(index, event)
            interrupt.signal = 2

    packs = [Pack((t,)) for t in TRIALS]
    progress = Impatient(packs, [1.0] * 6, [3] * 6, slots=3, before=0)
    train(tmp_path, images, 3, interrupt, progress)
    states = Store(str(tmp_path)).scan().values()
    assert not any(s.finished for s in states)
    partial = sum(s.status == "partial" for s in states)
    assert 1 <= partial <= 3
    assert sum(entry.state == "stopped" for entry in progress.packs) == partial


def test_a_pack_in_its_last_epoch_finishes_all_the_same(tmp_path, images):
    """What is told as done is done: asked in the last epoch, the results are still written."""
    interrupt = Interrupt()

    class AtTheEnd(Progress):
        def epoch(self, index, event):
            super().epoch(index, event)
            if event.last:
                interrupt.signal = 2

    packs = [Pack((t,)) for t in TRIALS]
    progress = AtTheEnd(packs, [1.0] * 6, [3] * 6, slots=1, before=0)
    train(tmp_path, images, 1, interrupt, progress)
    states = Store(str(tmp_path)).scan()
    assert progress.packs[0].state == "done"
    assert states[TRIALS[0].trial_id].status == "done"
    assert [states[t.trial_id].status for t in TRIALS[1:]] == ["missing"] * 5
    assert {entry.state for entry in progress.packs[1:]} == {"waiting"}


def test_trouble_in_a_seat_is_raised(tmp_path, images):
    class Broken(Progress):
        def started(self, index):
            raise RuntimeError("a display that breaks")

    packs = [Pack((t,)) for t in TRIALS]
    with pytest.raises(RuntimeError, match="a display that breaks"):
        train(tmp_path, images, 2, listener=Broken(packs, [1.0] * 6, [3] * 6, slots=2, before=0))


def test_data_that_changed_since_the_plan_stop_the_run_and_are_no_failure(tmp_path, images):
    Store(str(tmp_path)).open(TRIALS)
    given = assignment(tmp_path, images, TRIALS[:1], fingerprint="of before")
    progress = Progress([given.pack], [1.0], [3], slots=1, before=0)
    interrupt = Interrupt()
    run_inline([given], progress, interrupt)
    assert "changed while the sweep ran: fingerprint of before, now" in interrupt.trouble
    assert not list(tmp_path.rglob("failure.json"))
    assert not list(tmp_path.rglob("*.pt"))


def test_data_that_went_away_stop_the_run_and_are_no_failure(tmp_path):
    Store(str(tmp_path)).open(TRIALS)
    given = assignment(tmp_path, tmp_path / "gone", TRIALS[:1], fingerprint="of before")
    interrupt = Interrupt()
    run_inline([given], Progress([given.pack], [1.0], [3], slots=1, before=0), interrupt)
    assert "there is no such folder" in interrupt.trouble
    assert not list(tmp_path.rglob("failure.json"))
