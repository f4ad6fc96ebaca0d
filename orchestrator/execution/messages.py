"""What a worker of Ray's says to the driver: the flat mapping that `tune.report` takes, its keys typed.

Tune hands a report to its callbacks with keys of its own beside ours, and keeps the last one of each pack as
`Result.metrics`, where a person looks for `trials` and `replicas`.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from orchestrator.execution.events import EpochEnd, Trained, Warned
from orchestrator.results.records import EpochRecord, Result


class Message(TypedDict, total=False):
    """`pack`: its index, in all but `stop`, `left_out`, `back` and `interrupted`. One of the others says what
    it is.

    `once`: every worker says it, and a person needs to be told it once. `failed`: the error of a pack whose
    attempts are used up. `stop`: why the whole sweep must end. `left_out`: why this node takes no packs;
    `storage`: because it cannot reach the results; `node`: its name, where it may come back; `back`: the same
    words when it takes some again.
    `interrupted`: no pack was left to take. `errors`, `mean_error`: the driver's, see `as_tune_sees`.
    """

    pack: int
    started: bool
    warning: str
    once: bool
    epoch: int
    epochs: int
    images_per_second: float
    worker: str
    replicas: Mapping[str, EpochRecord]
    trials: Sequence[Result]
    errors: Mapping[str, float | None]
    mean_error: float
    failed: str
    stop: str
    left_out: str
    storage: bool
    node: str
    back: str
    interrupted: bool


def of_event(index: int, event: EpochEnd | Warned | Trained) -> dict[str, object]:
    """A pack's event as a report. Results are a list: Tune makes a column of every key of a mapping."""
    if isinstance(event, Trained):
        return {"pack": index, "trials": [*event.trials.values()]}
    return {"pack": index, **vars(event)}


def epoch_end(message: Message) -> EpochEnd:
    """The event of a message that has `replicas`."""
    return EpochEnd(
        epoch=message["epoch"],
        epochs=message["epochs"],
        images_per_second=message["images_per_second"],
        worker=message["worker"],
        replicas=message["replicas"],
    )
