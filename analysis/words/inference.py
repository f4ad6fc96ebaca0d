"""Which statistics were computed, in the sentences of a methods section: only those that these results
allow."""

from collections.abc import Sequence

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
        else "Error is 100% minus the accuracy that the file gives, which does not say of what and when."
    ]
    if not any(cell.summary(measure).interval.known for cell in cells):
        few = count_in_words(FEWEST_VALUES)
        return f"{sentences[0]} Fewer than {few} seeds, or seeds all alike, allow no interval and no test."
    sentences.append(
        f"Means over seeds have Student’s t intervals at {CONFIDENCE_LABEL} (Student 1908), cut at 0% "
        "and 100%."
    )
    if tested := [d for d in differences if d.estimate.interval.known]:
        sentences += _comparisons(tested, choices.paired)
    if _several_sizes(cells, measure):
        sentences.append(
            "That an error is constant over batch sizes is tested as equivalence, by two one-sided t tests "
            "(Schuirmann 1987) of every pair of batch sizes, all of which must pass (Berger 1982), "
            f"within {_margin(choices.margin)}."
        )
    return " ".join(sentences)


def _comparisons(tested: Sequence[Difference], paired: bool) -> list[str]:
    test = "paired t tests within each seed (Student 1908)" if paired else "Welch’s t tests (Welch 1947)"
    base, family = tested[0].base, max(d.family for d in tested)
    sentences = [
        f"Norms are compared with {base.name} by {test}; a difference is claimed where p is below {ALPHA:g}"
    ]
    if family > 1:
        sentences[0] += f" after Holm’s correction (Holm 1979) over {count_in_words(family)} comparisons"
    sentences[0] += "."
    if len({d.batch_size for d in tested}) > 1:
        sentences.append(
            "The change of such a difference from the largest to the smallest batch size is tested "
            "likewise, outside "
            "that family; the batch size below which a norm has the lower error has the interval that "
            "inverts the t "
            "test (Fieller 1954), linear in log₂ of the batch size."
        )
    return sentences


def _several_sizes(cells: Sequence[Cell], measure: str) -> bool:
    """Whether some line has seeds enough at two batch sizes."""
    counted = [cell.line for cell in cells if cell.summary(measure).interval.known]
    return len(counted) > len(set(counted))


def _margin(margin: Margin) -> str:
    """“±1 point, a default fixed before the data were seen”."""
    of = "% of the error at the largest" if margin.relative else " point" if margin.value == 1 else " points"
    whose = "" if margin.chosen else ", a default fixed before the data were seen"
    return f"±{margin.value:g}{of}{whose}"
