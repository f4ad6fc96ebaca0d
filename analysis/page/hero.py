"""The first screen: the answer in words, Figure 1 beside it, and the state of the sweep."""

import math
from html import escape

import numpy as np

from analysis.page import markup
from analysis.page.headline import STATUS_WORDS as _WANTING
from analysis.page.headline import Headline, headline, signed
from analysis.plots.gsearch import GSearchInfo
from analysis.plots.published import PUBLISHED, Published
from analysis.sources.frame import STATUSES
from analysis.stats.best_groups import BestGroups, confidence
from analysis.stats.cells import MEASURES, Cell, Panel
from analysis.stats.intervals import KINDS
from analysis.study import Study

STATUS_WORDS = {"done": "done", "diverged": "diverged", **_WANTING}


def html(study: Study) -> str:
    """The first screen as HTML."""
    said = {
        panel: headline(panel, cells, study.differences[panel], study.margin)
        for panel, cells in study.compared.items()
    }
    said_of_search = [(search, search_headline(search)) for search in study.searches]
    if study.panels and not any(cell.errors() for cells in study.panels.values() for cell in cells):
        return f'<div class="hero wide"><div><h1>No trial has finished yet.</h1>{state(study)}</div></div>'
    if study.several or len(said) > 1:
        return _wide(study, said)
    if said:
        (panel, first), *_ = said.items()
        figures = _switches(study) + _figure1(study, panel, titled=False)
        more = tuple(f"{h.title[:-1]} ({h.detail})." for _, h in said_of_search)
    elif said_of_search:
        (search, first), more = said_of_search[0], ()
        panel, figures = search.panel, search_figure(study, 0)
    else:
        return (
            f'<div class="hero wide"><div><h1>Nothing has been declared yet.</h1>{state(study)}</div></div>'
        )
    return f"""<div class="hero"><div><p class="eyebrow">{escape(study.name(panel))}</p>
<h1>{_words(first.title)}<small>{_words(first.detail)}</small></h1>
{_list((*first.facts, *more))}{state(study)}</div>
<div id="figure1">{figures}</div></div>"""


def _wide(study: Study, said: dict[Panel, Headline]) -> str:
    figures = "".join(_figure1(study, panel, titled=True, headline=h) for panel, h in said.items())
    title = f"{study.title}, side by side" if study.several else f"{study.title}: {len(said)} experiments"
    return f"""<div class="hero wide"><div><h1>{escape(title)}</h1>{state(study)}</div>
<div id="figure1">{_switches(study)}<div class="panels">{figures}</div></div></div>"""


def _list(facts: tuple[str, ...]) -> str:
    return f'<ul class="facts">{"".join(f"<li>{_words(fact)}</li>" for fact in facts)}</ul>' if facts else ""


def _words(text: str) -> str:
    """Escaped, with “n = 5” and “95% CI” kept on one line."""
    return escape(text).replace("n = ", "n&nbsp;=&nbsp;").replace("95% CI ", "95%&nbsp;CI&nbsp;")


def search_headline(search: GSearchInfo) -> Headline:
    """Which G won, by how much, and how sure the seeds make us."""
    out = _out_of_the_running(search)
    best = best_of(search)
    if best is None:
        return Headline(f"No G may be chosen at batch size {search.batch_size}.", "trials diverged", out)
    point = next(p for p in search.points if p.groups == best.groups)
    interval = f"95% CI {point.low:.2f} to {point.high:.2f}, " if math.isfinite(point.low) else ""
    facts = []
    if best.chances:
        share = best.chances[best.groups]
        facts.append(f"In {share:.0%} of bootstrap resamples of the seeds, G = {best.groups} is the best.")
    if best.lead is not None and best.lead.n > 1:
        low, high = best.lead.interval.low, best.lead.interval.high
        facts.append(
            f"The runner-up, G = {best.runner_up}, has {signed(best.lead.mean, 2)} points of error "
            f"(95% CI {signed(low, 2)} to {signed(high, 2)}, paired by seed, n = {best.lead.n})."
        )
    title = (
        f"G = {best.groups} has the lowest validation error, {point.mean:.2f}%, at batch size "
        f"{search.batch_size}."
    )
    return Headline(title, f"{interval}n = {len(point.values)}", (*facts, *out))


def _out_of_the_running(search: GSearchInfo) -> tuple[str, ...]:
    """A sentence for each G that cannot win."""
    return tuple(
        f"G = {p.groups} cannot win: {p.diverged} of its trials diverged."
        for p in search.points
        if p.diverged
    )


def best_of(search: GSearchInfo) -> BestGroups | None:
    """The best G of a search, the same numbers wherever the page shows them; None where none may win."""
    return confidence(search.contenders, np.random.default_rng(0)) if search.contenders else None


