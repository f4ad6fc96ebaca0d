"""Whether the conclusion survives tuning each norm by itself, in words."""

from collections import Counter
from collections.abc import Sequence

from analysis.stats.equal_budgets import (
    EqualBudgets,
    Kept,
    KeptDifference,
    KeptInteraction,
    KeptRise,
    Verdict,
)
from analysis.stats.estimate import Estimate
from analysis.stats.intervals import CI
from analysis.stats.line import Line, short_names
from analysis.stats.searched import Searched
from analysis.words.headline import Headline
from analysis.words.names import error_of, whose
from analysis.words.numbers import decimals, listed, n_words, signed, signed_interval, too_few_words
from analysis.words.tuning import budget_sentences, edge_words, values_words

#: A verdict in a table.
VERDICTS: dict[Verdict, str] = {
    "same": "survives",
    "lost": "not resolved when tuned",
    "gained": "resolved only when tuned",
    "reversed": "reversed",
    "open": "not resolved at either",
}

#: A verdict on a claim, in a sentence that has the claim for its subject.
_OUTCOMES: dict[Verdict, str] = {
    "same": "survives tuning each norm separately",
    "lost": "is claimed with the common recipe but not resolved with each norm tuned separately",
    "gained": "is not resolved with the common recipe but is with each norm tuned separately",
    "reversed": "is reversed by tuning each norm separately",
    "open": "is resolved neither with the common recipe nor with each norm tuned separately",
}


def cell_name(cell: Searched, names: dict[Line, str]) -> str:
    """“GN at batch size 2”."""
    return f"{names[cell.line]} at {cell.panel.x.at(cell.x)}"


def budgets_headline(found: EqualBudgets) -> Headline:
    """What of the conclusion is there when each cell has what its own search chose."""
    names = short_names(found.lines)
    facts = (*_searches(found, names), *_scope(found))
    if found.interactions:
        first, *more = found.interactions
        title, detail = _interaction(first, names, found)
        others = [_sentence(*_interaction(one, names, found)) for one in more]
        return Headline(title, detail, (*others, *_orders(found, names), *_rises(found, names), *facts))
    if found.differences:
        last = max(found.differences, key=lambda d: found.panel.x.key(d.x))
        title, detail = _difference(last, names, found)
        orders = _orders(found, names) if len(found.differences) > 1 else []
        return Headline(title, detail, (*orders, *_rises(found, names), *facts))
    return Headline(_nothing_beside(found), "", (*_alone(found, names), *facts))


def _interaction(one: KeptInteraction, names: dict[Line, str], found: EqualBudgets) -> tuple[str, str]:
    """What of it survives, and the numbers."""
    pair, x = f"{names[one.line]} − {names[one.base]}", found.panel.x
    title = f"The change in {pair} from {x.span(one.first, one.last)} {_OUTCOMES[one.kept.verdict]}."
    return title, _numbers(one.kept, f"{pair}, {x.text(one.last)} minus {x.text(one.first)}")


def _difference(one: KeptDifference, names: dict[Line, str], found: EqualBudgets) -> tuple[str, str]:
    who, other = names[one.line], names[one.base]
    title = f"The order of {who} and {other} at {found.panel.x.at(one.x)} {_OUTCOMES[one.kept.verdict]}."
    return title, _numbers(one.kept, f"{who} − {other}")


def _numbers(kept: Kept, what: str) -> str:
    """Both estimates and the change, with intervals and n."""
    tuned, common, change = (_estimate(one) for one in (kept.tuned, kept.common, kept.change))
    return (
        f"{what}: {tuned} tuned, {common} with the common recipe; tuned minus common {change}, "
        f"{n_words(kept.change)}"
    )


def _estimate(one: Estimate) -> str:
    """“−2.1 points (95% CI −3.0 to −1.2)”."""
    if not one.interval.known:
        return f"{signed(one.mean)} points ({too_few_words(one.fewest)})"
    digits = decimals(one.interval)
    return f"{signed(one.mean, digits)} points ({CI} {signed_interval(one.interval, digits)})"


def _sentence(title: str, detail: str) -> str:
    return Headline(title, detail, ()).as_sentence


