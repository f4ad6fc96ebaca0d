"""What the finite set of test images leaves open, and on which of them networks disagree, in words."""

import math
from collections.abc import Mapping, Sequence

from analysis.stats.axes import XAxis
from analysis.stats.image_by_image import CellAnswers, ImageByImage, PairAnswers
from analysis.stats.intervals import CI, FEWEST_VALUES
from analysis.stats.line import Line
from analysis.stats.two_way import half_width
from analysis.words.names import sentence_case
from analysis.words.numbers import count_in_words, decimals, listed, n_words, signed_interval

#: Comparisons that a sentence names; of more it says how many.
_NAMED = 4
#: Comparisons of churn that have a sentence each.
_CHURNS = 3


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
            f"Seeds give no interval here: it takes {count_in_words(FEWEST_VALUES)} of them, and errors that "
            f"are not all alike. The {found.images:,} images alone leave {what} of these networks a standard "
            f"error of {_span(alone)} points."
        ]
    seeds, images, both = (
        _span([e.error for e in part])
        for part in zip(*((u.seeds, u.images, u.both) for u in known), strict=True)
    )
    share = [u.images_alone**2 / u.both.error**2 for u in known]
    return [
        f"Over seeds, for these {found.images:,} images, {what} has a standard error of {seeds} points; over "
        f"images, for these networks, {images}; over both, for new networks on new images, {both}. Of that "
        f"variance {_percent(share)} is the images’ alone, which no number of seeds takes away.",
        "With ever more seeds an interval for new images would narrow to "
        f"±{_span([half_width(u.images_alone) for u in known])} points and no further, with ever more images "
        f"to ±{_span([half_width(u.seeds_alone) for u in known])}.",
    ]


def _verdicts(pairs: Sequence[PairAnswers], axis: XAxis, names: Mapping[Line, str]) -> list[str]:
    """Which differences stay when the images count as a sample too."""
    known = [p for p in pairs if p.error.seeds.interval.known and p.error.both.interval.known]
    clear = [p for p in known if _excludes_zero(p.error.seeds.interval.low, p.error.seeds.interval.high)]
    if not clear:
        return []
    lost = [p for p in clear if not _excludes_zero(p.error.both.interval.low, p.error.both.interval.high)]
    if not lost:
        return [f"{_all(len(clear))} over seeds excludes zero also excludes it for new images, by itself."]
    named = listed([f"{names[p.line]} − {names[p.base]} at {axis.at(p.x)}" for p in lost[:_NAMED]])
    more = f", and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    if len(clear) == 1:
        return [
            f"The one difference whose interval over seeds excludes zero, {named}, is open for new images."
        ]
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
    shares = listed([f"{cell.churn:.1f}% ({names[cell.line]})" for cell in known if cell.x == end][:_NAMED])
    return [
        f"At {axis.at(end)} two networks that differ in the seed alone disagree on {shares} of the images."
    ]


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
    interval = f"{CI} {signed_interval(s.interval, digits)}, {n_words(s)}"
    if s.interval.low > 0:
        return f"{shares}: {s.mean:.{digits}f} points more than a change of seed explains ({interval})."
    return (
        f"{shares}. Whether that is more than a change of seed explains is not resolved ({interval} points)."
    )


def _span(values: Sequence[float]) -> str:
    low, high = (f"{value:.2f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _percent(shares: Sequence[float]) -> str:
    low, high = (f"{100 * min(1.0, share):.0f}" for share in (min(shares), max(shares)))
    return sentence_case(f"{low}%" if low == high else f"{low} to {high}%")
