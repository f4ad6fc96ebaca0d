"""The sections that account for the work: time, network, every trial, provenance."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from analysis.page import markup
from analysis.page.hero import STATUS_WORDS
from analysis.page.markup import Column, Section
from analysis.plots import network, timeline
from analysis.sources.load import Sweep
from analysis.study import Study
from model.spec import MODELS, NORM_NAMES

TRIAL_COLUMNS = (
    Column("status", "Status"),
    Column("dataset", "Data set"),
    Column("model", "Model"),
    Column("norm", "Norm"),
    Column("groups", "G", True),
    Column("batch_size", "Batch", True),
    Column("seed", "Seed", True),
    Column("test_error", "Test error %", True, 2),
    Column("test_error_median5", "Median of 5", True, 2),
    Column("val_error", "Validation error %", True, 2),
    Column("epochs_run", "Epochs", True),
    Column("train_seconds", "Seconds", True, 1),
    Column("failure", "Failure"),
    Column("trial_id", "Trial"),
)


# -- time --------------------------------------------------------------------------------------------


def time_section(study: Study) -> Section | None:
    """Where the time went, sweep by sweep; None where no epoch carries a clock."""
    body, figures = "", {}
    for index, sweep in enumerate(study.sweeps):
        info = timeline.info(sweep.frame, sweep.history)
        if info is None:
            continue
        figures[f"time-{index}"] = timeline.figure(info, study.styles).to_plotly_json()
        figures[f"speed-{index}"] = timeline.speeds(info, study.styles).to_plotly_json()
        heading = f"<h3>{escape(sweep.name)}</h3>" if study.several else ""
        height = min(900, 110 + 26 * len(info.lanes))
        lanes = markup.plot("plain", "Packs over workers and time", height=height, key=f"time-{index}")
        speed = markup.plot("plain", "Images per second over batch size", short=True, key=f"speed-{index}")
        body += (
            f"{heading}{markup.definitions(_totals(info, sweep))}<figure>{lanes}<figcaption>Each bar is a "
            f"pack, seeds of "
            "one cell trained together; the number in it is the batch size. A lane is one place on a "
            "host.</figcaption>"
            f"</figure><figure>{speed}</figure>"
        )
    return Section("time", "Time", "Where the time went", body, figures=figures) if body else None


def _totals(info: timeline.TimeInfo, sweep: Sweep) -> list[tuple[str, object]]:
    runs = _runs(sweep)
    latest = runs[-1] if runs else {}
    gpu = any("cpu" not in device.lower() for device in info.devices)
    share = _number(latest.get("gpus_per_pack" if gpu else "cpus_per_pack"))
    what = ("GPU-hours" if gpu else "Core-hours") if share else "Worker-hours"
    hours = info.busy / 3600 * (share or 1.0)
    pairs: list[tuple[str, object]] = [
        (what, f"{hours:,.2f}" if hours < 100 else f"{hours:,.0f}"),
        ("From first to last epoch", duration(info.span)),
        ("Lanes", f"{len(info.lanes)}, at work {info.use:.0%} of the time"),
        ("Trained on", ", ".join(info.devices)),
    ]
    for run in runs:
        estimate, begun = _number(run.get("estimate_seconds")), _number(run.get("begun"))
        if estimate and begun is not None:
            took = _took(sweep, begun)
            if took is not None:
                truth = f"{duration(estimate)} estimated, {duration(took)} taken ({took / estimate:.2f} ×)"
                pairs.append(("Estimate and truth", truth))
    return pairs


def _runs(sweep: Sweep) -> list[dict[str, Any]]:
    """What each run of the sweep said before it began: `begun` (unix time), `estimate_seconds`,
    `cpus_per_pack`, `gpus_per_pack`. A sweep that keeps only its latest run has that in its provenance."""
    runs = [run for run in _list(sweep.facts.get("runs")) if isinstance(run, dict)]
    provenance = sweep.facts.get("provenance")
    return runs or ([provenance] if isinstance(provenance, dict) else [])


def _took(sweep: Sweep, begun: float) -> float | None:
    """Seconds from a run's begin (unix time) to the last epoch that ended before the next run began."""
    begins = [b for run in _runs(sweep) if (b := _number(run.get("begun"))) is not None]
    until = min((b for b in begins if b > begun), default=float("inf"))
    ended = sweep.history["ended"]
    mine = ended[(ended >= begun) & (ended < until)]
    return float(mine.max() - begun) if len(mine) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0
    return float(value) if known else None


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{seconds / 86400:.1f} days"


# -- network -----------------------------------------------------------------------------------------


def network_section(study: Study) -> Section | None:
    """The networks that were trained, as diagrams; None where the sources do not say which."""
    images = _images(study.sweeps)
    body = ""
    for model, shortcut, dataset in dict.fromkeys((p.model, p.shortcut, p.dataset) for p in study.panels):
        if model not in MODELS or shortcut is None:
            continue
        image, classes = images.get(str(dataset), ((3, 32, 32), 10))
        drawn = network.info(str(model), shortcut, image, classes)
        norms = dict.fromkeys(
            c.line.norm for p, cells in study.panels.items() if p.model == model for c in cells
        )
        names = " or ".join(NORM_NAMES.get(norm, norm).lower() for norm in norms)
        dotted = "a 1×1 convolution and norm" if shortcut == "projection" else "every second pixel and zeros"
        body += (
            f"<figure>{network.svg(drawn, names)}<figcaption>{escape(str(model))} on {escape(str(dataset))} "
            f"(He et al. 2015, section 4.2): {drawn.parameters:,} parameters with {escape(names)}. Every "
            f"convolution "
            f"is followed by its norm; an arc is a shortcut, dotted where dimensions change "
            f"({dotted}).</figcaption>"
            "</figure>"
        )
    return Section("network", "Network", "The network", body) if body else None


