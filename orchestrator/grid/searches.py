"""What a sweep declares: trials, and searches whose results say which further trials there are. Pure.

A search tries each of its values on images held out of the training set; the cell is then trained on
everything with the value that wins. All that may be trained is therefore known beforehand, and what a
search adds to the plan is a function of its results alone: whoever asks again gets the same answer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.axis import Value
from model.errors import InputError
from model.spec import AXES, cell_name
from orchestrator.grid.parents import with_parents
from orchestrator.grid.trial import Trial


@dataclass(frozen=True)
class Candidate:
    """What may be chosen: `values` by axis. `search`: its trials on the hold-out; `final`: those on
    everything, should it win."""

    values: tuple[tuple[str, Value], ...]
    search: tuple[Trial, ...]
    final: tuple[Trial, ...]


@dataclass(frozen=True)
class Search:
    """One cell's search. Every candidate has a trial for each of the search's seeds."""

    candidates: tuple[Candidate, ...]

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.candidates[0].values)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Those that search."""
        return tuple(trial for candidate in self.candidates for trial in candidate.search)

    @cached_property
    def cell(self) -> Mapping[str, Value]:
        """What is trained in the end, but for what is searched."""
        spec = self.candidates[0].final[0].spec
        return {name: getattr(spec, name) for name in AXES if name not in self.axes}

    @property
    def name(self) -> str:
        """What a person calls the cell: gn G=8, batch 32."""
        return cell_name(self.cell)

    @property
    def budget(self) -> tuple[int, int]:
        """How many candidates, and seeds of each."""
        return len(self.candidates), len(self.candidates[0].search)


#: Which candidate of a search won, by its place; None where its results do not say, or not yet.
Choose = Callable[[Search], int | None]


@dataclass(frozen=True)
class Declared:
    """`trials` of the blocks without a search, each once and behind those that they start from, and the
    `searches` of the others."""

    trials: tuple[Trial, ...]
    searches: tuple[Search, ...] = ()

    def known(self, choose: Choose) -> list[Trial]:
        """Every trial that there is by what has been chosen: those declared, those that search, those that
        a search has chosen."""
        chosen = ((search, choose(search)) for search in self.searches)
        finals = [t for search, best in chosen if best is not None for t in search.candidates[best].final]
        return [*dict.fromkeys((*self.trials, *self.searching, *finals))]

    @property
    def searching(self) -> list[Trial]:
        return [trial for search in self.searches for trial in search.trials]

    def costliest(self, search: Search) -> int:
        """The first candidate that adds most trials: another may be the recipe of a block beside."""
        there = set(self.trials)
        new = [sum(trial not in there for trial in one.final) for one in search.candidates]
        return new.index(max(new))

    @cached_property
    def foreseen(self) -> list[Trial]:
        """As many trials as there may be, some candidate in the place of each that will win."""
        return self.known(self.costliest)


def declared(trials: Iterable[Trial], searches: Iterable[Search]) -> Declared:
    """Each once, however many blocks declare it, and before them the trials that they start from. Raises
    InputError where two searches are of one cell."""
    once = tuple(dict.fromkeys(searches))
    seen: set[tuple[tuple[str, Value], ...]] = set()
    for search in once:
        if (key := tuple(search.cell.items())) in seen:
            raise InputError(f"tune: two blocks search for {search.name}; write one block with all values")
        seen.add(key)
    return Declared(tuple(with_parents(trials)), once)


def by_cell(
    tried: Sequence[tuple[Mapping[str, Value], Iterable[Trial], Iterable[Trial]]],
) -> Iterator[Search]:
    """The searches of one block. `tried`: for each combination of values the trials of every cell, on the
    hold-out and on everything, all in one order."""
    cells = [zip(_cells(search), _cells(final), strict=True) for _, search, final in tried]
    for of_cell in zip(*cells, strict=True):
        yield Search(
            tuple(
                Candidate(tuple(values.items()), search, final)
                for (values, _, _), (search, final) in zip(tried, of_cell, strict=True)
            )
        )


def _cells(trials: Iterable[Trial]) -> list[tuple[Trial, ...]]:
    """The trials of each cell, which stand together."""
    found: dict[object, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.spec, []).append(trial)
    return [tuple(own) for own in found.values()]
