"""The HTML around the figures: templates, sections, tables, one inert data block.

Three walls stand between a hostile name in a results folder and the reader's browser: jinja2 escapes every
text on its way into HTML, and `theme.plain` does on its way into a figure; the data block cannot close its
own tag; and the page's content security policy runs exactly the scripts whose hashes it names and allows
no request at all, so the page is offline by construction and not by promise.

Plotly is the bundle of cartesian traces as npm has it, and not what the Python package brings, which is three
times as large; packed by gzip and unpacked by the page. What is drawn is plain data that either knows.
"""

import base64
import functools
import gzip
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.plots import palette
from analysis.plots.theme import Json
from analysis.stats.axes import in_column, value_text
from analysis.stats.estimate import Estimate
from analysis.stats.intervals import ALPHA, CI, CONFIDENCE_LABEL
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from analysis.study import Study
from analysis.words.choices import MEASURE_WORDS
from analysis.words.numbers import decimals, signed, signed_interval
from model.axis import Value

_ASSETS = resources.files("analysis") / "assets"
_PLOTLY = "vendor/plotly-cartesian.min.js.gz"
#: One script, in this order.
_SCRIPTS = (
    "vendor/pako_inflate.umd.min.js",
    *(
        f"page/{part}.js"
        for part in ("base", "figures", "figure1", "switches", "tables", "saving", "state", "start")
    ),
)


class Section(NamedTuple):
    """A part of the page. `nav`: its name in the bar; `figures`: the plotly figures that its places
    name."""

    key: str
    nav: str
    title: str
    body: Markup
    figures: Mapping[str, Json] = {}


class Place(NamedTuple):
    """Where a figure is drawn. `key`: in a section's `figures`; `label`: what a screen reader says; `note`:
    what stands under it."""

    key: str
    label: str
    note: str = ""


class Column(NamedTuple):
    """A column of a table. `digits`: decimals shown, None for text and whole numbers."""

    key: str
    name: str
    numeric: bool = False
    digits: int | None = None


class Shown(NamedTuple):
    """A value that is shown otherwise than it sorts."""

    sort: object
    text: str


class TableCell(NamedTuple):
    """A cell as the template writes it. `sort`: what to sort by, None where that is the text."""

    numeric: bool
    sort: str | None
    text: str


# -- templates ---------------------------------------------------------------------------------------


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("analysis.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"confidence": CONFIDENCE_LABEL, "alpha": f"{ALPHA:g}"}
    environment.filters["unbroken"] = unbroken
    return environment


def render(template: str, **values: object) -> Markup:
    """The template analysis/page/templates/`template`.html.j2 with these values, each escaped."""
    return Markup(_environment().get_template(f"{template}.html.j2").render(values))


def _part(name: str, *values: object, **named: object) -> Markup:
    """A macro of parts.html.j2."""
    macro = getattr(_environment().get_template("parts.html.j2").module, name)
    return Markup(macro(*values, **named))


def unbroken(text: str) -> Markup:
    """`text` escaped, with “n = 5” and “95% CI” kept on one line."""
    kept = ((words, Markup("&nbsp;").join(words.split(" "))) for words in ("n = ", f"{CI} "))
    whole = escape(text)
    for words, together in kept:
        whole = whole.replace(words, together)
    return whole


# -- the file ----------------------------------------------------------------------------------------


def document(
    *,
    title: str,
    opening: Markup,
    sections: Sequence[Section],
    data: Mapping[str, object],
    live: bool,
    footer: str,
) -> str:
    """The whole file. `opening`: the first screen; `data`: what the page's script reads."""
    script = "\n".join(map(_asset, _SCRIPTS))
    plotly, plotly_hash = _plotly()
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
        f"form-action 'none'; script-src {_hash(script)} {plotly_hash}"
    )
    return render(
        "document",
        title=title,
        policy=policy,
        style=Markup(_asset("report.css")),
        opening=opening,
        sections=sections,
        data=Markup(inert_json(data)),
        plotly=plotly,
        script=Markup(script),
        licences=Markup(_asset("vendor/LICENSES")),
        live=live,
        footer=footer,
    )


