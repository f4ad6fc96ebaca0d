"""What a finite set of images leaves open: the part of the uncertainty that no number of seeds takes away."""

import math

from analysis.stats.panel import Panel


def images(panel: Panel, data: object) -> int | None:
    """How many images each run of `panel` is judged on; None where nobody says.

    `data`: what a sweep declares of its data sets, name -> {"test_size": …}.
    """
    if panel.holdout:
        return panel.holdout
    own = data.get(panel.dataset) if isinstance(data, dict) and panel.judged else None
    size = own.get("test_size") if isinstance(own, dict) else None
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None


def binomial_error(error: float, count: int) -> float:
    """The standard error, in points, of an error of so many percent that was measured on `count` images drawn
    at random: √(p(1 − p)/count)."""
    p = error / 100
    return 100 * math.sqrt(max(0.0, p * (1 - p)) / count)
