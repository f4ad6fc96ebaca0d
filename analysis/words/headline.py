"""The answer in words, made from the numbers.

Every sentence states an estimate with its interval. A direction is claimed only where the decision rule
(analysis.stats.paired.decide) allows it; an open question is never rounded up to a result, and where
trials are missing the sentence is followed by one that says so.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from analysis.stats.axes import BATCH_SIZE
from analysis.stats.cells import Cell
from analysis.stats.choices import Choices
from analysis.stats.crossover import crossover_of
from analysis.stats.differences import Difference
from analysis.stats.estimate import Estimate
from analysis.stats.interaction import interactions
from analysis.stats.intervals import CI
from analysis.stats.line import Line, short_names
from analysis.stats.panel import Panel
from analysis.words.claims import (
    about_lines,
    crossover_sentence,
    interaction_sentence,
    unsigned_interval,
)
from analysis.words.names import error_of, sentence_case, whose
from analysis.words.numbers import (
    decimals,
    listed,
    n_words,
    p_value,
    seeds_words,
    signed,
    signed_interval,
    too_few_words,
)

#: What is wanting, in words; a diverged trial is an outcome and is told of by itself.
UNFINISHED = {"failed": "failed", "partial": "unfinished", "missing": "not started"}


class Headline(NamedTuple):
    """`title`: one sentence. `detail`: its interval and n, to be set smaller. `facts`: further sentences."""

    title: str
    detail: str
    facts: tuple[str, ...]

    @property
    def as_sentence(self) -> str:
        """Title and detail in one sentence, for a list."""
        return f"{self.title[:-1]} ({self.detail})." if self.detail else self.title


def headline(
    panel: Panel, cells: Sequence[Cell], differences: Sequence[Difference], choices: Choices
) -> Headline:
    """What one panel's cells and their differences, by the same `choices`, say so far."""
    if not any(cell.errors() for cell in cells):
        return Headline("No trial has finished yet.", "", ())
    if not any(cell.errors(choices.measure) for cell in cells):
        return Headline("These results have no median over the last epochs.", "", ())
    names = short_names([cell.line for cell in cells])
    pairs = [d for d in differences if d.estimate.exists]
    open_questions = tuple(unfinished(cells, names))
    if not pairs:
        title, detail = lowest(panel, cells, choices)
        return Headline(title, detail, (*about_lines(cells, names, choices), *open_questions))
    main = _main(pairs)
    changes = [i for i in interactions(pairs) if (i.line, i.base) == (main.line, main.base)]
    answers = [interaction_sentence(i, names[i.line], names[i.base]) for i in changes]
    answers.insert(1 if changes and changes[0].claimed else 0, sentence(main, names))
    answers += _claimed_elsewhere(main, pairs, names)
    title, detail = answers[0]
    facts = [_in_one(answer) for answer in answers[1:]]
    crossover = crossover_of([d for d in pairs if (d.line, d.base) == (main.line, main.base)])
    facts += [crossover_sentence(crossover, names[main.line], names[main.base])] if crossover else []
    kept = [cell for cell in cells if cell.line in {main.line, main.base}]
    facts += [] if panel.x == BATCH_SIZE else [_lowest_of_each(kept, names, choices)]
    return Headline(title, detail, (*facts, *about_lines(kept, names, choices), *open_questions))


def _main(pairs: Sequence[Difference]) -> Difference:
    """The comparison that answers the panel's question: over batch sizes, that of the first line at the
    smallest; over anything else the largest difference that is claimed, or without one the clearest."""
    axis = pairs[0].panel.x
    if axis == BATCH_SIZE:
        end = axis.ordered(d.x for d in pairs)[-1]
        return min((d for d in pairs if d.x == end), key=lambda d: d.line.order)
    claimed = [d for d in pairs if d.claimed]
    if claimed:
        return max(claimed, key=lambda d: abs(d.estimate.mean))
    return min(pairs, key=lambda d: (d.estimate.p if math.isfinite(d.estimate.p) else 2.0, d.line.order))


def _lowest_of_each(cells: Sequence[Cell], names: dict[Line, str], choices: Choices) -> str:
    """“The lowest mean error of BN is 12.1%, at learning rate 0.1, …”: where each line is best."""
    best: dict[Line, tuple[float, Cell]] = {}
    for cell in cells:
        if cell.errors(choices.measure):
            found = (cell.summary(choices.measure).mean, cell)
            best[cell.line] = min(best.get(cell.line, found), found, key=lambda pair: pair[0])
    parts = [
        f"{error_of(names[line], 'lowest mean error')} is {mean:.2f}%, at {cell.panel.x.at(cell.x)}"
        for line, (mean, cell) in best.items()
    ]
    return f"{sentence_case(listed(parts))}."


