"""One pack on one worker: interrupted anywhere, it ends where the undisturbed run ends, to the bit."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.data.registry import load
from model.data.selection import corrupted, stratified
from model.training.training import Training
from orchestrator.execution.events import EpochEnd, Warned
from orchestrator.execution.failures import out_of_memory
from orchestrator.execution.worker import Stopped, run_pack
from orchestrator.results.checkpoint import decode, decode_notes, encode
from orchestrator.results.result import result
from orchestrator.results.store import Store
from tests.helpers.assignments import TRIALS, assignment
from tests.helpers.tiny import trial

#: What may differ between two runs of the same trial.
CLOCK = {"seconds", "images_per_second", "ended", "worker"}
CLOCK_RESULT = {
    "train_seconds",
    "pack_seconds",
    "images_per_second",
    "started",
    "finished",
    "worker",
    "provenance",
}


def train(the_pack, stop_after=None):
    store = Store(the_pack.results)
    store.open(the_pack.pack.trials)
    reports = []

    def report(event):
        reports.append(event)
        if isinstance(event, EpochEnd) and event.epoch == stop_after:
            raise Stopped

    if stop_after is None:
        run_pack(the_pack, report)
    else:
        with pytest.raises(Stopped):
            run_pack(the_pack, report)
    return store, reports


def outcome(store, trials=TRIALS):
    """Everything that must not depend on what happened on the way."""
    found = {}
    for t in trials:
        folder = f"trials/{t.trial_id}"
        final = {
            k: v for k, v in store.files.read_json(f"{folder}/result.json").items() if k not in CLOCK_RESULT
        }
        epochs = [
            {k: v for k, v in entry.items() if k not in CLOCK}
            for entry in store.files.read_json(f"{folder}/history.json")["epochs"]
        ]
        found[t.trial_id] = (final, epochs, numbers_of(store, t.trial_id))
    return found


def numbers_of(store, trial_id):
    """The bytes of its final weights."""
    weights = torch.load(io.BytesIO(store.read_weights(trial_id)), weights_only=True)
    return {k: v.numpy().tobytes() for k, v in weights.items()}


def test_a_worker_trains_on_the_images_and_labels_that_a_trial_selects(tmp_path, images):
    """Held against a training of the same numbers, selected from the image folder's arrays here by hand."""
    chosen = trial(epochs=1, train_size=12, label_noise=0.5)
    store, _ = train(assignment(tmp_path, images, [chosen]))
    whole = load("imagefolder", str(images))
    places = stratified(whole.train_labels.numpy(), np.arange(20), 12)
    labels = corrupted(whole.train_labels.numpy()[places], places, 0.5, 2)
    pixels = whole.train_images[places].contiguous(memory_format=torch.channels_last)
    data = replace(
        whole,
        train_images=pixels,
        train_labels=torch.from_numpy(labels),
        mean=pixels.double().mean((0, 2, 3)).float(),
        std=pixels.double().std((0, 2, 3), correction=0).float(),
    )
    (metrics,) = Training(chosen.spec, [1], data).run_epoch()
    entry = store.files.read_json(f"trials/{chosen.trial_id}/history.json")["epochs"][0]
    assert entry["train_loss"] == pytest.approx(metrics.train_loss, rel=1e-5)
    assert (entry["train_error"], entry["test_error"]) == (metrics.train_error, metrics.test_error)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, images):
    return outcome(train(assignment(tmp_path_factory.mktemp("undisturbed"), images))[0])


def test_reports_and_files(tmp_path, images):
    store, reports = train(assignment(tmp_path, images))
    assert [r.epoch for r in reports[:-1]] == [1, 2, 3]
    assert set(reports[0].replicas) == {t.trial_id for t in TRIALS}
    state = store.scan(history=True)[TRIALS[0].trial_id]
    assert state.status == "done"
    assert state.epochs == (), "checkpoints of a finished trial are of no use"
    assert [e["epoch"] for e in state.history["epochs"]] == [1, 2, 3]
    assert reports[-1].trials[TRIALS[0].trial_id] == state.result
    assert state.result["test_error"] == state.history["epochs"][-1]["test_error"]
    assert state.result["val_error"] is None
    made = state.result["provenance"]
    assert (made["threads"], made["precision"], made["device"]) == ("1", "fp32", "cpu")
    assert made["kernels"].startswith("nhwc, ordered convolutions of ")
    assert {"torch", "processor", "host"} <= set(made)


