"""What stands beside a study's own lines in Figure 1: published ones, and the same networks judged otherwise.

A published line may not squash what the study measured: where it lies far from it, or at other batch sizes,
its values are told above the figure instead.
"""

from analysis.plots import palette, theme
from analysis.plots.published import Published
from analysis.plots.theme import Json

#: How far beyond the study's own range, in shares of it, a published line may widen a figure.
_WIDER = 0.25


def published(
    entry: Published, quantity: str, own: tuple[float, float], sizes: set[int], *, shown: bool
) -> Json:
    """The trace of a published line. `own`: the study's range; `sizes`: its batch sizes. In `meta`: `near`,
    whether it is drawn; `note`, what is told of one that is not."""
    there = sorted(entry.errors, reverse=True)
    values = [entry.errors[s] if quantity == "error" else 100 - entry.errors[s] for s in there]
    within = (min(sizes, default=0), max(sizes, default=0))
    inside = [v for s, v in zip(there, values, strict=True) if within[0] <= s <= within[1]]
    low, high = own
    reach = _WIDER * (high - low)
    near = bool(inside) and all(low - reach <= v <= high + reach for v in inside)
    style = palette.style(entry.norm)
    return theme.scatter(
        x=there,
        y=values,
        mode="lines+markers",
        name=entry.name,
        visible=shown,
        line={"color": style.tint(0.45), "width": 1.5, "dash": "dot"},
        marker={"size": 5, "symbol": "circle-open", "color": style.tint(0.6)},
        hovertemplate=f"{entry.source}<br>batch size %{{x}}: %{{y:.2f}}%<extra></extra>",
        meta={
            "role": "published",
            "key": entry.key,
            "group": entry.group,
            "near": near,
            "note": "" if near else _note(entry, there, values, inside, high),
        },
    )


def _note(entry: Published, there: list[int], values: list[float], inside: list[float], high: float) -> str:
    """“↑ Wu & He 2018, BN: 23.6 to 34.7%”, “He et al. 2015, BN: 8.75% at batch size 128”."""
    ends = [f"{value:.{entry.digits}f}" for value in (min(inside or values), max(inside or values))]
    said = f"{entry.name}: {' to '.join(dict.fromkeys(ends))}%"
    if not inside:
        return f"{said} at batch size {', '.join(map(str, there))}, off this axis"
    return f"{'↑' if min(inside) > high else '↓' if max(inside) < high else '↕'} {said}, off this scale"
