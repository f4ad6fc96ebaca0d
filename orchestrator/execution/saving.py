"""What a pack leaves in the store, at each epoch's end and at its own: the files of its trials side by side.

A bucket takes some ten milliseconds to answer whatever it is asked, and a GPU waits meanwhile. The order is
that of a kill at any moment: first the checkpoints of all trials, then what readers see of them, and only
then room is made, while the next epoch trains. So what a reader is told of any trial is there to go on from
for all of its pack, and the last two checkpoints that all of them have are never touched.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import current_thread
from typing import TYPE_CHECKING, Any, Self

from orchestrator.execution.resumption import TrialRecord
from orchestrator.results.checkpoint import Checkpoint, Within, encode, encode_weights
from orchestrator.results.records import Result
from orchestrator.results.store import Store

if TYPE_CHECKING:
    import torch

#: As many connections as botocore keeps open.
_AT_ONCE = 10
#: Bytes that wait in memory to be written, of whatever network.
_MOST_BYTES = 512 * 2**20
_LISTEN = 0.5  # seconds between two looks whether a thread that waits for storage has said so


class Voice:
    """What is said in other threads, passed on in the one that made this: Ray takes reports of one thread."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._home = say, current_thread()
        self._waiting: deque[str] = deque()

    def __call__(self, text: str) -> None:
        if current_thread() is self._home:
            self._say(text)
        else:
            self._waiting.append(text)

    def speak(self) -> None:
        """Pass on what waits, once where several said the same."""
        texts: dict[str, None] = {}
        while self._waiting:
            texts[self._waiting.popleft()] = None
        for text in texts:
            self._say(text)


class Saving:
    """A context manager; what it has begun is over when it is left. `voice`: the store's. What was to be
    removed and could not, in the last epoch before it is left, is left too."""

    def __init__(self, store: Store, voice: Voice) -> None:
        self._store, self._voice = store, voice
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="save")
        self._clearing: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def epoch(self, records: Sequence[TrialRecord], states: Sequence[dict[str, Any]]) -> None:
        """Checkpoints, then histories, of trials in the same epoch; the checkpoints before the last two go,
        and those within an epoch.

        Raises StorageError, also where those of earlier could not be removed, and LostError.
        """
        epoch = len(records[0].epochs)
        self._cleared()
        self._each(self._write_checkpoint, zip(records, states, strict=True), _side_by_side(states[0]))
        self._each(self._write_history, ((record,) for record in records))
        old = [epoch - 2] if epoch > 2 else []
        self._clearing = [
            self._pool.submit(self._store.drop_checkpoints, record.trial_id, old, record.within)
            for record in records
            if old or record.within
        ]
        for record in records:
            record.within = ()

    def left(
        self,
        records: Sequence[TrialRecord],
        states: Sequence[dict[str, Any]],
        pack: list[str],
        within: Within,
    ) -> None:
        """Checkpoints of trials that `pack` leaves within an epoch; then those go that they had within one.

        Raises as `epoch`.
        """
        place = (states[0]["epoch"], states[0]["step"])

        def write(record: TrialRecord, state: dict[str, Any]) -> None:
            checkpoint = Checkpoint(state, record.epochs, pack, record.trial_id, record.stretches, within)
            self._store.write_checkpoint(record.trial_id, place[0], encode(checkpoint), steps=place[1])

        self._cleared()
        self._each(write, zip(records, states, strict=True), _side_by_side(states[0]))
        for record in records:
            self._store.drop_checkpoints(record.trial_id, [], [one for one in record.within if one != place])
            record.within = (place,)

    def end(
        self,
        records: Sequence[TrialRecord],
        weights: Sequence[dict[str, "torch.Tensor"]],
        results: Mapping[str, Result],
    ) -> None:
        """Final weights, then results, by trial id; every checkpoint stays until every result is there."""
        self._cleared()
        self._each(self._write_weights, zip(records, weights, strict=True), _side_by_side(weights[0]))
        self._each(self._store.write_result, results.items())
        left = self._store.states(results)
        self._each(
            self._store.drop_checkpoints, ((i, state.epochs, state.within) for i, state in left.items())
        )

    def _write_checkpoint(self, record: TrialRecord, state: dict[str, Any]) -> None:
        epochs, pack = record.epochs, record.stretches[-1]["pack"]
        checkpoint = Checkpoint(state, epochs, pack, record.trial_id, record.stretches)
        self._store.write_checkpoint(record.trial_id, len(epochs), encode(checkpoint))

    def _write_weights(self, record: TrialRecord, weights: "dict[str, torch.Tensor]") -> None:
        self._store.write_weights(record.trial_id, encode_weights(weights, record.notes))

    def _write_history(self, record: TrialRecord) -> None:
        self._store.write_history(record.trial_id, record.history)

    def _each(
        self, write: Callable[..., None], files: Iterable[tuple[Any, ...]], at_once: int = _AT_ONCE
    ) -> None:
        """Write them all. Raises the first error when none is being written any more."""
        waiting = list(files)
        for start in range(0, len(waiting), at_once):
            self._over([self._pool.submit(write, *one) for one in waiting[start : start + at_once]])

    def _cleared(self) -> None:
        begun, self._clearing = self._clearing, []
        self._over(begun)

    def _over(self, begun: Sequence[Future[None]]) -> None:
        while wait(begun, _LISTEN).not_done:
            self._voice.speak()
        self._voice.speak()
        for one in begun:
            one.result()


def _side_by_side(state: Mapping[str, Any]) -> int:
    """How many files of a trial like this one may wait in memory at once to be written."""
    parts = [part.values() if isinstance(part, dict) else [part] for part in state.values()]
    size = sum(getattr(tensor, "nbytes", 0) for part in parts for tensor in part)
    return max(1, min(_AT_ONCE, _MOST_BYTES // max(1, size)))