@pytest.mark.parametrize("epoch", [1, 2])
def test_interrupted_and_resumed_to_the_bit(tmp_path, images, undisturbed, epoch):
    store, _ = train(assignment(tmp_path, images), stop_after=epoch)
    assert store.scan()[TRIALS[0].trial_id].status == "partial"
    store, reports = train(assignment(tmp_path, images))
    assert reports[0].epoch == epoch + 1
    assert outcome(store) == undisturbed


def test_an_epoch_apart_goes_back_together(tmp_path, images, undisturbed):
    store, _ = train(assignment(tmp_path, images), stop_after=2)
    store.drop_checkpoints(TRIALS[1].trial_id, [2])  # as if killed between the two trials' checkpoints
    store, reports = train(assignment(tmp_path, images))
    assert reports[0].epoch == 2
    assert outcome(store) == undisturbed


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, images, undisturbed):
    store, _ = train(assignment(tmp_path, images), stop_after=2)
    good = store.read_checkpoint(TRIALS[0].trial_id, 2)
    store.write_checkpoint(TRIALS[0].trial_id, 2, good[: len(good) // 2])
    store, reports = train(assignment(tmp_path, images))
    assert TRIALS[0].trial_id in reports[0].warning
    assert "epoch 2 cannot be used" in reports[0].warning
    assert reports[1].epoch == 2
    assert outcome(store) == undisturbed


def test_a_kill_between_two_results(tmp_path, images, undisturbed):
    store, _ = train(assignment(tmp_path, images), stop_after=3)
    name = f"trials/{TRIALS[0].trial_id}/result.json"
    run_pack(assignment(tmp_path, images), lambda _: None)
    kept = store.files.read_json(name)
    store.files.remove(f"trials/{TRIALS[1].trial_id}/result.json")
    # the checkpoints are gone with the last result, so this one starts again, alone
    store, _ = train(assignment(tmp_path, images))
    assert store.files.read_json(name) == kept, "a finished trial is not touched"
    assert store.scan()[TRIALS[1].trial_id].status == "done"


def test_a_trial_that_moves_records_every_machine_and_says_so(tmp_path, images, undisturbed, monkeypatch):
    train(assignment(tmp_path, images), stop_after=1)
    monkeypatch.setattr("orchestrator.results.provenance.processor", lambda: "Another CPU")
    _, moved = train(assignment(tmp_path, images), stop_after=2)
    store, alone = train(assignment(tmp_path, images, TRIALS[:1]))
    assert "from epoch 2 on processor “Another CPU” instead of" in moved[0].warning
    assert isinstance(alone[0], EpochEnd), "the pack is the plan's, which has told it"
    one = TRIALS[0].trial_id
    weights = decode_notes(store.read_weights(one))
    for said in (store.files.read_json(f"trials/{one}/{n}.json") for n in ("result", "history")):
        first, second, third = said["stretches"]
        assert [(s["first"], s["last"]) for s in said["stretches"]] == [(1, 1), (2, 2), (3, 3)]
        assert first["provenance"]["processor"] != second["provenance"]["processor"] == "Another CPU"
        assert (len(second["pack"]), third["pack"]) == (2, [one])
        assert said["stretches"] == weights["stretches"]
    assert numbers_of(store, one) == undisturbed[one][2]


def test_a_checkpoint_says_how_its_epochs_were_computed(tmp_path, images, monkeypatch):
    """Its trial's history may be lost, or behind."""
    store, _ = train(assignment(tmp_path, images), stop_after=1)
    for t in TRIALS:
        store.files.remove(f"trials/{t.trial_id}/history.json")
    monkeypatch.setattr("orchestrator.results.provenance.processor", lambda: "Another CPU")
    store, _ = train(assignment(tmp_path, images))
    said = store.files.read_json(f"trials/{TRIALS[0].trial_id}/result.json")["stretches"]
    assert [s["last"] for s in said] == [1, 3]
    assert said[0]["provenance"]["processor"] not in {"Another CPU", None}


def test_the_last_of_a_pack_keeps_what_trained_it(tmp_path, images, monkeypatch):
    """A kill between two results: what is left has nothing to train, on whatever machine."""
    store, _ = train(assignment(tmp_path, images), stop_after=3)
    monkeypatch.setattr("orchestrator.results.provenance.processor", lambda: "Another CPU")
    store, _ = train(assignment(tmp_path, images, TRIALS[1:]))
    said = store.files.read_json(f"trials/{TRIALS[1].trial_id}/result.json")
    assert said["pack"] == [t.trial_id for t in TRIALS]
    assert said["provenance"]["processor"] != "Another CPU"
    assert "stretches" not in said


FORGERIES = {
    "another network": lambda c: c.state["weights"].popitem(),
    "another shape": lambda c: c.state["weights"].update({n: w[:0] for n, w in c.state["weights"].items()}),
    "another type": lambda c: c.state["momentum"].update(
        {n: w.double() for n, w in c.state["momentum"].items()}
    ),
    "no tensor": lambda c: c.state["statistics"].update(dict.fromkeys(c.state["statistics"], 3)),
    "no numbers": lambda c: c.state["weights"].update(
        {n: w.to("meta") for n, w in c.state["weights"].items()}
    ),
    "epochs": lambda c: c.state.update(epoch=torch.arange(3)),
    "another epoch": lambda c: c.state.update(epoch=1),
    "no state": lambda c: c.state.clear(),
    "an epoch missing": lambda c: c.epochs.pop(),
    "no epoch": lambda c: c.epochs[0].update(epoch="x"),
}


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(forge, id=name, marks=() if name in {"another shape", "no epoch"} else pytest.mark.slow)
        for name, forge in FORGERIES.items()
    ],
)
def test_a_forged_checkpoint_is_as_a_damaged_one(tmp_path, images, undisturbed, forge):
    store, _ = train(assignment(tmp_path, images), stop_after=2)
    forged = decode(store.read_checkpoint(TRIALS[1].trial_id, 2))
    forge(forged)
    store.write_checkpoint(TRIALS[1].trial_id, 2, encode(forged))
    store, reports = train(assignment(tmp_path, images))
    assert "epoch 2 cannot be used" in reports[0].warning
    assert outcome(store) == undisturbed


