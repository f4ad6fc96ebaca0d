"""A tracker brought level with the results folder.

The folder is the truth, as for everything else: what a tracker lacks of a trial is read there and logged,
what it has is left alone. So nothing is doubled and nothing is lacking, whether a trial was resumed, the
driver was killed between an epoch and its log, or the tracker was named only after the sweep had ended.
"""

from collections.abc import Iterable, Iterator

from orchestrator.results.records import Identity
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState
from orchestrator.trackers.facts import epoch_of, summary_of, trial_facts
from orchestrator.trackers.protocol import Run, SweepFacts, Tracker


class Reconciler:
    """Keeps `tracker` level with `store`, trial by trial, as it is told of them."""

    def __init__(self, tracker: Tracker, store: Store, sweep: SweepFacts) -> None:
        self._tracker, self._store, self._sweep = tracker, store, sweep
        self._identities: dict[str, Identity] = {}
        self._runs: dict[str, Run] = {}
        self._last: dict[str, int] = {}
        self._whole: set[str] = set()

    def behind(self) -> Iterator[str]:
        """Ids of trials that this sweep declares, finished before, and the tracker lacks."""
        sweep = self._store.sweep()
        self._identities = dict(sweep["trials"]) if sweep else {}
        finished = [i for i, state in self._store.scan().items() if state.finished and i in self._identities]
        for trial_id in finished:
            if self._tracker.holds(trial_facts(trial_id, self._identities[trial_id], self._sweep)):
                self._whole.add(trial_id)
            else:
                yield trial_id

    def update(self, trial_ids: Iterable[str]) -> None:
        """Log what these trials have and the tracker has not."""
        wanted = [trial_id for trial_id in trial_ids if trial_id not in self._whole]
        if new := [trial_id for trial_id in wanted if trial_id not in self._identities]:
            self._identities |= self._store.identities(new)
        for trial_id, state in self._store.states(wanted, history=True).items():
            self._level(trial_id, state)

    def stop(self, trial_ids: Iterable[str]) -> None:
        """These train no more in this run; what they have is logged before."""
        for trial_id in trial_ids:
            self.update([trial_id])
            if (run := self._runs.pop(trial_id, None)) is not None:
                failure = self._store.states([trial_id])[trial_id].failure
                run.leave(None if failure is None else str(failure.get("error")))

    def close(self) -> None:
        """Leave what is open: trials that were interrupted."""
        self.stop(list(self._runs))
        self._tracker.close()

    def _level(self, trial_id: str, state: TrialState) -> None:
        if trial_id not in self._identities or not (state.records or state.finished):
            return
        run = self._runs.get(trial_id)
        if run is None:
            facts = trial_facts(trial_id, self._identities[trial_id], self._sweep)
            run = self._runs[trial_id] = self._tracker.open(facts)
            self._last[trial_id] = run.last_epoch
        # An epoch that is trained again after a damaged checkpoint is there already, to rounding the same.
        fresh = [epoch_of(r) for r in state.records if r["epoch"] > self._last[trial_id]]
        if fresh:
            run.log(fresh)
            self._last[trial_id] = fresh[-1].number
        if state.result is not None:
            run.finish(summary_of(state.result))
            del self._runs[trial_id]
            self._whole.add(trial_id)
