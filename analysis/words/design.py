"""How a study came to its trials, in the sentences of a methods section: values that were searched, seeds
that a rule added, weights that were others' before."""

from collections import Counter
from collections.abc import Sequence

from analysis.sources.setup import Setup
from analysis.stats.axes import value_text, word
from analysis.stats.searched import Searched
from analysis.words.mixtures import trials_words
from analysis.words.names import sentence_case
from analysis.words.numbers import count_in_words, listed
from analysis.words.stopping import added_sentences
from analysis.words.tuning import values_words
from orchestrator.results.records import PlanVersion


def design(setup: Setup, searches: Sequence[Searched], plans: Sequence[PlanVersion]) -> str:
    """Empty where every trial was declared beforehand and starts from scratch."""
    parts = (
        searches_sentences(searches),
        _starts(setup),
        added_sentences(plans, "Seeds were added as results came in"),
    )
    return " ".join(part for part in parts if part)


def searches_sentences(cells: Sequence[Searched]) -> str:
    """What was searched for each cell, by which rule, and what was chosen; empty where nothing was."""
    if not cells:
        return ""
    alike: dict[object, list[Searched]] = {}
    for cell in cells:
        tried = tuple(one.values for one in cell.candidates)
        alike.setdefault((tried, cell.budget, cell.holdout), []).append(cell)
    several = len(alike) > 1
    asked = [_search(own, several=several) for own in alike.values()]
    rule = (
        "The value with the lowest mean error there after the last epoch was taken, the smaller one in a "
        "tie, and never one with a diverged trial; the cell was then trained with it on all training images."
    )
    budget = "The budgets were not the same for all." if several else "Every cell had the same budget."
    return " ".join((*asked, rule, budget, _chosen(cells)))


def _search(own: Sequence[Searched], *, several: bool) -> str:
    first = own[0]
    names, (count, seeds) = [word(name) for name in first.axes], first.budget
    if len(names) == 1:
        values = listed([value_text(value) for one in first.candidates for _, value in one.values])
        what = f"the {names[0]} ({values})"
    else:
        what = f"{listed(names)} ({count} combinations)"
    cells = "one cell" if len(own) == 1 else f"each of {count_in_words(len(own))} cells"
    more = " of the cells" if several and len(own) > 1 else ""
    with_seeds = f"{count_in_words(seeds)} seed{'' if seeds == 1 else 's'}"
    were = "was" if len(names) == 1 else "were"
    return (
        f"For {cells}{more}, {what} {were} searched first: {with_seeds} of the search’s own with each, "
        f"evaluated on {first.holdout:,} held-out training images."
    )


def _chosen(cells: Sequence[Searched]) -> str:
    found = Counter(values_words(c.candidates[c.place].values) for c in cells if c.place is not None)
    parts = [f"{words} in {count_in_words(n)} cell{'' if n == 1 else 's'}" for words, n in found.items()]
    without = len(cells) - found.total()
    sentences = [f"The choice was {listed(parts)}."] if parts else []
    if without:
        sentences.append(f"In {count_in_words(without)} nothing was chosen.")
    return " ".join(sentences)


def _starts(setup: Setup) -> str:
    """What went over from other networks; what they were stands with the settings."""
    trials = sum(setup.axes["start"].values())
    if not trials:
        return ""
    return (
        f"{sentence_case(trials_words(trials))} started from the final weights of another one with the "
        "same seed. Tensors of the same name and shape were taken over (a layer’s running statistics if the "
        "other had all of them, the classifier if the number of classes is the same); everything else was "
        "new, including the optimiser’s state."
    )
