"""Which statistics were computed, in the sentences of a methods section: only those that these results
allow."""

from collections.abc import Sequence

from analysis.stats.axes import BATCH_SIZE, XAxis
from analysis.stats.cells import Cell
from analysis.stats.choices import Choices, Margin
from analysis.stats.differences import Difference
from analysis.stats.intervals import ALPHA, CONFIDENCE_LABEL, FEWEST_VALUES
from analysis.words.numbers import count_in_words

_MEASURES = {"last": "after the last epoch", "median5": "as the median of the last five epochs"}


def inference(cells: Sequence[Cell], differences: Sequence[Difference], choices: Choices) -> str:
    """Of the cells of one panel, and their differences by the same `choices`."""
    measure = choices.measure
    sentences = [
        f"Error is the percentage of images classified wrongly, taken {_MEASURES[measure]}."
        if cells[0].panel.judged
        else "Error is 100% minus the accuracy in the file, which does not say on which images or when it "
        "was measured."
    ]
    if not any(cell.summary(measure).interval.known for cell in cells):
        few = count_in_words(FEWEST_VALUES)
        return f"{sentences[0]} Fewer than {few} seeds, or identical ones, allow no interval and no test."
    added = any(cell.sequential for cell in cells)
    what = "anytime-valid t intervals" if added else "Student’s t intervals"
    source = "Lai 1976; Wang & Ramdas 2023" if added else "Student 1908"
    sentences.append(
        f"Means over seeds have {what} at {CONFIDENCE_LABEL} ({source}), clipped at 0% and 100%."
    )
    if tested := [d for d in differences if d.estimate.interval.known]:
        sentences += _comparisons(tested, choices)
    axis = cells[0].panel.x
    if axis.numeric and _several_x(cells, measure):
        sentences.append(_constancy(axis, choices.margin, added=added))
    return " ".join(sentences)


def _constancy(axis: XAxis, margin: Margin, *, added: bool) -> str:
    """`added`: seeds by a rule, whose intervals are not known to err on either side alike."""
    what = f"That an error is constant over {axis.plural} is tested as equivalence"
    if added:
        return (
            f"{what}: the anytime-valid interval of every pair of {axis.plural} has to lie within "
            f"{_margin(margin, axis)} (Berger 1982)."
        )
    return (
        f"{what}, by two one-sided t tests (Schuirmann 1987) of every pair of {axis.plural}, all of which "
        f"must pass (Berger 1982), within {_margin(margin, axis)}."
    )


def _comparisons(tested: Sequence[Difference], choices: Choices) -> list[str]:
    paired, axis = choices.paired, tested[0].panel.x
    test = "paired t tests within each seed (Student 1908)" if paired else "Welch’s t tests (Welch 1947)"
    if tested[0].estimate.sequential:
        test = "anytime-valid t tests within each seed (Lai 1976; Wang & Ramdas 2023)"
    bases, family = {d.base for d in tested}, max(d.family for d in tested)
    alone = len({line.norm for d in tested for line in (d.line, d.base)}) == 1
    what = "Settings" if alone and tested[0].line.more else "Norms"
    compared = f"compared with {tested[0].base.name}" if len(bases) == 1 else "compared pair by pair"
    sentences = [f"{what} are {compared} by {test}; a difference is claimed where p is below {ALPHA:g}"]
    if family > 1:
        sentences[0] += f" after Holm’s correction (Holm 1979) over {count_in_words(family)} comparisons"
    sentences[0] += "."
    if tested[0].estimate.sequential and not choices.margin.relative:
        together = "interval, of all these together by Bonferroni’s correction," if family > 1 else "interval"
        sentences.append(
            f"Two errors are called alike where the {together} lies within {_margin(choices.margin, axis)}."
        )
    if axis.numeric and len({d.x for d in tested}) > 1:
        change = f"The change of such a difference {axis.ends} is tested likewise, outside that family"
        crossover = (
            "; the batch size below which a norm has the lower error has the interval that inverts the t "
            "test (Fieller 1954), linear in log₂ of the batch size"
        )
        sentences.append(f"{change}{crossover if axis == BATCH_SIZE else ''}.")
    return sentences


def _several_x(cells: Sequence[Cell], measure: str) -> bool:
    """Whether some line has seeds enough at two x."""
    counted = [cell.line for cell in cells if cell.summary(measure).interval.known]
    return len(counted) > len(set(counted))


def _margin(margin: Margin, axis: XAxis) -> str:
    """“±1 point, a default fixed before the data were seen”."""
    largest = "the largest" if axis.falls else "the smallest"
    of = f"% of the error at {largest}" if margin.relative else " point" if margin.value == 1 else " points"
    whose = "" if margin.chosen else ", a default fixed before the data were seen"
    return f"±{margin.value:g}{of}{whose}"