# -- Figure 1 ----------------------------------------------------------------------------------------


def _figure1(study: Study, panel: Panel, *, titled: bool, headline: Headline | None = None) -> str:
    label = (
        f"{panel.judged.capitalize()} error over batch size, one line per norm; the table of cells has "
        f"the numbers"
    )
    heading = ""
    if titled and headline:
        detail = f" <small>{_words(headline.detail)}</small>" if headline.detail else ""
        heading = f'<h3>{escape(study.name(panel))}</h3><p class="lede">{_words(headline.title)}{detail}</p>'
    return (
        f"<figure>{heading}{markup.plot('fig1', label, panel=study.index(panel))}"
        "<figcaption>Mean over seeds with its interval as a band; every seed is a dot. "
        "Click a point for its learning curves.</figcaption></figure>"
    )


def _switches(study: Study) -> str:
    kinds = "".join(f'<option value="{k}">{escape(v)}</option>' for k, v in KINDS.items())
    has_median = any(cell.median5 for cells in study.panels.values() for cell in cells)
    measures = dict(zip(MEASURES, ("Last epoch", "Median of last 5"), strict=True))
    return (
        '<form class="controls" aria-label="What Figure 1 shows">'
        + markup.segments("Show", "quantity", {"error": "Error", "accuracy": "Accuracy"})
        + (markup.segments("of", "measure", measures) if has_median else "")
        + f'<label class="check">Band <select name="kind">{kinds}</select></label>'
        + _published(study.compared)
        + "</form>"
    )


def _published(shown: dict[Panel, list[Cell]]) -> str:
    """A box for each publication; on from the start where it is the same data set and network."""
    if all(panel.holdout for panel in shown):
        return ""
    boxes = ""
    for source in dict.fromkeys(entry.source for entry in PUBLISHED):
        entries = [entry for entry in PUBLISHED if entry.source == source]
        own = any(_same(entries[0], panel, cells) for panel, cells in shown.items())
        group = entries[0].group
        boxes += (
            f'<label class="check" title="{escape(source)}"><input type="checkbox" name="published" '
            f'value="{escape(group)}"{" checked" if own else ""}> {escape(group)}</label>'
        )
    return f'<fieldset class="checks"><legend>Published, dotted</legend>{boxes}</fieldset>'


def _same(entry: Published, panel: Panel, cells: list[Cell]) -> bool:
    """Whether a published line is of the panel's data set and network and shares a batch size with it."""
    sizes = {cell.batch_size for cell in cells}
    return entry.matches(panel.dataset, panel.model) and not sizes.isdisjoint(entry.errors)


def search_figure(study: Study, index: int) -> str:
    search = study.searches[index]
    label = f"Validation error over G at batch size {search.batch_size}"
    return (
        f"<figure>{markup.plot('plain', label, key=f'gsearch-{index}')}"
        f"<figcaption>{escape(study.name(search.panel))}. Judged on {search.panel.holdout:,} images held out "
        f"of the "
        "training set; the test set took no part. Every seed is a dot, the bar is the 95% t interval of the "
        "mean.</figcaption></figure>"
    )


# -- the state ---------------------------------------------------------------------------------------


def state(study: Study) -> str:
    """How far the sweep is, as a bar and in words, with what was wrong with its files."""
    parts = []
    for sweep in study.sweeps:
        counts = sweep.frame["status"].value_counts().to_dict()
        present = [(status, int(counts[status])) for status in STATUSES if counts.get(status)]
        bars = "".join(f'<i class="{status}" style="flex:{count}"></i>' for status, count in present)
        items = "".join(
            f'<li><span class="dot {s}" aria-hidden="true"></span>{n:,} {STATUS_WORDS[s]}</li>'
            for s, n in present
        )
        total, done = len(sweep.frame), int(counts.get("done", 0))
        name = f"{sweep.name}: " if study.several else ""
        undeclared = int((~sweep.frame["declared"]).sum())
        more = f", {undeclared:,} of them no longer declared" if undeclared else ""
        parts.append(
            f'<p class="eyebrow">{escape(name)}{done:,} of {total:,} trial{"" if total == 1 else "s"} '
            f"done{more}</p>"
            f'<div class="state" aria-hidden="true">{bars}</div>'
            + (f'<ul class="legend">{items}</ul>' if done < total else "")
        )
        parts += [f'<p class="warning">{escape(w)}</p>' for w in sweep.warnings[:5]]
        if len(sweep.warnings) > 5:
            parts.append(f'<p class="warning">and {len(sweep.warnings) - 5} more damaged files</p>')
    return f'<div class="states">{"".join(parts)}</div>'
