"""The search of a tuned sweep in words: what it costs, what it chose and what it could not choose."""

from collections.abc import Mapping, Sequence

from analysis.stats.axes import at, value_text, word
from analysis.stats.tuning import Tried, best, edges
from analysis.words.numbers import listed
from model.axis import Value


def budget_sentences(budgets: Mapping[str, tuple[int, int]]) -> list[str]:
    """What each cell's search costs. `budgets`: cell's name -> combinations of values, seeds of each."""
    kinds = dict.fromkeys(budgets.values())
    if len(kinds) == 1:
        values, seeds = next(iter(kinds))
        cells = "one cell" if len(budgets) == 1 else f"each of {len(budgets)} cells"
        return [f"{_trials(values, seeds)} search for {cells}: every norm has the same budget."]
    each = [
        f"{_trials(*kind)} for {listed([name for name, own in budgets.items() if own == kind])}"
        for kind in kinds
    ]
    return [f"The searches have unequal budgets: {'; '.join(each)}."]


def _trials(values: int, seeds: int) -> str:
    return f"{values} values × {seeds} seed{'' if seeds == 1 else 's'} = {values * seeds} trials"


def values_words(values: Sequence[tuple[str, Value]]) -> str:
    """“learning rate 0.1, weight decay 0.0005”."""
    return ", ".join(at(name, value) for name, value in values)


def choice_sentence(cell: str, candidates: Sequence[Tried]) -> str:
    """What a search chose for `cell`, or why it has not."""
    place = best(candidates)
    if place is None:
        return _without(cell, candidates)
    chosen = candidates[place]
    error = sum(chosen.errors.values()) / len(chosen.errors)
    edge = edge_words(candidates, place)
    return (
        f"Chosen for {cell}: {values_words(chosen.values)}, {error:.2f}% on the hold-out"
        + (f"; {edge}" if edge else "")
        + "."
    )


def edge_words(candidates: Sequence[Tried], place: int) -> str:
    """“the largest learning rate that was tried, so a better one may lie beyond”; empty off the edge."""
    found = [f"the {'largest' if up else 'smallest'} {word(name)}" for name, up in edges(candidates, place)]
    if not found:
        return ""
    one = "a better one" if len(found) == 1 else "better ones"
    return f"{listed(found)} that was tried, so {one} may lie beyond"


def _without(cell: str, candidates: Sequence[Tried]) -> str:
    wanting = sum(one.wanting for one in candidates)
    if wanting:
        trials = "trial has" if wanting == 1 else "trials have"
        return (
            f"Nothing is chosen for {cell} yet: {wanting} {trials} no result, so it is not trained on "
            "everything."
        )
    return (
        f"Nothing can be chosen for {cell}: trials of every value diverged. Give `tune` other values, "
        f"{_smaller(candidates)}."
    )


def _smaller(candidates: Sequence[Tried]) -> str:
    """What might not diverge."""
    rates = [v for one in candidates if isinstance(v := dict(one.values).get("lr"), float)]
    return f"such as a learning rate below {value_text(min(rates))}" if rates else "or the block a smaller lr"
