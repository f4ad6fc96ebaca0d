"""A sweep's folder, read again as often as it costs little, and what is new in it for who asks.

Of many trials not every epoch is kept: of a finished one the points of its curve, fewer the more trials there
are, and the epochs themselves only while it is among those that did something last, of which the log tells.
"""

import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypedDict, cast

from model.errors import InputError
from model.spec import Spec
from orchestrator.display.cell_names import cell_names
from orchestrator.grid.trial import PARENT, Trial
from orchestrator.live.events import Event, error_of, events, latest
from orchestrator.planning.plan import Pack
from orchestrator.results.lock import is_held
from orchestrator.results.parents import held_in
from orchestrator.results.records import EpochRecord, SweepRecord
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState
from orchestrator.standing import STATES, holder_of, readable, standing_of

_LEAST = 0.5  # seconds between two looks
_SHARE = 10  # a look that takes long is taken more seldom: a tenth of the time at most
_POINTS = 60  # of a curve
_MANY = 2000  # trials; of more a curve has fewer points, and finished ones keep no epochs
_FEWEST = 6
_EVENTS = 300
_WARNINGS = 20


Curve = list[tuple[int, float]]


class TrialView(TypedDict):
    """A trial as the page shows it. `curve`: epochs and errors in percent, thinned where there are many;
    `seen`: when it last gave a sign, Unix seconds; `note`: why it failed, or at which epoch it diverged."""

    id: str
    cell: str
    seed: int | None
    state: str
    epoch: int
    epochs: int | None
    error: float | None
    worker: str | None
    seen: float | None
    note: str
    curve: Curve


class View(TypedDict):
    """A sweep as the page shows it. `session`, `version`: say them again to be told only what is newer;
    `trials`: those that changed, `whole`: all of them. `share`: of all epochs, from 0 to 1. `report`: which
    one there is, None where there is none yet."""

    session: str
    version: int
    whole: bool
    now: float
    name: str
    description: str
    results: str
    held_by: dict[str, object] | None
    counts: dict[str, int]
    share: float
    warnings: list[str]
    trials: list[TrialView]
    events: list[Event]
    report: str | None


