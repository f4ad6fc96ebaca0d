"""Seeds are not everything: what the number of images adds to the uncertainty, in words."""

import math
from collections.abc import Sequence

from analysis.stats.cells import Cell
from analysis.stats.images import binomial_error

_HOW = {
    True: "is shown under “Image by image”",
    False: "can be seen from each run’s answers, which python -m orchestrator.evaluate stores",
}


def images_sentences(cells: Sequence[Cell], count: int | None, measure: str, *, kept: bool = False) -> str:
    """Of the cells of one panel, whose runs are judged on `count` images; empty where that is not known.
    `kept`: whether the page has a section on them, image by image."""
    summaries = [cell.summary(measure) for cell in cells if cell.errors(measure)]
    if count is None or not summaries:
        return ""
    of_images = [binomial_error(s.mean, count) for s in summaries]
    sds = [s.sd for s in summaries if math.isfinite(s.sd)]
    beside = f"; over seeds a cell’s sd is {_span(sds)}" if sds else ""
    step = f"{100 / count:.2g} point{'' if count == 100 else 's'}"
    # of a difference of two errors on the same images, unless what one norm gets right the other gets wrong
    most = math.sqrt(2) * max(of_images)
    return (
        f"Every run is evaluated on the same {count:,} {cells[0].panel.judged} images: one image is {step} "
        "of error, and as an estimate of the error on new images a run’s has a binomial standard error of "
        f"{_span(of_images)} points{beside}. The intervals on this page are over seeds, for these images, "
        "and do not include that part. Other images would shift all norms partly alike, and so a difference "
        f"by less (a standard error below {most:.2f} points); how much less {_HOW[kept]}."
    )


def _span(values: Sequence[float]) -> str:
    low, high = (f"{value:.2f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
