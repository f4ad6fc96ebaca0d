"""Churn as a map: on what share of the images two networks disagree, line by line."""

import math

from analysis.plots import palette, theme
from analysis.plots.theme import Json
from analysis.stats.image_by_image import ChurnMap
from analysis.stats.line import Line


def drawing(found: ChurnMap, names: dict[Line, str], most: float) -> Json:
    """`names`: what each line is called. `most`: the share in percent of the full colour, that of all maps
    beside it, so that they can be compared."""
    called = [theme.plain(names[line]) for line in found.lines]
    squares = [[None if math.isnan(share) else share for share in row] for row in found.shares]
    trace: Json = {
        "type": "heatmap",
        "x": called,
        "y": called,
        "z": squares,
        "text": [["" if s is None else f"{s:.1f}" for s in row] for row in squares],
        "texttemplate": "%{text}",
        "textfont": {"color": palette.ON_HEAT, "size": 11},
        "zmin": 0,
        "zmax": most,
        "colorscale": [list(stop) for stop in palette.HEAT],
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "hovertemplate": "%{y} and %{x}: two networks of other seeds disagree on %{z:.2f}% of the images"
        "<extra></extra>",
        "showscale": False,
    }
    axis = {"type": "category", "showgrid": False}
    layout = theme.layout(xaxis=axis, yaxis={**axis, "autorange": "reversed"}, showlegend=False)
    return {"data": [trace], "layout": layout}


def highest(maps: list[ChurnMap]) -> float:
    """The largest share of these maps, in percent."""
    return max((s for one in maps for row in one.shares for s in row if not math.isnan(s)), default=1.0)
