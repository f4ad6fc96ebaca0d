"""The HTML around the figures: sections, tables, one inert data block.

Three walls stand between a hostile name in a results folder and the reader's browser: every text passes
`escape` on its way into HTML and `theme.plain` on its way into a figure; the data block cannot close its
own tag; and the page's content security policy runs exactly the scripts whose hashes it names and allows
no request at all, so the page is offline by construction and not by promise.
"""

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import Any, NamedTuple


class Section(NamedTuple):
    """A part of the page. `nav`: its name in the bar; `body`: HTML; `long`: may break over printed pages;
    `figures`: the plotly figures that its places name."""

    key: str
    nav: str
    title: str
    body: str
    long: bool = False
    figures: dict[str, Any] = {}  # noqa: RUF012


class Column(NamedTuple):
    """A column of a table. `digits`: decimals shown, None for text and whole numbers."""

    key: str
    name: str
    numeric: bool = False
    digits: int | None = None


def asset(name: str) -> str:
    return (resources.files("analysis") / "assets" / name).read_text(encoding="utf-8")


def document(
    *, title: str, hero: str, sections: Sequence[Section], data: dict[str, Any], status: str, footer: str
) -> str:
    """The whole file. `hero`, `status`, `footer`: HTML."""
    from plotly.offline import get_plotlyjs

    scripts = [get_plotlyjs(), asset("report.js")]
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
        f"form-action 'none'; script-src {' '.join(_hash(script) for script in scripts)}"
    )
    nav = "".join(f'<a href="#{s.key}">{escape(s.nav)}</a>' for s in sections)
    body = "".join(_section(s) for s in sections)
    tags = "".join(f"<script>{script}</script>\n" for script in scripts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="normsweep">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{asset("report.css")}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header class="bar"><div class="wrap"><strong>{escape(title)}</strong><nav aria-label="Sections">{nav}</nav>
{status}<button id="theme" type="button" aria-label="Switch between light and dark">◐</button>
</div></header>
<main id="main" class="wrap">
{hero}
{body}</main>
<footer><div class="wrap">{footer}</div></footer>
<script type="application/json" id="data">{inert_json(data)}</script>
{tags}</body>
</html>
"""


def _section(section: Section) -> str:
    key, kind = section.key, ' class="long"' if section.long else ""
    return (
        f'<section id="{key}"{kind} aria-labelledby="{key}-title">'
        f'<h2 id="{key}-title" tabindex="-1">{escape(section.title)}</h2>\n{section.body}\n</section>\n'
    )


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def inert_json(value: Any) -> str:
    """JSON that can stand inside a script element: no <, > or & in it. NaN and infinities become null."""
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


# -- parts -------------------------------------------------------------------------------------------


def plot(kind: str, label: str, *, short: bool = False, height: int | None = None, **data: object) -> str:
    """The place of a figure. `label`: what a screen reader says; `data`: data-… attributes."""
    attributes = "".join(f' data-{k}="{escape(str(v))}"' for k, v in data.items())
    size = "plot short" if short else "plot"
    if height:
        attributes += f' style="height:{height}px"'
    return (
        f'<div class="{size}" data-figure="{kind}" role="img" aria-label="{escape(label)}"{attributes}></div>'
    )


def segments(legend: str, name: str, options: dict[str, str]) -> str:
    """Radio buttons that look like one switch; the first is on."""
    inputs = "".join(
        f'<label><input type="radio" name="{name}" value="{escape(value)}"{"" if i else " checked"}>'
        f"<span>{escape(text)}</span></label>"
        for i, (value, text) in enumerate(options.items())
    )
    return f'<fieldset><legend>{escape(legend)}</legend><span class="seg">{inputs}</span></fieldset>'


def select(legend: str, options: dict[str, str], chosen: str, **data: object) -> str:
    attributes = "".join(f' data-{k}="{escape(str(v))}"' for k, v in data.items())
    items = "".join(
        f'<option value="{escape(v)}"{" selected" if v == chosen else ""}>{escape(t)}</option>'
        for v, t in options.items()
    )
    return f'<label class="check">{escape(legend)} <select{attributes}>{items}</select></label>'


def head(columns: Sequence[Column], *, sortable: bool = True) -> str:
    cells = "".join(
        f'<th scope="col"{" class=num" if c.numeric else ""}>'
        + (f'<button type="button">{escape(c.name)}</button>' if sortable else escape(c.name))
        + "</th>"
        for c in columns
    )
    return f"<thead><tr>{cells}</tr></thead>"


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[Any]], caption: str, *, sortable: bool = True
) -> str:
    """A table of values; a value may be (text, HTML) where it needs a swatch. None shows as a dash."""
    body = "".join(
        "<tr>" + "".join(_cell(c, v) for c, v in zip(columns, row, strict=True)) + "</tr>" for row in rows
    )
    names = [name for name, on in (("sortable", sortable), ("dense", len(columns) > 9)) if on]
    kind = f' class="{" ".join(names)}"' if names else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table{kind}><caption>{escape(caption)}</caption>"
        f"{head(columns, sortable=sortable)}<tbody>{body}</tbody></table></div>"
    )


def _cell(column: Column, value: Any) -> str:
    kind = ' class="num"' if column.numeric else ""
    if isinstance(value, tuple):
        return f'<td{kind} data-value="{escape(str(value[0]))}">{value[1]}</td>'
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return f'<td{kind} data-value="">–</td>'
    if isinstance(value, float) and column.digits is not None:
        return f'<td{kind} data-value="{value!r}">{value:.{column.digits}f}</td>'
    return f"<td{kind}>{escape(str(value))}</td>"


def swatch(norm: str, name: str, colour: str | None = None) -> str:
    """A line's name behind its norm's colour; `colour`: a shade for its second G and on."""
    known = norm if norm in {"bn", "gn", "ln", "in"} else ""
    shade = f' style="background:{escape(colour)}"' if colour else ""
    return f'<span class="swatch {known}" aria-hidden="true"{shade}></span>{escape(name)}'


def definitions(pairs: Iterable[tuple[str, object]]) -> str:
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in pairs if v not in (None, ""))
    return f"<dl>{items}</dl>"