def sentence(d: Difference, names: dict[Line, str]) -> tuple[str, str]:
    """“At batch size 2, GN’s error is 5.5 points lower than BN’s.”, “95% CI 4.3 to 6.7, n = 5”"""
    s, ours, theirs = d.estimate, names[d.line], names[d.base]
    where = f"At {d.panel.x.at(d.x)}"
    digits = decimals(s.interval)
    size = f"{abs(s.mean):.{digits}f} points {'lower' if s.mean < 0 else 'higher'}"
    if not s.interval.known:
        mean = error_of(ours, "error" if set(s.n) == {1} else "mean error")
        compared = f"is {size} than" if round(s.mean, digits) else "equals"
        return (
            f"{where}, {mean} {compared} {whose(theirs)} in the {_what_there_is(s)}.",
            f"{n_words(s)}: {too_few_words(s.fewest)}",
        )
    if d.claimed:
        return (
            f"{where}, {error_of(ours)} is {size} than {whose(theirs)}.",
            f"{unsigned_interval(s.interval)}, {n_words(s)}",
        )
    interval = f"{CI} {signed_interval(s.interval, digits)}, {n_words(s)}"
    detail = f"{ours} − {theirs}: {signed(s.mean, digits)} points, {interval}"
    if d.decided:
        within = f"{d.alike:g} point{'' if d.alike == 1 else 's'}"
        return f"{where}, {error_of(ours)} and {whose(theirs)} differ by less than {within}.", detail
    title = f"{where}, whether {ours} or {theirs} has the lower error is not resolved by {seeds_words(s)}."
    if s.interval.low > 0 or s.interval.high < 0:
        detail += f"; p = {p_value(d.p_holm)} after Holm’s correction over {d.family} comparisons"
    return title, detail


def _what_there_is(s: Estimate) -> str:
    if not s.paired:
        return "one run of each" if set(s.n) == {1} else f"{seeds_words(s)}"
    return "one seed that both finished" if s.fewest == 1 else f"{s.fewest} seeds that both finished"


def _claimed_elsewhere(
    main: Difference, pairs: Sequence[Difference], names: dict[Line, str]
) -> list[tuple[str, str]]:
    """Where a line is better must not hide where it is worse, nor an open question at one batch size an
    answer at another: the largest claimed difference of each direction that `main` does not tell of."""
    others = sorted(
        (d for d in pairs if (d.line, d.base) == (main.line, main.base) and d.claimed),
        key=lambda d: -abs(d.estimate.mean),
    )
    told = {main.estimate.mean < 0} if main.claimed else set()
    answers = []
    for d in others:
        if (better := d.estimate.mean < 0) not in told:
            told.add(better)
            answers.append(sentence(d, names))
    return answers


def _in_one(answer: tuple[str, str]) -> str:
    title, detail = answer
    return f"{title[:-1]} ({detail})."


def lowest(panel: Panel, cells: Sequence[Cell], choices: Choices) -> tuple[str, str]:
    """The best cell, where there is nothing to compare."""
    found = [cell for cell in cells if cell.errors(choices.measure)]
    best = min(found, key=lambda cell: cell.summary(choices.measure).mean)
    s = best.summary(choices.measure)
    detail = f"n = {s.n}: {'no interval' if s.n == 1 else too_few_words(s.n)}"
    if s.interval.known:
        detail = f"{CI} {s.interval.low:.2f} to {s.interval.high:.2f}, n = {s.n}"
    return (
        f"{best.line.name} reaches {s.mean:.2f}% {panel.measured()} at {panel.x.at(best.x)}.",
        detail,
    )


def unfinished(cells: Sequence[Cell], names: dict[Line, str]) -> list[str]:
    """What a reader must know before believing the means."""
    facts = []
    for cell in cells:
        if lost := cell.counts.get("diverged"):
            trials = f"trials of {names[cell.line]} at {cell.panel.x.at(cell.x)} diverged"
            facts.append(
                f"All {lost} {trials}; that cell has no mean."
                if lost == cell.trials
                else f"{lost} of {cell.trials} {trials}; that cell’s mean is over the others."
            )
    lacking = Counter[str]()
    for cell in cells:
        lacking.update({status: n for status, n in cell.counts.items() if status in UNFINISHED})
    if lacking:
        why = ", ".join(f"{n} {UNFINISHED[status]}" for status, n in lacking.items())
        facts.append(f"Not all trials have a result: {why}. The numbers may still change.")
    return facts[:4]