@functools.cache
def _plotly() -> tuple[Markup, str]:
    """The packed bundle as text, and the hash of what it unpacks to."""
    packed = (_ASSETS / _PLOTLY).read_bytes()
    return Markup(base64.b64encode(packed).decode()), _hash(gzip.decompress(packed).decode())


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def inert_json(value: object) -> str:
    """JSON that can stand inside a script element: no <, > or & in it. NaN and infinities become null."""
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


# -- parts -------------------------------------------------------------------------------------------


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]], caption: str) -> Markup:
    """A table of values that sorts by its headings. None and NaN show as a dash; `Shown` where the text is
    not what to sort by."""
    cells = [[_cell(c, v) for c, v in zip(columns, row, strict=True)] for row in rows]
    return _part("table", columns, cells, caption, dense=len(columns) > 9)


def _cell(column: Column, value: object) -> TableCell:
    if isinstance(value, Shown):
        return TableCell(column.numeric, str(value.sort), value.text)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return TableCell(column.numeric, "", "–")
    if isinstance(value, float) and column.digits is not None:
        return TableCell(column.numeric, repr(value), f"{value:.{column.digits}f}")
    return TableCell(column.numeric, None, str(value))


def measured(study: Study, *panels: Panel) -> str:
    """“error”, or which error, where the page has more than one and the sources of `panels` say."""
    said = all(study.sweep_of[panel].origin != "study" for panel in panels)
    return MEASURE_WORDS[study.measure] if said and len(study.measures) > 1 else "error"


def by_measure(sections: Mapping[str, Section | None]) -> Section | None:
    """One section of those of several measures, the first shown and the others to be switched to."""
    kept = {measure: section for measure, section in sections.items() if section is not None}
    if not kept:
        return None
    body = under_each({measure: section.body for measure, section in kept.items()})
    figures = {key: figure for section in kept.values() for key, figure in section.figures.items()}
    return next(iter(kept.values()))._replace(body=body, figures=figures)


def under_each(bodies: Mapping[str, Markup]) -> Markup:
    """The same part of the page by measure, the first of them shown."""
    first = next(iter(bodies))
    if len(bodies) == 1:
        return bodies[first]
    return Markup().join(_part("under", measure, body, measure != first) for measure, body in bodies.items())


def axis_value(value: Value) -> object:
    """A value of an axis in a table; a number sorts as one."""
    return Shown(value, value_text(value)) if isinstance(value, (bool, float)) else value


def axis_cell(name: str, value: Value) -> object:
    """The same of an axis whose name the column has."""
    words = in_column(name, value)
    return axis_value(value) if words == value_text(value) else words


def place(panel: Panel) -> tuple[Column, Column]:
    """The columns that say which cell a row is of."""
    line = Column("line", "Line" if panel.roles.more else "Norm")
    return line, Column("x", panel.x.label, panel.x.numeric)


def points(s: Estimate | None) -> Shown | None:
    """“+0.5 (−0.8 to +1.9)”, in points with the interval in brackets."""
    if s is None or not s.exists:
        return None
    if not s.interval.known:
        return Shown(s.mean, signed(s.mean, 2))
    digits = max(2, decimals(s.interval))
    return Shown(s.mean, f"{signed(s.mean, digits)} ({signed_interval(s.interval, digits)})")


def strong(text: str) -> Shown:
    """A text that stands out, sorted as it is."""
    return Shown(text, Markup("<strong>{}</strong>").format(text))


def swatch(study: Study, line: Line, name: str | None = None) -> Shown:
    """A line's name, or another, behind its colour; sorted by the line's name."""
    style, own = study.styles.get(line), palette.COLOURS.get(line.norm)
    shade = style.colour if style and style.colour != own else None
    known = line.norm if line.norm in palette.COLOURS else ""
    dark = palette.twin(shade) if shade else None
    return Shown(line.name, _part("swatch", known, name or line.name, shade, dark))
