"""One pack on one worker: store + data + model, no policy.

Knows no Ray: it is given an assignment and a function to report to, so the inline executor, Ray's workers
and the tests run the same code. It asks the store where it stands, so being started again, by Ray after a
lost node or by a person a week later, is the ordinary case and not a special one.

At an epoch's end all is saved (`saving`) before anything is reported: what was reported is never lost. The
result comes last. A pack that is asked to end, and whose epoch would take long, leaves it between two steps.
"""

import functools
import math
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from model import own
from model.data.dataset import Dataset
from model.data.registry import load
from model.data.selection import Selection
from model.errors import InputError, summary
from model.starts import STARTS, Start
from orchestrator.execution.ancestry import start_from_parents
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.device import DeviceError, SpoiledError, device_trouble, refuse_broken, spoiled
from orchestrator.execution.events import EpochEnd, Report, Trained, Warned
from orchestrator.execution.failures import given_up, out_of_memory, record_failure
from orchestrator.execution.leaving import Leaving, Until, unasked
from orchestrator.execution.resumption import TrialRecord, goes_on_otherwise, restore
from orchestrator.execution.saving import Saving, Voice
from orchestrator.grid.own import own_code
from orchestrator.grid.trial import Trial
from orchestrator.patience import patience_of
from orchestrator.results.archives import kept_at
from orchestrator.results.checkpoint import Within
from orchestrator.results.provenance import provenance
from orchestrator.results.records import EpochRecord, Result
from orchestrator.results.result import result
from orchestrator.results.source import training_code
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store

if TYPE_CHECKING:  # torch is 400 MB, and a driver with nothing to train needs none of it
    import torch

    from model.training.training import EpochMetrics, Training

#: Seconds that a worker waits for storage that fails: a share is mounted again, a disk is cleared.
PATIENCE = patience_of("NORMSWEEP_STORAGE_PATIENCE", 300)


#: Why our kernels cannot be used, as far as this process has said so.
_lacking: set[str] = set()


class GoneError(StorageError):
    """The data or the code that were declared are not there any more: no failure of a trial's own."""


class Stopped(Exception):
    """A pack has ended before its time, and everything is saved: raised by a report function at an epoch's
    end, and where a pack is left within one."""


def run_pack(assignment: Assignment, report: Report, until: Until = unasked) -> None:
    """Train a pack's trials from where the store has them, to the end. Failures are recorded, then raised.

    `until`: asked between steps; where it says that the epoch would not end in time, the pack is left there.
    Raises StorageError where the store stays out of reach, LostError where another run has it, DeviceError
    where the device is broken: none is a failure of the trials. SpoiledError where this process is, which is
    one only where no other pack trains in it.
    """
    with STARTS.begun(assignment.device) as start:
        _run_pack(assignment, report, until, start)


def _run_pack(assignment: Assignment, report: Report, until: Until, start: Start) -> None:
    voice = Voice(lambda text: report(Warned(text)))
    store = store_of(assignment, waiting=voice)
    trials = list(assignment.pack.trials)
    states = store.states([trial.trial_id for trial in trials])
    trials = [trial for trial in trials if not states[trial.trial_id].finished]
    if not trials:
        report(Trained({i: state.result for i, state in states.items() if state.result is not None}))
        return
    try:
        results = _train_or_halve(assignment, store, trials, report, voice, until)
    except (Stopped, StorageError):
        raise
    except Exception as error:
        start.over()  # what follows may take long
        refuse_broken(assignment.device)
        ended = spoiled(assignment.device)
        if not (ended and assignment.beside_others):  # else it may have been another pack's doing
            record_failure(
                store, [trial.trial_id for trial in trials], summary(error), traceback.format_exc()
            )
        if ended:
            raise SpoiledError(f"CUDA has ended for this process: {summary(error)}") from error
        raise
    report(Trained(results))


def attempt(assignment: Assignment, report: Report, until: Until = unasked) -> str | None:
    """The same where the device works and attempts are left; else the failure that used them up.

    Raises as `run_pack`.
    """
    if (broken := device_trouble(assignment.device)) is not None:
        raise DeviceError(broken)
    if (error := given_up(store_of(assignment), assignment)) is None:
        run_pack(assignment, report, until)
    return error


def store_of(assignment: Assignment, waiting: Callable[[str], None] = lambda _: None) -> Store:
    """The store that a pack's results go to, with a worker's patience. `waiting`: told when that begins."""
    return Store(assignment.results, PATIENCE, waiting=waiting, token=assignment.token)


