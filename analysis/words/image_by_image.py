"""What the finite set of test images leaves open, and on which of them networks disagree, in words."""

import math
from collections.abc import Mapping, Sequence

from analysis.stats.axes import XAxis
from analysis.stats.image_by_image import CellAnswers, ImageByImage, PairAnswers
from analysis.stats.intervals import CI, FEWEST_VALUES
from analysis.stats.line import Line
from analysis.words.numbers import count_in_words, decimals, listed, n_words, signed_interval

#: Comparisons that a sentence names; of more it says how many.
_NAMED = 4
#: Comparisons of churn that have a sentence each.
_CHURNS = 3
#: Shares of a variance below this are not spoken of.
_NOTHING = 0.005


def image_sentences(found: ImageByImage, axis: XAxis, names: Mapping[Line, str]) -> list[str]:
    """Of one panel. `names`: what each line is called."""
    sentences = [*_uncertainty(found), *_verdicts(found.pairs, axis, names)]
    return [*sentences, *_churns(found, axis, names)]


def _uncertainty(found: ImageByImage) -> list[str]:
    """How much is the seeds' and how much the images'."""
    answers: Sequence[PairAnswers | CellAnswers] = found.pairs or found.cells
    known = [one.error for one in answers if one.error.both.interval.known]
    what = "a difference" if found.pairs else "a mean error"
    if not known:
        alone = [one.error.images.error for one in answers if one.error.images.interval.known]
        if not alone:
            return []
        return [
            f"Seeds give no interval here: it takes {count_in_words(FEWEST_VALUES)} of them, with errors "
            f"that are not identical. The {found.images:,} images alone give {what} of these networks a "
            f"standard error of {_span(alone)} points."
        ]
    seeds, both = _span([u.seeds.error for u in known]), _span([u.both.error for u in known])
    first = (
        f"The standard error of {what} is {seeds} points over seeds, for these {found.images:,} images, and "
        f"{both} for new networks on new images."
    )
    share = [u.images_alone**2 / u.both.error**2 for u in known]
    if max(share) < _NOTHING:
        return [f"{first} What the images add to it cannot be distinguished from zero."]
    return [
        f"{first} Of the variance of the latter, {_percent(share)} comes from the images alone, which no "
        "number of seeds removes.",
        "With ever more seeds, an interval for new images would narrow to "
        f"{_ends([u.of_images for u in known])} and no further, with ever more images to "
        f"{_ends([u.of_seeds for u in known])}.",
    ]


def _verdicts(pairs: Sequence[PairAnswers], axis: XAxis, names: Mapping[Line, str]) -> list[str]:
    """Which differences stay when the images count as a sample too."""
    known = [p for p in pairs if p.error.seeds.interval.known and p.error.both.interval.known]
    clear = [p for p in known if _excludes_zero(p.error.seeds.interval.low, p.error.seeds.interval.high)]
    if not clear:
        return []
    lost = [p for p in clear if not _excludes_zero(p.error.both.interval.low, p.error.both.interval.high)]
    if not lost:
        return [f"{_all(len(clear))} over seeds excludes zero also excludes it for new images, uncorrected."]
    named = listed([f"{names[p.line]} − {names[p.base]} at {axis.at(p.x)}" for p in lost[:_NAMED]])
    more = f", and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    if len(clear) == 1:
        return [
            f"The one difference whose interval over seeds excludes zero, {named}, is open for new images."
        ]
    if len(lost) == len(clear):
        return [
            f"Not one of the {count_in_words(len(clear))} differences whose intervals over seeds exclude "
            f"zero does so for new images: {named}{more}."
        ]
    verb = "is" if len(lost) == 1 else "are"
    return [
        f"Of {count_in_words(len(clear))} differences whose intervals over seeds exclude zero, "
        f"{count_in_words(len(lost))} {verb} open for new images: {named}{more}."
    ]


def _all(count: int) -> str:
    if count == 1:
        return "The one difference whose interval"
    return f"Each of the {count_in_words(count)} differences whose interval"


def _excludes_zero(low: float, high: float) -> bool:
    return low > 0 or high < 0


def _churns(found: ImageByImage, axis: XAxis, names: Mapping[Line, str]) -> list[str]:
    """On how many images networks disagree, at the end of the axis."""
    if not found.pairs:
        return _churn_within(found.cells, axis, names)
    end = axis.ordered(p.x for p in found.pairs)[-1]
    last = [p for p in found.pairs if p.x == end and not math.isnan(p.churn.between)]
    if len(last) > _CHURNS:
        last.sort(key=lambda p: p.churn.above.mean)
        last = [last[-1], last[0]]
    return [_churn_sentence(p, axis.at(end), names) for p in last]


def _churn_within(cells: Sequence[CellAnswers], axis: XAxis, names: Mapping[Line, str]) -> list[str]:
    known = [cell for cell in cells if not math.isnan(cell.churn)]
    if not known:
        return []
    end = axis.ordered(cell.x for cell in known)[-1]
    return [
        f"At {axis.at(end)} two networks of {names[cell.line]} with different seeds disagree on "
        f"{cell.churn:.1f}% of the images."
        for cell in known
        if cell.x == end
    ][:_CHURNS]


def _churn_sentence(pair: PairAnswers, at: str, names: Mapping[Line, str]) -> str:
    ours, theirs, c = names[pair.line], names[pair.base], pair.churn
    shares = (
        f"At {at} two networks of {ours} with different seeds disagree on {c.ours:.1f}% of the images, two "
        f"of {theirs} on {c.theirs:.1f}%, one of each on {c.between:.1f}%"
    )
    s = c.above
    if not s.interval.known:
        return f"{shares} ({n_words(s)})."
    digits = decimals(s.interval)
    interval = f"{CI} {signed_interval(s.interval, digits)}"
    if s.interval.low > 0:
        more = f"{s.mean:.{digits}f} points more than a change of seed explains"
        return f"{shares}: {more} ({interval}, {n_words(s)})."
    return (
        f"{shares}. Whether that is more than a change of seed explains is not resolved ({interval} points, "
        f"{n_words(s)})."
    )


def _span(values: Sequence[float]) -> str:
    low, high = (f"{value:.2f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _ends(halves: Sequence[float]) -> str:
    """“±0.9 to ±1.2 points”, and where some of them cannot be told from zero “at most ±1.2 points”."""
    low, high = (f"{value:.2f}" for value in (min(halves), max(halves)))
    if float(high) == 0:
        return "nothing distinguishable from zero"
    most = f"at most ±{high}" if float(low) == 0 and low != high else f"±{low}"
    return f"{most} points" if low in (high, "0.00") else f"{most} to ±{high} points"


def _percent(shares: Sequence[float]) -> str:
    low, high = (f"{100 * min(1.0, share):.0f}" for share in (min(shares), max(shares)))
    return f"{low}%" if low == high else f"{low} to {high}%"
