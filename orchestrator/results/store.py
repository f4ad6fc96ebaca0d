"""A sweep's folder: what is declared, done, half done and failed. The store is the truth, Ray the engine.

`layout` lists its files. Of a trial's, `result.json` is written last, and alone means done.

Every run reads this and submits what is missing, so the first run, a resume and an extension are one
code path. Nothing in here is a pickle, so a stranger's results are safe to open.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, cast

from model.errors import InputError
from model.own import short_name
from orchestrator.grid.trial import Trial
from orchestrator.results import analysis_plan, sweep_file
from orchestrator.results.files import Files
from orchestrator.results.finished import refuse_finished, write_result
from orchestrator.results.hold import hold
from orchestrator.results.known import known as known_of
from orchestrator.results.listing import Listed
from orchestrator.results.records import (
    AnalysisPlan,
    CodeRecord,
    DataFacts,
    Failure,
    History,
    Identity,
    Provenance,
    Result,
    RunRecord,
    SweepRecord,
    TuningRecord,
)
from orchestrator.results.shapes import holds
from orchestrator.results.shared import Shared
from orchestrator.results.trial_state import Place, TrialState, file_of, sound_state, state_of

_RUNS_KEPT = 99
_WRITERS = 8
#: Trials read at a time: as Python objects the epochs of 10,000 trials would fill gigabytes.
CHUNK = 200
_TRIAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,120}")  # a name of the user's own is in it as it is


class Store:
    """One sweep's folder at `url` (a path or any fsspec URL). Creating the object touches nothing.

    `patience`, `waiting`: see `orchestrator.results.files`. `token`: of the lock of the run that this is
    for, which writes only while it holds the folder.
    """

    def __init__(
        self,
        url: str,
        patience: float | None = None,
        *,
        waiting: Callable[[str], None] = lambda _: None,
        token: str | None = None,
    ) -> None:
        self.files = Files(url, patience, waiting)
        if token is not None:
            hold(self.files, token)
        self.url, self.token = url, token
        self._known = known_of(os.path.realpath(self.files.root) if self.files.local else url)

    # -- the sweep ---------------------------------------------------------------------------------

    def declare(
        self,
        name: str,
        trials: Iterable[Trial],
        *,
        description: str = "",
        data: Mapping[str, DataFacts] | None = None,
        provenance: Provenance | None = None,
        run: RunRecord | None = None,
        code: CodeRecord | None = None,
        plan: AnalysisPlan | None = None,
        results: int = 0,
        tuning: TuningRecord | None = None,
    ) -> None:
        """Record what the sweep now consists of; an earlier declaration's dates and runs are kept.

        `data`: data set name -> facts of it, `fingerprint` among them. `plan`: of the analysis, which joins
        those of before; `results`: trials that have one; `tuning`: the sweep's searches. Raises InputError
        where the folder's trials were trained on other data.
        """
        before = sweep_file.aside(self.files)
        known = dict(before.get("data") or {})
        for dataset, facts in (data or {}).items():
            old = known.get(dataset, {}).get("fingerprint", facts["fingerprint"])
            if old not in (facts["fingerprint"], facts.get("listing")):
                raise InputError(
                    f"{self.url} holds trials on another {short_name(dataset)}: data fingerprint {old}, now "
                    f"{facts['fingerprint']}. Choose another --results, or go on with the data of then."
                )
            known[dataset] = facts
        now = datetime.now(UTC).isoformat(timespec="seconds")
        plans = analysis_plan.versions_of(before)
        if plan is not None:
            plans = analysis_plan.with_plan(plans, plan, results)
        self.files.write_json(
            sweep_file.NAME,
            {
                "format": sweep_file.FORMAT,
                "name": name,
                "description": description,
                "created": before.get("created", now),
                "updated": now,
                "data": known,
                "provenance": provenance or {},
                "runs": [*before.get("runs", [])[-_RUNS_KEPT:], *([run] if run else [])],
                "code": code or before.get("code") or {},
                **({analysis_plan.KEY: plans} if plans else {}),
                **({"tuning": tuning} if tuning else {}),
                "trials": {trial.trial_id: trial.identity for trial in trials},
            },
        )

    def sweep(self) -> SweepRecord | None:
        """The parsed sweep.json, None in a folder that has none. Raises InputError, see `sweep_file.read`."""
        return sweep_file.read(self.files)

    # -- reading trials ----------------------------------------------------------------------------

    def scan(
        self,
        *,
        history: bool | Literal["check"] = False,
        known: Mapping[str, TrialState] = MappingProxyType({}),
        each: Callable[[TrialState], TrialState] = lambda state: state,
    ) -> dict[str, TrialState]:
        """Every trial that has a folder, by id.

        `history`: also read the epochs of finished trials; "check" reads them and keeps them not. `known`:
        what an earlier scan gave, by which the finished ones are not read again. `each`: gives what is kept
        of a trial that was read.
        """
        listing = {
            trial_id: listed
            for trial_id, listed in self.files.listing("trials").items()
            if _TRIAL_ID.fullmatch(trial_id)
            and ("trial.json" in listed.sizes or _lacks_identity(trial_id, {*listed.sizes}))
        }
        kept = {i: known[i] for i, one in listing.items() if i in known and _as_before(known[i], one)}
        if history is not True:
            self._known.expect(len(listing))
            kept |= self._sound({i: listed for i, listed in listing.items() if i not in kept})
        found = self._states({i: {*one.sizes} for i, one in listing.items() if i not in kept}, history, each)
        return {
            trial_id: kept.get(trial_id) or _of_scan(found[trial_id], listed)
            for trial_id, listed in listing.items()
        }

    def _sound(self, listing: Mapping[str, Listed]) -> dict[str, TrialState]:
        """Those that were found sound before, and are as they were."""
        states = {}
        for trial_id, listed in listing.items():
            if (result := self._known.result(trial_id, listed.version)) is not None:
                states[trial_id] = _of_scan(sound_state(trial_id, {*listed.sizes}, result), listed)
        return states

    def keep_sound(self, states: Iterable[TrialState]) -> None:
        """These finished trials of a scan, whose files are all as they should be, need not be read again."""
        self._known.keep((one.trial_id, one.version, one.result) for one in states if one.result is not None)

    def is_sound(self, state: TrialState) -> bool:
        """Whether a trial of a scan was found sound, then or since."""
        return state.sound or self._known.result(state.trial_id, state.version) is not None

    def states(self, trial_ids: Iterable[str], *, history: bool = False) -> dict[str, TrialState]:
        """These trials alone, those without a folder included; a worker need not list the whole sweep.

        `history`: also read the epochs of finished trials.
        """
        listing = {trial_id: self.files.names(f"trials/{trial_id}") for trial_id in trial_ids}
        return self._states(listing, history)

    def _states(
        self,
        listing: dict[str, set[str]],
        history: bool | Literal["check"],
        each: Callable[[TrialState], TrialState] = lambda state: state,
    ) -> dict[str, TrialState]:
        states: dict[str, TrialState] = {}
        shared = Shared()
        entries = list(listing.items())
        for start in range(0, len(entries), CHUNK):
            chunk = entries[start : start + CHUNK]
            wanted = []
            for trial_id, names in chunk:
                small = {"result.json", "failure.json"} & names
                if "history.json" in names and (history or "result.json" not in names):
                    small.add("history.json")
                wanted += [f"trials/{trial_id}/{name}" for name in sorted(small)]
            parsed = self.files.read_jsons(wanted)
            for trial_id, names in chunk:
                state = state_of(trial_id, names, parsed)
                states[trial_id] = each(_kept(state, shared, with_history=history != "check"))
        return states

    def identities(self, trial_ids: Iterable[str]) -> dict[str, Identity]:
        """The stored identity of each trial that has one."""
        names = {f"trials/{trial_id}/trial.json": trial_id for trial_id in trial_ids}
        parsed = self.files.read_jsons(list(names))
        return {
            names[name]: value
            for name, value in parsed.items()
            if isinstance(value, dict) and holds("trial.json", value)
        }

    def read_weights(self, trial_id: str) -> bytes:
        """Raises FileNotFoundError."""
        return self.files.read(f"trials/{trial_id}/weights.pt")

    # -- one trial ---------------------------------------------------------------------------------

    def verify(self, trials: Iterable[Trial]) -> list[Trial]:
        """Check the folders of these trials against them; gives the trials that have none yet.

        Raises InputError that shows the difference.
        """
        by_id = {trial.trial_id: trial for trial in trials}
        for trial_id in by_id:
            if self.files.local and os.path.islink(self.files.path(f"trials/{trial_id}")):
                raise InputError(
                    f"{self.url}/trials/{trial_id} is a link, and what is written there lies outside the "
                    "results folder. Put the folder itself in its place, or move the link away."
                )
        stored = self.identities(by_id)
        for trial_id, identity in stored.items():
            _verify(self.url, by_id[trial_id], identity)
        return [trial for trial_id, trial in by_id.items() if trial_id not in stored]

    def open(self, trials: Iterable[Trial]) -> None:
        """Create the folders of these trials, or verify that they hold the same ones. Raises InputError."""
        wanting = self.verify(trials)  # absent, or damaged: what it should hold is known
        with ThreadPoolExecutor(_WRITERS) as pool:  # each waits for the disk or the bucket, not for us
            list(pool.map(self._write_identity, wanting))

    def _write_identity(self, trial: Trial) -> None:
        self.files.write_json(f"trials/{trial.trial_id}/trial.json", trial.identity)

    def write_checkpoint(self, trial_id: str, epoch: int, data: bytes, *, steps: int = 0) -> None:
        """Of an epoch's end, or of so many `steps` of the next one. Raises LostError where the trial is
        finished."""
        refuse_finished(self.files, trial_id)
        self.files.write(f"trials/{trial_id}/{file_of((epoch, steps))}", data)

    def read_checkpoint(self, trial_id: str, epoch: int, *, steps: int = 0) -> bytes:
        """Raises FileNotFoundError."""
        return self.files.read(f"trials/{trial_id}/{file_of((epoch, steps))}")

    def drop_checkpoints(self, trial_id: str, epochs: Iterable[int], within: Iterable[Place] = ()) -> None:
        """Those of the ends of `epochs`, and those `within` one."""
        for place in [*((epoch, 0) for epoch in epochs), *within]:
            self.files.remove(f"trials/{trial_id}/{file_of(place)}")

    def write_history(self, trial_id: str, history: History) -> None:
        self.files.write_json(f"trials/{trial_id}/history.json", {**history, "trial_id": trial_id})

    def write_weights(self, trial_id: str, data: bytes) -> None:
        """Raises LostError where the trial is finished."""
        refuse_finished(self.files, trial_id)
        self.files.write(f"trials/{trial_id}/weights.pt", data)

    def write_failure(self, trial_id: str, failure: Failure) -> None:
        self.files.write_json(f"trials/{trial_id}/failure.json", failure)

    def forget_failures(self, trial_ids: Iterable[str]) -> None:
        """Give these trials all their attempts again."""
        for trial_id in trial_ids:
            self.files.remove(f"trials/{trial_id}/failure.json")

    def write_result(self, trial_id: str, result: Result) -> None:
        """The completion marker: call it last. Written once; only a damaged one is written anew.

        Raises LostError where another run's result is there, whatever the lock says.
        """
        write_result(self.files, trial_id, result)
        self.files.remove(f"trials/{trial_id}/failure.json")


def _kept(state: TrialState, shared: Shared, *, with_history: bool) -> TrialState:
    """What is kept of a trial: of a finished one little that others have too."""
    if state.result is None:
        return state
    result = cast(Result, shared.once({**state.result}))
    return replace(state, result=result, history=state.history if with_history else None)


def _of_scan(state: TrialState, listed: Listed) -> TrialState:
    return replace(state, weights=listed.sizes.get("weights.pt"), version=listed.version)


def _as_before(state: TrialState, listed: Listed) -> bool:
    return state.finished and "result.json" in listed.sizes


def _lacks_identity(trial_id: str, names: set[str]) -> bool:
    """Whether a folder is a trial's, by its name and what it holds, whose trial.json was lost."""
    return bool(re.search(r"-[0-9a-f]{12}$", trial_id) and {"history.json", "result.json"} & names)


def _verify(url: str, trial: Trial, stored: Identity) -> None:
    identity = trial.identity
    if stored == identity:
        return
    different = [
        f"{key}: {stored.get(key)!r} there, {identity.get(key)!r} declared"
        for key in sorted({*stored, *identity})
        if stored.get(key) != identity.get(key)
    ]
    raise InputError(
        f"{url} holds an incompatible trial under {trial.trial_id} ({'; '.join(different)}). "
        "Choose another --results, or move that trial's folder away."
    )
