"""What a results folder holds and the grid no longer declares, in words."""

from collections.abc import Iterable, Mapping

from orchestrator.display.pack_names import pack_names
from orchestrator.grid.trial import Trial
from orchestrator.planning.plan import Pack
from orchestrator.results.records import Identity
from orchestrator.results.trial_state import TrialState

_MOST_CELLS = 6


def uncounted(
    undeclared: Iterable[str],
    states: Mapping[str, TrialState],
    identities: Mapping[str, Identity],
    url: str,
) -> str:
    """A sentence, empty where everything in the folder is declared.

    `undeclared`: ids; `identities`: of these, as far as their folders tell. Those of another version have no
    name but a number.
    """
    finished = [trial_id for trial_id in undeclared if states[trial_id].finished]
    others = len([*undeclared]) - len(finished)
    if not finished and not others:
        return ""
    counts = [_count(len(finished), "finished trial")] if finished else []
    counts += [_count(others, "unfinished trial" if not finished else "unfinished one")] if others else []
    names = _names(identities[trial_id] for trial_id in finished if trial_id in identities)
    which = f" ({names})" if names else ""
    they, them = ("It is", "it") if len(finished) + others == 1 else ("They are", "them")
    return (
        f"no longer declared in {url}: {' and '.join(counts)}{which}. {they} kept there, and tables and "
        f"report leave {them} out"
    )


def _names(identities: Iterable[Identity]) -> str:
    """Of the cells, each with its seeds."""
    cells: dict[object, list[Trial]] = {}
    for identity in identities:
        try:
            trial = Trial.from_identity(identity)
        except (ValueError, KeyError, TypeError):
            continue
        cells.setdefault(trial.spec, []).append(trial)
    names = pack_names([Pack(tuple(trials)) for trials in cells.values()])
    more = [f"and {len(names) - _MOST_CELLS} more cells"] if len(names) > _MOST_CELLS else []
    return "; ".join([*names[:_MOST_CELLS], *more])


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
