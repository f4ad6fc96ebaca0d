"""Where a sweep's searches stand, and the trials that follow from it.

Beside the run, because the rule by which a search chooses is the report's too, and stands in `analysis`.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from rich.console import Console

from analysis.sources.tuning import tuning_record
from analysis.stats.tuning import Tried, best, tried
from analysis.words.tuning import budget_sentences, choice_sentence
from model.axis import Value
from model.spec import cell_name
from orchestrator.grid.searches import Candidate, Declared, Search
from orchestrator.grid.trial import Trial
from orchestrator.planning.searches import results_of
from orchestrator.results.records import CandidateRecord, Identity, SweepRecord
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState


def standing(search: Search, states: Mapping[str, TrialState]) -> list[Tried]:
    """What has come of each of its candidates."""
    return [tried(dict(c.values), results_of(c, states), len(c.search)) for c in search.candidates]


def known_and_pending(declared: Declared, store: Store) -> tuple[list[Trial], list[Trial]]:
    """The trials by the results so far, and in the place of those that searches have yet to choose as many
    others, which take as long."""
    if not declared.searches:
        return [*declared.trials], []
    states = store.scan()
    come = {search: standing(search, states) for search in declared.searches}
    known = declared.known(lambda search: best(come[search]))
    open_yet = {search for search, own in come.items() if any(one.wanting for one in own)}
    then = declared.known(lambda s: declared.costliest(s) if s in open_yet else best(come[s]))
    return known, [trial for trial in then if trial not in set(known)]


class SearchStatus(TypedDict):
    """Where a search stands. `cell`: that it is for, in words; `trials`: that search, `ended`: of them with a
    result; `chosen`: values by axis, None where nothing is; `said`: what it chose, or why it has not."""

    cell: str
    trials: int
    ended: int
    chosen: dict[str, Value] | None
    said: str


def searches_of(sweep: SweepRecord, states: Mapping[str, TrialState]) -> list[SearchStatus]:
    """The searches of a folder, by its sweep.json; those that this version cannot read are left out."""
    record, found = tuning_record({**sweep}), []
    for search in record["searches"] if record else ():
        try:
            candidates = [_candidate(one, sweep["trials"]) for one in search]
        except (KeyError, ValueError):
            continue
        own = [tried(dict(c.values), results_of(c, states), len(c.search)) for c in candidates]
        spec, searched = candidates[0].search[0].spec, {"holdout", *search[0]["values"]}
        name = cell_name({axis: value for axis, value in vars(spec).items() if axis not in searched})
        place, trials = best(own), sum(len(c.search) for c in candidates)
        found.append(
            SearchStatus(
                cell=name,
                trials=trials,
                ended=trials - sum(one.wanting for one in own),
                chosen=None if place is None else dict(own[place].values),
                said=choice_sentence(name, own),
            )
        )
    return found


def _candidate(one: CandidateRecord, identities: Mapping[str, Identity]) -> Candidate:
    """Without what it is trained with in the end. Raises KeyError, ValueError of what others have written."""
    search = tuple(Trial.from_identity(identities[trial_id]) for trial_id in one["search"])
    if not search:
        raise ValueError("a candidate that nothing tries")
    return Candidate(tuple(one["values"].items()), search, ())


def print_searches(declared: Declared, store: Store, console: Console, told: set[str]) -> None:
    """What the searches cost, and what those that have ended chose; but for what has been `told` before."""
    if not declared.searches:
        return
    states = store.scan()
    lines = budget_sentences({search.name: search.budget for search in declared.searches})
    for search in declared.searches:
        own = standing(search, states)
        if best(own) is not None:
            lines.append(choice_sentence(search.name, own))
    for line in lines:
        if line not in told:
            console.print(line, soft_wrap=True, markup=False)
    told.update(lines)


def without_choice(declared: Declared, store: Store) -> Sequence[str]:
    """A sentence for each cell that is not trained, since its search has chosen nothing."""
    if not declared.searches:
        return ()
    states = store.scan()
    come = [(search.name, standing(search, states)) for search in declared.searches]
    return [choice_sentence(name, own) for name, own in come if best(own) is None]