def _orders(found: EqualBudgets, names: dict[Line, str]) -> list[str]:
    """At which x each order survives, and the numbers at the end of the axis."""
    x, sentences = found.panel.x, []
    for line, base in dict.fromkeys((d.line, d.base) for d in found.differences):
        own = [d for d in found.differences if (d.line, d.base) == (line, base)]
        at: dict[Verdict, list[str]] = {}
        for d in own:
            at.setdefault(d.kept.verdict, []).append(x.text(d.x))
        parts = [f"at {x.word} {listed(values)} it {_OUTCOMES[verdict]}" for verdict, values in at.items()]
        last = max(own, key=lambda d: x.key(d.x))
        numbers = _numbers(last.kept, f"at {x.at(last.x)} {names[line]} − {names[base]}")
        sentences.append(f"The order of {names[line]} and {names[base]}: {'; '.join(parts)} ({numbers}).")
    return sentences


def _rises(found: EqualBudgets, names: dict[Line, str]) -> list[str]:
    return [_rise(one, names[one.line], found) for one in found.rises]


def _rise(one: KeptRise, name: str, found: EqualBudgets) -> str:
    span = found.panel.x.span(one.first, one.last)
    return f"{_numbers(one.kept, f'The change in {error_of(name)} from {span}')}."


def _alone(found: EqualBudgets, names: dict[Line, str]) -> list[str]:
    """The comparison among the tuned cells, where there is nothing to hold it against."""
    sentences = []
    for d in found.alone:
        who = f"{names[d.line]} minus {names[d.base]} at {found.panel.x.at(d.x)}"
        sentences.append(f"Each tuned separately, {who}: {_estimate(d.estimate)}, {n_words(d.estimate)}.")
    for i in found.alone_interactions:
        sentences.append(
            f"{found.panel.x.ends[:1].upper()}{found.panel.x.ends[1:]} {error_of(names[i.line])} minus "
            f"{whose(names[i.base])} changes by {_estimate(i.estimate)}, {n_words(i.estimate)}."
        )
    return sentences


def _nothing_beside(found: EqualBudgets) -> str:
    if not any(cell.tuned and cell.tuned.errors() for cell in found.cells):
        ended = sum(cell.place is not None for cell in found.cells)
        chosen = f"The searches have chosen for {ended} of {len(found.cells)} cells"
        return f"{chosen}; no tuned trial has finished yet."
    if any(cell.common for cell in found.cells):
        return "The tuned cells and those with the common recipe share no comparison yet."
    return (
        "There is nothing to compare the tuned cells with: a block without `tune` would train the same cells "
        "with one recipe."
    )


def _searches(found: EqualBudgets, names: dict[Line, str]) -> list[str]:
    """What the searches cost and chose, with edges and what could not be chosen."""
    sentences = budget_sentences({cell_name(cell, names): cell.budget for cell in found.cells})
    chosen: dict[str, list[str]] = {}
    for cell in found.cells:
        if cell.place is not None:
            chosen.setdefault(values_words(cell.candidates[cell.place].values), []).append(
                cell_name(cell, names)
            )
    if chosen:
        parts = [f"{values} for {listed(cells)}" for values, cells in chosen.items()]
        sentences.append(f"Chosen: {'; '.join(parts)}.")
    edges: Counter[str] = Counter()
    for cell in found.cells:
        if cell.place is not None and (edge := edge_words(cell.candidates, cell.place)):
            edges[edge] += 1
    for edge, count in edges.items():
        cells = "one cell" if count == 1 else f"{count} cells"
        sentences.append(f"The choice of {cells} is {edge}: widen the search there before believing it.")
    return sentences + _unchosen(found.cells, names)


def _unchosen(cells: Sequence[Searched], names: dict[Line, str]) -> list[str]:
    waiting = [cell for cell in cells if cell.place is None]
    barred = [cell for cell in waiting if not any(one.wanting for one in cell.candidates)]
    sentences = [
        f"Nothing could be chosen for {cell_name(cell, names)}: trials of every value diverged."
        for cell in barred
    ]
    if left := len(waiting) - len(barred):
        sentences.append(f"The search of {left} cell{'' if left == 1 else 's'} has not finished.")
    return sentences


def _scope(found: EqualBudgets) -> list[str]:
    """What the intervals do and do not speak of."""
    held = sorted({cell.holdout for cell in found.cells})
    images = listed([f"{number:,}" for number in held], "or")
    return [
        f"Values are chosen by the mean error on {images} images held out of the training set, with seeds "
        "that are not used afterwards; the final trials are trained on all training images and evaluated on "
        "the test set.",
        "So the intervals are over the final seeds, given the choice; they do not say what another "
        "search would have chosen.",
    ]
