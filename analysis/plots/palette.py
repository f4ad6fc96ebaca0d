"""The colours, dashes and markers of lines: a norm looks the same wherever it appears, and in every report.

The hues of the four norms of Wu & He (2018) are Okabe & Ito's (2008), which the common kinds of colour
blindness leave apart; every line also has its own marker or dash, so print in grey reads too. A norm that is
none of those has its place in a fixed palette: ours by their order in the registry, any other by its name.
The page swaps each colour for its lighter twin in the dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from analysis.stats.line import Line
from model.axis import Value
from model.norm_table import NORMS
from model.own import unpinned

COLOURS = {"bn": "#0072b2", "gn": "#d55e00", "ln": "#009e73", "in": "#b0568f"}
#: Norms beside those.
_SPARE = ("#5f6b7a", "#b8860b", "#2b93b8", "#7a5195", "#8c564b", "#6b8e23", "#c2185b", "#4b4ba8")
#: Further Gs of one norm keep its hue and change in lightness.
_SHADES = {"gn": ("#d55e00", "#e8965a", "#8f3f00", "#f3c19d", "#5c2900")}
#: The same of any other norm: how far towards white, or below zero towards black.
_LIGHTER = (0.0, 0.4, -0.4, 0.6, -0.6)
#: From small to large, where lines differ in a number alone.
_RAMP = ("#4b4ba8", "#2b93b8", "#009e73", "#b8860b", "#d55e00", "#a3123c")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_MARKERS = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down", "pentagon", "x", "star")
_SYMBOLS = {"bn": _MARKERS, "gn": ("square", "diamond", "triangle-up", "triangle-down", "pentagon")}
#: Of a heat map from its lowest value to its highest; pale enough for the ink of the numbers, by day and by
#: night.
HEAT = ((0.0, "#fdf4ec"), (0.5, "#f6c9a2"), (1.0, "#ee9b5f"))
ON_HEAT = "#20242f"
#: Lighter twins that are not computed.
_TWINS = {
    "#0072b2": "#4aa5e0", "#d55e00": "#f0823c", "#009e73": "#35bf95", "#b0568f": "#dc8fc0",
    "#5f6b7a": "#9aa7b8", "#7a5195": "#b592d4", "#8f3f00": "#ffc79e", "#5c2900": "#ffe2cc",
    "#1f2430": "#e8eaf0", "#667085": "#a3acba", "#e6e8ee": "#2d333e", "#98a0ae": "#77808f",
    "#ffffff": "#14171d",
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How a line looks. `colour`: #rrggbb; `dash`, `symbol`: plotly's names."""

    colour: str
    dash: str
    symbol: str

    def tint(self, alpha: float) -> str:
        """The colour at an opacity from 0 to 1, for bands."""
        red, green, blue = _channels(self.colour)
        return f"rgba({red},{green},{blue},{alpha})"


def styles(lines: Sequence[Line]) -> dict[Line, Style]:
    """A style for each line; the first of a norm (the largest G) has the norm's own colour. Where lines
    differ in a number alone, colours go from cold to warm with it."""
    ordered = sorted(dict.fromkeys(lines), key=lambda line: line.order)
    if _differ_in_a_number(ordered):
        return {line: _on_ramp(i, len(ordered)) for i, line in enumerate(ordered)}
    names = list(dict.fromkeys(_called(line) for line in ordered))
    places = _places(names)
    by_line, ranks = {}, dict.fromkeys(names, 0)
    for line in ordered:
        name = _called(line)
        by_line[line] = style(name, ranks[name], places.get(name))
        ranks[name] += 1
    return by_line


def style(norm: str, rank: int = 0, place: int | None = None) -> Style:
    """The style of a norm's line number `rank`. `place`: in the palette of spare colours, of a norm that is
    none of Wu & He's; its own preference where it is not said."""
    spare = _preferred(norm) if place is None else place
    own = COLOURS.get(norm, _SPARE[spare % len(_SPARE)])
    shades = _SHADES.get(norm) or tuple(_mixed(own, share) for share in _LIGHTER)
    start = 0 if norm in COLOURS else 1 + spare
    symbols = _SYMBOLS.get(norm, _MARKERS)
    return Style(
        shades[rank % len(shades)], _DASHES[rank % len(_DASHES)], symbols[(start + rank) % len(symbols)]
    )


def twins(colours: Sequence[str]) -> dict[str, str]:
    """Colour -> what it is on a dark page, of these and of every one that is fixed."""
    fixed = dict.fromkeys([*_TWINS, *colours, *_SPARE])
    return {colour: twin(colour) for colour in fixed}


def twin(colour: str) -> str:
    """What a colour is on a dark page: lighter, unless it is light."""
    red, green, blue = _channels(colour)
    light = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    return _TWINS.get(colour) or _mixed(colour, max(0.0, 0.62 - light))


def reads_on_white(colour: str) -> bool:
    """Whether a word in that colour can be read on white paper."""
    red, green, blue = _channels(colour)
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255 < 0.55


def _called(line: Line) -> str:
    """By what a norm's colour goes: its name without module or digest, so that an edited norm keeps it."""
    return unpinned(line.label) or line.norm


def _preferred(norm: str) -> int:
    if norm in NORMS:
        return NORMS.index(norm) - len(COLOURS)
    return crc32(norm.lower().encode()) % len(_SPARE)


def _places(names: Sequence[str]) -> dict[str, int]:
    """The place of each norm in the spare palette: its own, or where another has that, the next free one."""
    placed: dict[str, int] = {}
    spare = [name for name in names if name not in COLOURS]
    for name in sorted(spare, key=lambda name: name not in NORMS):  # ours first, each in the given order
        wanted = _preferred(name)
        places = [(wanted + i) % len(_SPARE) for i in range(len(_SPARE))]
        placed[name] = next((place for place in places if place not in placed.values()), wanted)
    return placed


def _differ_in_a_number(lines: Sequence[Line]) -> bool:
    """Whether there are three lines or more that share norm and G, and one axis of numbers tells apart."""
    alike = len({(line.norm, line.groups, len(line.more)) for line in lines}) == 1
    return len(lines) > 2 and alike and len(lines[0].more) == 1 and all(map(_is_number, _values(lines)))


def _values(lines: Sequence[Line]) -> list[Value]:
    return [line.more[0][1] for line in lines]


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _on_ramp(index: int, count: int) -> Style:
    place = index / (count - 1) * (len(_RAMP) - 1)
    low = min(int(place), len(_RAMP) - 2)
    colour = _between(_RAMP[low], _RAMP[low + 1], place - low)
    return Style(colour, _DASHES[index % len(_DASHES)], _MARKERS[index % len(_MARKERS)])


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def _mixed(colour: str, share: float) -> str:
    """Towards white by `share`, or below zero towards black."""
    return _between(colour, "#ffffff" if share >= 0 else "#000000", abs(share))


def _between(first: str, second: str, share: float) -> str:
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)