def _train_or_halve(
    assignment: Assignment, store: Store, trials: list[Trial], report: Report, voice: Voice, until: Until
) -> dict[str, Result]:
    """Train; where memory runs out, one half after the other, each from its last epoch."""
    try:
        with Saving(store, voice) as saving:
            return _train(assignment, store, trials, report, saving, until)
    except Exception as error:
        if len(trials) == 1 or not out_of_memory(error):
            raise
    from model.streams import free_memory

    # Outside the except block: the exception's frames would keep the pack's tensors alive.
    free_memory()
    half = -(-len(trials) // 2)
    report(Warned(f"out of memory with {len(trials)} replicas; going on with {half}"))
    first = _train_or_halve(assignment, store, trials[:half], report, voice, until)
    return {**first, **_train_or_halve(assignment, store, trials[half:], report, voice, until)}


def _train(
    assignment: Assignment,
    store: Store,
    trials: list[Trial],
    report: Report,
    saving: Saving,
    until: Until,
) -> dict[str, Result]:
    import torch

    from model.training.training import LeftWithin, Training

    pack = [trial.trial_id for trial in trials]
    states = store.states(pack)
    torch.set_num_threads(assignment.threads)
    device = torch.device(assignment.device)
    spec = trials[0].shared
    _check_code(trials)
    data = _data(assignment)
    leaving = Leaving(until)
    training = Training(
        [t.spec for t in trials],
        [t.seed for t in trials],
        data,
        device,
        kernels=assignment.kernels,
        leave=leaving,
    )
    if (lacks := training.lacks) and lacks not in _lacking:
        _lacking.add(lacks)
        report(Warned(_slower(lacks), once=True))
    facts = provenance(
        device_name(device),
        threads=str(assignment.threads),
        precision=training.step.precision,
        kernels=training.kernels,
        data=data.info.fingerprint,
    )
    records, spent = restore(store, states, training, facts, report)
    if training.epoch == training.steps == 0:
        start_from_parents(store, trials, training)
    if training.epoch == training.total_epochs:
        for record in records:  # a kill may have left a history behind its checkpoint
            store.write_history(record.trial_id, record.history)
    elif told := goes_on_otherwise(assignment.pack.name, records, facts):
        report(Warned(told))
    while training.epoch < training.total_epochs:
        begun = time.perf_counter() - spent
        leaving.begin()
        try:
            metrics = training.run_epoch()
        except LeftWithin:
            within = Within(time.perf_counter() - begun, training_code().digest, facts)
            saving.left(records, training.state(), pack, within)
            report(Warned(_left(assignment.pack.name, training)))
            raise Stopped from None
        spent = 0.0
        images = spec.steps_in_epoch(training.epoch, assignment.train_size) * spec.batch_size * len(trials)
        entries = _entries(metrics, images, time.perf_counter() - begun, device)
        for record, entry in zip(records, entries, strict=True):
            record.add(entry, pack, facts)
        saving.epoch(records, training.state())
        report(
            EpochEnd(
                epoch=training.epoch,
                epochs=training.total_epochs,
                images_per_second=entries[0]["images_per_second"],
                worker=entries[0]["worker"],
                replicas=dict(zip(pack, entries, strict=True)),
            )
        )
    return _finish(saving, trials, records, training)


def _slower(why: str) -> str:
    return (
        f"on {socket.gethostname()} convolutions are cuDNN's, which is slower at small batches: our kernels "
        f"cannot be used there ({why})"
    )


def _left(name: str, training: "Training") -> str:
    epoch = training.epoch + 1
    steps = f"{training.steps:,} of {training.steps_in(epoch):,} steps"
    return f"{name}: left within epoch {epoch}, after {steps}, which are saved"


def _check_code(trials: Sequence[Trial]) -> None:
    """Raises GoneError where a norm, a network or a data set of the user's own is not what was declared."""
    for value in own_code(trials):
        try:
            own.load(value)
        except InputError as error:
            raise GoneError(str(error)) from None


def _data(assignment: Assignment) -> Dataset:
    """A worker is used for many packs; it loads its data once, and so do packs in threads of one process.

    Raises GoneError.
    """
    spec = assignment.pack.trials[0].spec
    with _loading:
        return loaded(
            spec.dataset,
            assignment.data_dir,
            Selection.of(spec),
            assignment.fingerprint,
            assignment.results,
        )


@functools.lru_cache(maxsize=2)
def loaded(
    name: str, data_dir: str | None, selection: Selection, fingerprint: str | None, results: str
) -> Dataset:
    """The data that have the `fingerprint` by which the driver knows them; an archive may lie beside the
    `results`. Raises GoneError."""
    try:
        data = load(name, data_dir, selection, kept_at(results))
    except InputError as error:  # they could be read when the run began
        raise GoneError(str(error)) from None
    if fingerprint is not None and data.info.fingerprint != fingerprint:
        where = f"in {data_dir}" if data_dir else f"of {own.short_name(name)}"
        raise GoneError(
            f"the data {where} changed while the sweep ran: fingerprint {fingerprint}, now "
            f"{data.info.fingerprint}. What is finished was trained on the data of before: put them back, "
            "run again, or choose another --results"
        )
    return data


_loading = threading.Lock()  # the cache alone would let ten threads that ask at once load ten times


def _entries(
    metrics: "list[EpochMetrics]", images: int, seconds: float, device: "torch.device"
) -> list[EpochRecord]:
    """A history entry for each replica; NaN and infinity become null, which JSON has."""
    ended = round(time.time(), 3)
    return [
        {
            "epoch": replica.epoch,
            "learning_rate": replica.learning_rate,
            "train_loss": _finite(replica.train_loss),
            "train_error": _finite(replica.train_error),
            "test_error": _finite(replica.test_error),
            "val_error": _finite(replica.val_error),
            "seconds": round(seconds, 4),
            "replicas": len(metrics),
            "images_per_second": round(images / seconds, 2),
            "ended": ended,
            "worker": f"{socket.gethostname()}/{os.getpid()}",
            "device": device_name(device),
            "code": training_code().digest,
        }
        for replica in metrics
    ]


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def device_name(device: "torch.device") -> str:
    """What computes, as a person would name it."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device.type)


def _finish(
    saving: Saving,
    trials: list[Trial],
    records: list[TrialRecord],
    training: "Training",
) -> dict[str, Result]:
    results = {
        record.trial_id: result(trial, record.notes) for trial, record in zip(trials, records, strict=True)
    }
    saving.end(records, training.weights(), results)
    return results