@dataclass
class _Seen:
    """What the last look found. `versions`: at which version each trial last changed."""

    sweep: SweepRecord
    held: dict[str, object] | None
    states: Mapping[str, TrialState]
    report: str | None
    trials: dict[str, TrialView] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class Watch:
    """Of the sweep at `url`, for any number of readers at once."""

    def __init__(self, url: str) -> None:
        """Raises InputError where there is no sweep."""
        self._store = Store(url)
        self._store.files.readable()
        self._session, self._version = uuid.uuid4().hex, 0
        self._lock, self._next = threading.Lock(), 0.0
        self._declared: dict[str, Trial] = {}
        self._names: dict[Spec, str] = {}
        self._curves: dict[str, Curve] = {}  # of finished trials, where there are many
        self._seen = self._look(None)

    def view(self, session: str = "", since: int = -1) -> View:
        """What is new since version `since` of this session; everything to who names another one. Raises what
        storage raises, and InputError where the sweep is gone."""
        with self._lock:
            if time.monotonic() >= self._next:
                begun = time.monotonic()
                self._seen = self._look(self._seen)
                took = time.monotonic() - begun
                self._next = time.monotonic() + max(_LEAST, _SHARE * took)
            seen, whole = self._seen, session != self._session
            return {
                "session": self._session,
                "version": self._version,
                "whole": whole,
                "now": time.time(),
                "name": seen.sweep["name"],
                "description": seen.sweep.get("description", ""),
                "results": self._store.url,
                "held_by": seen.held,
                "counts": {s: sum(t["state"] == s for t in seen.trials.values()) for s in STATES},
                "share": _share(seen.trials.values()),
                "warnings": [w for state in seen.states.values() for w in state.warnings][:_WARNINGS],
                "trials": [t for i, t in seen.trials.items() if whole or seen.versions[i] > since],
                "events": seen.events,
                "report": seen.report,
            }

    def report(self) -> bytes:
        """The page report.html. Raises FileNotFoundError."""
        return self._store.files.read("report.html")

    def _look(self, before: _Seen | None) -> _Seen:
        sweep = self._store.sweep()
        if sweep is None:
            raise InputError(f"{self._store.url} holds no sweep: there is no sweep.json in it.")
        held = is_held(self._store.files)
        running = set(held.get("running", ())) if held else set()
        many, known = len(sweep["trials"]) > _MANY, before.states if before else {}
        points = max(_FEWEST, _MANY * _POINTS // len(sweep["trials"])) if many else _POINTS
        states = self._store.scan(history=True, known=known, each=partial(self._read, many, points))
        if many:
            states |= self._latest(states)
        self._learn(sweep)
        seen = _Seen(sweep, holder_of(held), states, self._report_made())
        declared = sweep["trials"]
        parents = {i: str(known[PARENT]) for i, known in declared.items() if known.get(PARENT)}
        waits = held_in(parents, states)
        version = self._version + 1
        for trial_id in [*declared, *sorted(set(states) - set(declared))]:
            was = before.trials.get(trial_id) if before else None
            if before and was and _as_before(trial_id, before, seen):
                trial = was
            else:
                trial = self._trial(trial_id, states.get(trial_id), sweep, running, waits.get(trial_id))
            seen.trials[trial_id] = trial
            seen.versions[trial_id] = before.versions[trial_id] if before and was == trial else version
        if version in seen.versions.values():
            self._version = version
        seen.events = events(sweep, states, self._pack_name, _EVENTS)
        return seen

    def _trial(
        self,
        trial_id: str,
        state: TrialState | None,
        sweep: SweepRecord,
        running: set[str],
        waits: str | None,
    ) -> TrialView:
        known = self._declared.get(trial_id)
        stands = standing_of(trial_id, known and known.spec, self._names, state, sweep, running, waits)
        records = state.records if state else []
        curve = self._curves.get(trial_id) if state and state.finished else None
        last = records[-1] if records else cast(EpochRecord | None, state and state.result)
        diverged = stands["diverged_at"]
        return {
            "id": trial_id,
            "cell": stands["cell"] or trial_id,
            "seed": known.seed if known else None,
            "state": stands["state"],
            "epoch": stands["epoch"],
            "epochs": stands["epochs"],
            "error": error_of(last) if last else None,
            "worker": stands["worker"],
            "seen": stands["last_sign"],
            "note": stands["error"] or (f"at epoch {diverged}" if diverged else ""),
            "curve": _curve(records, _POINTS) if curve is None else curve,
        }

    def _read(self, many: bool, points: int, state: TrialState) -> TrialState:
        """What is kept of a trial that was read."""
        if not state.finished or not many:
            self._curves.pop(state.trial_id, None)
            return state
        self._curves[state.trial_id] = _curve(state.records, points)
        return replace(state, history=None)

    def _latest(self, states: Mapping[str, TrialState]) -> dict[str, TrialState]:
        """The finished trials that the log has begun or ceased to tell of: with their epochs, and without."""
        lately = {state.trial_id for state in latest(states.values(), _EVENTS)}
        finished = [state for state in states.values() if state.finished]
        new = [s.trial_id for s in finished if s.trial_id in lately and s.recorded and not s.history]
        old = [s for s in finished if s.trial_id not in lately and s.history]
        return self._store.states(new, history=True) | {s.trial_id: replace(s, history=None) for s in old}

    def _learn(self, sweep: SweepRecord) -> None:
        """What trials are declared; those of another version have no name but their id."""
        if new := {i: known for i, known in sweep["trials"].items() if i not in self._declared}:
            self._declared |= readable(new)
            self._names = cell_names(trial.spec for trial in self._declared.values())

    def _pack_name(self, trial_ids: Sequence[str]) -> str:
        trials = tuple(self._declared[i] for i in trial_ids if i in self._declared)
        if not trials:
            return ", ".join(trial_ids)
        pack = Pack(trials)
        return pack.named(self._names.get(pack.spec, pack.spec.name))

    def _report_made(self) -> str | None:
        try:
            return str(self._store.files.fs.modified(self._store.files.path("report.html")))
        except Exception:  # whatever a backend raises where there is none
            return None


def _curve(records: Sequence[EpochRecord], points: int) -> Curve:
    curve = [(r["epoch"], error) for r in records if (error := error_of(r)) is not None]
    return [*curve[:: max(1, len(curve) // points)], *curve[-1:]]


def _as_before(trial_id: str, before: _Seen, now: _Seen) -> bool:
    """Whether a trial is finished, was so at the look before, and is declared now as then."""
    state, declared = now.states.get(trial_id), now.sweep["trials"]
    if state is None or not state.finished or state is not before.states.get(trial_id):
        return False
    return (trial_id in declared) == (trial_id in before.sweep["trials"])


def _share(trials: Iterable[TrialView]) -> float:
    """Of the epochs of trials whose length is known."""
    known = [
        (t["epochs"] if t["state"] in {"done", "diverged"} else t["epoch"], t["epochs"])
        for t in trials
        if t["epochs"] and t["state"] != "undeclared"
    ]
    whole = sum(epochs for _, epochs in known)
    return sum(done for done, _ in known) / whole if whole else 0.0