def test_a_finished_pack_trains_nothing(tmp_path, images):
    train(assignment(tmp_path, images))
    _, reports = train(assignment(tmp_path, images))
    assert len(reports) == 1
    assert set(reports[0].trials) == {t.trial_id for t in TRIALS}


def test_the_history_travels_with_the_checkpoint(tmp_path, images):
    store, _ = train(assignment(tmp_path, images), stop_after=2)
    one = TRIALS[0].trial_id
    store.files.remove(f"trials/{one}/history.json")
    checkpoint = decode(store.read_checkpoint(one, 2))
    assert [e["epoch"] for e in checkpoint.epochs] == [1, 2]
    assert checkpoint.pack == [t.trial_id for t in TRIALS]
    store, _ = train(assignment(tmp_path, images))
    assert [e["epoch"] for e in store.files.read_json(f"trials/{one}/history.json")["epochs"]] == [1, 2, 3]


def test_a_hold_out_is_judged_without_the_test_set(tmp_path, images):
    trials = [trial(norm="gn", groups=4, holdout=6)]
    store, _ = train(assignment(tmp_path, images, trials))
    found = store.files.read_json(f"trials/{trials[0].trial_id}/result.json")
    assert found["test_error"] is None
    assert 0 <= found["val_error"] <= 100


def test_a_failure_is_counted_with_its_traceback(tmp_path, images, monkeypatch):
    def broken(*_):
        raise RuntimeError("it broke\nin two lines")

    with monkeypatch.context() as patch:
        patch.setattr("model.training.training.Training.run_epoch", broken)
        for attempt in (1, 2):
            with pytest.raises(RuntimeError):
                train(assignment(tmp_path, images))
            failure = Store(str(tmp_path)).scan()[TRIALS[0].trial_id].failure
            assert failure["attempts"] == attempt
    assert failure["error"] == "RuntimeError: it broke in two lines"
    assert "in broken" in failure["traceback"]
    store, _ = train(assignment(tmp_path, images))
    assert store.scan()[TRIALS[0].trial_id].failure is None


