"""Which comparison rules, and why; and what pairing bought."""

from collections.abc import Sequence

from analysis.sources.load import Origin
from analysis.stats.differences import Difference

#: Whether runs are pairs -> the test that rules where the number of seeds was fixed beforehand.
_TESTS = {True: "paired t", False: "Welch"}
#: What holds where seeds were added as results came in, with its sources.
ANYTIME = (
    "intervals and p-values are those of an anytime-valid t test (Lai 1976; Wang & Ramdas 2023), which hold "
    "whenever one stops"
)


def test_name(*, paired: bool, sequential: bool) -> str:
    """The test that rules, for a heading. `sequential`: a rule added seeds as results came in."""
    return "anytime-valid t" if sequential else _TESTS[paired]


def pairing_sentences(
    origin: Origin, *, paired: bool, norms_alone: bool = True, sequential: bool = False
) -> str:
    """Why the comparison that rules does. `norms_alone`: whether lines differ in nothing but the norm and G;
    in width, say, they cannot start alike. `sequential`: a rule added seeds as results came in."""
    if not paired:
        return (
            "These results do not say that runs of one seed number have anything in common, so all runs "
            "count as independent and are compared by Welch’s t test. If they are pairs, say --paired."
        )
    alike = (
        "both norms alike and shows them the same images in the same order"
        if norms_alone
        else "the runs of all lines alike, as far as networks, data and starting weights are alike"
    )
    why = (
        f"Each seed starts {alike}, so the runs of a seed are pairs"
        if origin == "sweep"
        else "That the runs of one seed number are pairs is not in these results: --paired said so"
    )
    if sequential:
        taken = f"{why}, and differences are taken within a seed"
        return f"{taken}. Seeds were added as results came in, so {ANYTIME}."
    return (
        f"{why}. Differences are taken within a seed and tested by the paired t test; Welch’s, which is for "
        "independent runs, is shown for comparison."
    )


def bought_sentence(differences: Sequence[Difference]) -> str:
    """What pairing bought; empty where that is not known."""
    known = [d for d in differences if d.pairs and d.bought == d.bought]
    if not known:
        return ""
    widths = _span([d.bought for d in known])
    correlations = [
        d.pairs.correlation for d in known if d.pairs and d.pairs.correlation == d.pairs.correlation
    ]
    over = (
        f"Over seeds, the errors of two norms correlate at {_span(correlations)}, and the"
        if correlations
        else "The"
    )
    each = "" if len(known) == 1 else "s"
    are = "is" if len(known) == 1 else "are"
    return (
        f"{over} paired interval{each} {are} {widths} times as wide as Welch’s. Below one, pairing made the "
        "comparison sharper; above one, it cost more in degrees of freedom than it removed in noise. Which "
        "comparison counts follows from how the runs were made, not from which interval is narrower."
    )


def _span(values: Sequence[float]) -> str:
    low, high = (f"{value:.2f}".replace("-", "−") for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
