"""What a sweep asks of the bucket of its results: what that costs, and how near it comes to its limits. Pure.

At each epoch's end a trial leaves a checkpoint and its history and removes a checkpoint, and the run asks
whether it is finished elsewhere; at its end it leaves weights and a result (`execution.saving`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from model.data.dataset import DataInfo
from orchestrator.planning.plan import Plan

#: US dollars for a thousand requests to S3 (standard, us-east-1; aws.amazon.com/s3/pricing); to remove costs
#: nothing.
_WRITE, _READ = 0.005, 0.0004
#: Writes and deletions a second that S3 takes below one prefix, before it has split that under load ("Best
#: practices design patterns: optimizing Amazon S3 performance").
_MOST_A_SECOND = 3500
_NEAR = 0.5
_PER_EPOCH, _REMOVED, _ASKED, _ONCE = 2, 1, 1, 3  # of a trial; once: its identity, weights and result


@dataclass(frozen=True)
class Requests:
    """`writes` and `reads`: of the whole plan. `a_second`: writes and deletions when the packs side by side
    are those that ask most."""

    writes: int
    reads: int
    a_second: float

    @property
    def dollars(self) -> float:
        """At S3's prices."""
        return (self.writes * _WRITE + self.reads * _READ) / 1000


def requests(plan: Plan, infos: Mapping[str, DataInfo], slots: int) -> Requests:
    """Of a plan with an estimate of each pack's seconds. `slots`: packs that run at once."""
    writes = reads = 0
    rates = []
    for pack, seconds in zip(plan.packs, plan.seconds, strict=True):
        epochs = pack.spec.total_epochs(infos[pack.spec.dataset].train_size) - pack.epoch
        trials = len(pack.trials)
        writes += trials * (_PER_EPOCH * epochs + _ONCE)
        reads += trials * _ASKED * (epochs + 1)
        rates.append(trials * (_PER_EPOCH + _REMOVED) * epochs / max(seconds, 1e-9))
    return Requests(writes, reads, sum(sorted(rates, reverse=True)[:slots]))


def in_words(asked: Requests, seconds: float, url: str) -> list[str]:
    """Sentences for the plan. `seconds`: that it takes; `url`: of the bucket."""
    hours = max(seconds, 1.0) / 3600
    line = f"in the bucket about {asked.writes:,} writes, {asked.writes / max(hours, 1.0):,.0f} an hour"
    if not url.startswith("s3://"):
        return [line]
    told = [f"{line}; S3's requests cost about {asked.dollars:.2f} dollars at its list prices"]
    if asked.a_second > _NEAR * _MOST_A_SECOND:
        told.append(
            f"that is up to {asked.a_second:,.0f} writes and deletions a second, and S3 takes "
            f"{_MOST_A_SECOND:,} below one prefix until it has split that under load: at first it may refuse "
            "some, which are tried again while their workers wait. Fewer workers at once ask less of it"
        )
    return told