def test_a_loss_that_is_not_finite_is_a_divergence():
    entry = {"seconds": 1.0, "images_per_second": 5.0, "ended": 10.0, "worker": "w", "device": "cpu"}
    entry |= {"learning_rate": 0.1, "train_error": 50.0, "val_error": None}
    history = [
        {"epoch": 1, "train_loss": 2.0, "test_error": 40.0, **entry},
        {"epoch": 2, "train_loss": None, "test_error": 90.0, **entry},
    ]
    found = result(TRIALS[0], {"pack": ["a", "b"], "epochs": history})
    assert (found["status"], found["diverged_at"]) == ("diverged", 2)
    assert found["train_seconds"] == 1.0, "half of the pack's two seconds"
    json.dumps(found, allow_nan=False)


def test_an_evaluation_that_is_not_finite_is_a_divergence_too():
    """The last update can blow the weights up when the epoch's mean loss is still finite."""
    entry = {"seconds": 1.0, "images_per_second": 5.0, "ended": 10.0, "worker": "w", "device": "cpu"}
    entry |= {"learning_rate": 0.1, "train_error": 50.0, "val_error": None}
    history = [{"epoch": 1, "train_loss": 1.2, "test_error": None, **entry}]
    found = result(TRIALS[0], {"pack": ["a"], "epochs": history})
    assert (found["status"], found["diverged_at"]) == ("diverged", 1)


def test_a_share_of_the_seconds_is_each_epochs_own():
    """A pack that was halved in the middle, for want of memory."""
    entry = {"images_per_second": 5.0, "ended": 10.0, "worker": "w", "device": "cpu", "learning_rate": 0.1}
    entry |= {"train_error": 50.0, "val_error": None, "test_error": 1.0, "train_loss": 1.0}
    history = [
        {"epoch": 1, "seconds": 8.0, "replicas": 4, **entry},
        {"epoch": 2, "seconds": 6.0, "replicas": 2, **entry},
    ]
    assert result(TRIALS[0], {"pack": ["a", "b"], "epochs": history})["train_seconds"] == 5.0


def test_the_median_of_the_last_five():
    entry = {"seconds": 1.0, "images_per_second": 5.0, "ended": 10.0, "worker": "w", "device": "cpu"}
    entry |= {"learning_rate": 0.1, "train_error": 50.0, "val_error": None, "train_loss": 1.0}
    errors = [99.0, 10.0, 30.0, 20.0, 50.0, 12.0]
    history = [{"epoch": i, "test_error": e, **entry} for i, e in enumerate(errors, 1)]
    found = result(TRIALS[0], {"pack": ["a"], "epochs": history})
    assert found["test_error"] == 12.0
    assert found["test_error_median5"] == 20.0


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", True),
        ("GET was unable to find an engine to execute this computation", True),
        ("CUDA error: operation failed due to a previous error during capture", False),
        ("CUDA error: an illegal memory access was encountered", False),
    ],
)
def test_memory_that_ran_out_is_known_by_what_torch_says_of_it(message, expected):
    assert out_of_memory(RuntimeError(message)) is expected


def test_memory_that_ran_out_is_known_behind_what_it_led_to():
    def capture():
        try:
            raise RuntimeError("CUDA error: out of memory")
        except RuntimeError:
            raise RuntimeError("operation failed due to a previous error during capture")  # noqa: B904

    with pytest.raises(RuntimeError) as of_context:
        capture()
    assert out_of_memory(of_context.value)
    caused = ValueError("capture failed")
    caused.__cause__ = of_context.value
    caused.__cause__.__cause__ = caused  # a circle ends too
    assert out_of_memory(caused)


def test_that_our_kernels_cannot_be_used_is_told_once(tmp_path, images, monkeypatch):
    """Where a machine lacks a compiler, say: a sweep would be twice as long and nobody would know why."""
    monkeypatch.setattr(Training, "lacks", "RuntimeError: Failed to find C compiler", raising=False)
    monkeypatch.setattr("orchestrator.execution.worker._lacking", set())
    told = []
    for one in TRIALS:
        given = assignment(tmp_path, images, [one])
        Store(given.results).open([one])
        run_pack(given, told.append)
    (warned,) = [event for event in told if isinstance(event, Warned)]
    assert warned.once
    assert "our kernels cannot be used there (RuntimeError: Failed to find C compiler)" in warned.warning