def _images(sweeps: Sequence[Sweep]) -> dict[str, tuple[tuple[int, int, int], int]]:
    """Data set -> (channels, height, width) and classes, as the sweep declared them."""
    found = {}
    for sweep in sweeps:
        data = sweep.facts.get("data")
        for name, facts in data.items() if isinstance(data, dict) else ():
            image, classes = (facts.get("image"), facts.get("classes")) if isinstance(facts, dict) else (0, 0)
            whole = isinstance(image, list) and len(image) == 3 and all(isinstance(i, int) for i in image)
            if whole and isinstance(classes, int) and isinstance(image, list):
                found[str(name)] = ((image[0], image[1], image[2]), classes)
    return found


# -- trials ------------------------------------------------------------------------------------------


def trial_section(study: Study) -> Section:
    """Every trial in a table that is searched and paged."""
    columns = trial_columns(study)
    body = f"""<div id="trials-table"><div class="controls"><label class="check">Search
<input type="search" placeholder="gn 32 failed" autocomplete="off"></label></div>
<div class="scroll" tabindex="0" role="region" aria-label="Every trial"><table>
<caption>Every word must occur in a row; a heading sorts.</caption>{markup.head(columns)}<tbody></tbody>
</table></div>
<div class="pager"><button type="button">Back</button><span role="status"></span>
<button type="button">Next</button></div>
<noscript>The table needs JavaScript; results.csv has the same rows.</noscript>
</div>"""
    return Section("trials", "Trials", f"All {len(study.frame):,} trials", body, long=True)


def trial_columns(study: Study) -> tuple[Column, ...]:
    """The columns that say something here: constant or empty ones are left out of a wide table."""
    extra = (Column("source", "Sweep"),) if study.several else ()
    always = {"status", "norm", "batch_size", "seed", "trial_id"}
    varies = {"dataset", "model"}
    return extra + tuple(
        c
        for c in TRIAL_COLUMNS
        if c.key in always
        or (
            study.frame[c.key].nunique(dropna=False) > 1
            if c.key in varies
            else study.frame[c.key].notna().any()
        )
    )


def trial_data(study: Study) -> dict[str, Any]:
    """The rows as plain values, and how the page shows each column."""
    columns = trial_columns(study)
    wanted = study.frame[[c.key for c in columns]].astype(object)
    plain = wanted.where(wanted.notna(), None)
    if study.several:
        plain["trial_id"] = plain["trial_id"].str.partition("/")[2]
    described = [{"key": c.key, "digits": c.digits, "class": "num" if c.numeric else ""} for c in columns]
    return {"columns": described, "rows": plain.to_numpy().tolist(), "words": STATUS_WORDS}


# -- provenance --------------------------------------------------------------------------------------


def provenance_section(study: Study) -> Section:
    """The exact command, the code and the machines, sweep by sweep."""
    body = ""
    for sweep in study.sweeps:
        known = sweep.facts.get("provenance")
        known = known if isinstance(known, dict) else {}
        command = known.get("command")
        heading = f"<h3>{escape(sweep.name)}</h3>" if study.several else ""
        text = f"<pre tabindex='0'><code>{escape(str(command))}</code></pre>" if command else ""
        pairs: list[tuple[str, object]] = [
            ("Results", sweep.source),
            ("Description", sweep.facts.get("description")),
            ("First declared", sweep.facts.get("created")),
            ("Last declared", sweep.facts.get("updated")),
            *_data(sweep.facts.get("data")),
            *((_PROVENANCE.get(str(k), str(k)), v) for k, v in known.items() if k in _PROVENANCE),
            *_trained_with(sweep),
            *_mixed_cells(sweep),
        ]
        body += f"{heading}{text}{markup.definitions(pairs)}"
    return Section("provenance", "Provenance", "Where this comes from", body)


_PROVENANCE = {
    "product": "normsweep",
    "commit": "Commit",
    "python": "Python",
    "torch": "PyTorch",
    "ray": "Ray",
    "cuda": "CUDA",
    "host": "Host",
}


def _data(data: Any) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for name, facts in data.items() if isinstance(data, Mapping) else ():
        if isinstance(facts, Mapping):
            size = f"{facts.get('train_size')} training and {facts.get('test_size')} test images"
            pairs.append((f"Data: {name}", f"{size}, fingerprint {facts.get('fingerprint')}"))
    return pairs


def _mixed_cells(sweep: Sweep) -> list[tuple[str, object]]:
    """Cells whose seeds were not all trained with the same code on the same kind of machine."""
    cells: dict[str, list[dict[str, Any]]] = {}
    for one in sweep.provenance:
        cells.setdefault(str(one.get("cell")), []).append(one)
    pairs: list[tuple[str, object]] = []
    for cell, mine in cells.items():
        for key, name in (*_PROVENANCE.items(), ("device", "Device")):
            values = sorted({str(p[key]) for p in mine if p.get(key)})
            if len(values) > 1 and key != "host":
                pairs.append((f"Mixed in {cell}", f"{name} {', '.join(values)}"))
    return pairs


def _trained_with(sweep: Sweep) -> list[tuple[str, object]]:
    """What the trials themselves recorded, where it is more than one thing."""
    pairs: list[tuple[str, object]] = []
    for key, name in (
        ("commit", "Trained at commits"),
        ("torch", "Trained with PyTorch"),
        ("device", "Trained on"),
    ):
        values = sorted({str(p[key]) for p in sweep.provenance if p.get(key)})
        if len(values) > 1 or (key == "device" and values):
            pairs.append((name, ", ".join(values)))
    return pairs
