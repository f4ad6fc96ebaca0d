"""What so few seeds can and cannot show."""

from collections.abc import Sequence

from analysis.stats import permutation
from analysis.stats.differences import Difference
from analysis.stats.intervals import ALPHA, CONFIDENCE_LABEL, FEWEST_VALUES, bca_coverage
from analysis.words.numbers import count_in_words


def what_n_allows(differences: Sequence[Difference]) -> str:
    """What so many seeds can show at all, in words."""
    tested = [d for d in differences if d.estimate.fewest >= FEWEST_VALUES]
    if not tested:
        return "One or two seeds give means but no intervals, so nothing can be tested."
    best = max(tested, key=lambda d: d.estimate.fewest)
    family = max(1, best.family)
    text, least = _smallest(best)
    if family > 1:
        text += f", times {count_in_words(family)} for Holm’s correction over the comparisons"
        least = min(1.0, family * least)
    text += f" ({least:.3g})"
    if least >= ALPHA:
        paired = best.pairs is not None
        fewest = count_in_words(permutation.fewest_seeds(family, paired=paired))
        text += f", so with that test nothing can be significant at {ALPHA:g}; at least {fewest} "
        text += "pairs would be needed." if paired else "runs of each norm would be needed."
    else:
        text += "."
    fewest_seen = min(d.estimate.fewest for d in tested)
    if fewest_seen < best.estimate.fewest:
        text += f" Some {best.panel.x.plural} have only {fewest_seen}."
    return f"{text} {_bca_words(best)}".rstrip()


def _smallest(d: Difference) -> tuple[str, float]:
    """The smallest p of the test that assumes no shape, in words and as a number."""
    if d.pairs is not None:
        n = d.estimate.fewest
        words = (
            f"With {n} pairs, the smallest p that the two-sided sign-flip test can give is 1/{2 ** (n - 1)}"
        )
        return words, permutation.smallest_p(n)
    n, m = d.estimate.n
    least = permutation.smallest_p(n, m)
    runs = f"{n} and {m} runs"
    words = f"With {runs}, the smallest p that the two-sided permutation test can give is 1/{1 / least:.0f}"
    return words, least


def _bca_words(d: Difference) -> str:
    """What a BCa interval of so many differences is worth."""
    share = bca_coverage(d.estimate.fewest)
    if share is None or d.pairs is None:
        return ""
    return (
        f"BCa intervals are shown because readers ask for them: nominally {CONFIDENCE_LABEL}, with "
        f"{d.estimate.fewest} pairs they contain the truth in about {share:.0%} of studies with normal "
        "errors, so the claims rest on the t intervals."
    )
