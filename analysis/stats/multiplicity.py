"""Several comparisons at once: what may be claimed, and intervals that hold together.

The family is an experiment: every comparison of two lines at a batch size that one panel of the page shows.
The decision rule of the whole report is `decide`: Holm's correction of the t tests over that family.
tests/analysis/stats/test_coverage.py simulates it: at most one study in twenty without any difference claims
one."""

import math
from collections.abc import Sequence

from analysis.stats.intervals import ALPHA, CONFIDENCE, NAN


def holm(ps: Sequence[float], family: int = 0) -> list[float]:
    """Holm's step-down adjusted p-values (Holm 1979), in the order given; a NaN stays NaN, and counts only
    where `family` says how many comparisons there are."""
    known = sorted((p, i) for i, p in enumerate(ps) if math.isfinite(p))
    adjusted = [NAN] * len(ps)
    running, count = 0.0, max(family, len(known))
    for rank, (p, i) in enumerate(known):
        running = max(running, min(1.0, (count - rank) * p))
        adjusted[i] = running
    return adjusted


def decide(adjusted: Sequence[float]) -> list[bool]:
    """Which of a family's differences the report may claim: Holm-adjusted p of the t test below ALPHA."""
    return [math.isfinite(p) and p < ALPHA for p in adjusted]


def simultaneous_level(family: int) -> float:
    """The level of each of `family` intervals that all hold the truth together at CONFIDENCE (Bonferroni)."""
    return 1 - ALPHA / family if family > 1 else CONFIDENCE
