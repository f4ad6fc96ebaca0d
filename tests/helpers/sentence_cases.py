"""A table of studies, one for each thing that the page may have to say.

`python -m tests.helpers.sentence_cases` writes tests/analysis/words/sentences.txt anew: what the page says of each of
them, for a person to read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import log2
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from analysis.page import (
    cells,
    claims,
    differences,
    elsewhere,
    equal_budgets,
    evaluations,
    group_rules,
    gsearch,
    image_by_image,
    robustness,
    versus,
)
from analysis.page.opening import opening
from analysis.sources.load import Source, Sweep
from analysis.stats.choices import DEFAULT, Choices, Margin
from analysis.study import Study, read
from tests.helpers.evaluated import evaluated
from tests.helpers.judged import judged_sweep, planted
from tests.helpers.page_text import blocks
from tests.helpers.sequential import added
from tests.helpers.sweeps import Errors, in_memory, two_norms
from tests.helpers.tuned import RECIPE, tuned

GOLDEN = Path(__file__).parents[1] / "analysis" / "words" / "sentences.txt"


def noisy(mean: float, norm: str, size: int, seeds: int, scale: float = 1.0) -> list[float]:
    """Errors of `seeds` seeds about `mean`; seeds share part of their noise, as pairs do."""
    shared = [Random(f"seed {seed}").gauss(0, 0.2) for seed in range(seeds)]
    own = [Random(f"{norm} {size} {seed}").gauss(0, 0.12) for seed in range(seeds)]
    return [round(mean + scale * (a + b), 3) for a, b in zip(shared, own, strict=True)]


def study(bn: Mapping[int, float], gn: Mapping[int, float], seeds: int = 5, scale: float = 1.0) -> Errors:
    """Two norms whose mean errors are given, by batch size."""
    return two_norms(
        {b: noisy(mean, "bn", b, seeds, scale) for b, mean in bn.items()},
        {b: noisy(mean, "gn", b, seeds, scale) for b, mean in gn.items()},
    )


def one_line(norm: str, means: Mapping[int, float], seeds: int = 5, scale: float = 1.0) -> Errors:
    groups = 8 if norm == "gn" else None
    return {(norm, groups, b): noisy(mean, norm, b, seeds, scale) for b, mean in means.items()}


def _search(means: Mapping[int, float], seeds: int = 5, scale: float = 1.0, size: int = 32) -> Errors:
    return {("gn", g, size): noisy(mean, f"gn{g}", size, seeds, scale) for g, mean in means.items()}


FLAT, LOW = {32: 12.0, 8: 12.0, 2: 12.0}, {32: 12.4, 8: 12.4, 2: 12.4}
RISING = {32: 12.0, 8: 13.0, 2: 18.0}

#: Name of a case -> its errors, and what `in_memory` is to be told beside them.
SWEEPS: dict[str, tuple[Errors, dict[str, Any]]] = {
    "BN grows, GN stays": (study(RISING, LOW), {}),
    "GN grows, BN stays": (study(LOW, RISING), {}),
    "both grow, BN more": (study(RISING, {32: 12.4, 8: 12.6, 2: 14.0}), {}),
    "both fall alike": (study({32: 18.0, 8: 15.0, 2: 12.0}, {32: 18.1, 8: 15.1, 2: 12.0}), {}),
    "both fall, GN more": (study({32: 18.0, 2: 16.0}, {32: 18.1, 2: 12.0}), {}),
    "neither moves clearly, their difference does": (two_norms({32: [12.0, 12.1, 11.9, 12.0, 12.1], 2: [13.7, 11.4, 13.4, 11.2, 12.8]}, {32: [12.1, 12.0, 12.0, 11.9, 12.1], 2: [12.6, 10.5, 12.3, 10.3, 11.9]}), {}),
    "GN better everywhere by the same": (study({b: m + 3 for b, m in FLAT.items()}, FLAT), {}),
    "GN worse everywhere by the same": (study(FLAT, {b: m + 3 for b, m in FLAT.items()}), {}),
    "GN worse at 32, better at 2": (study(RISING, {32: 14.0, 8: 13.0, 2: 13.0}), {}),
    "nothing resolved": (study(FLAT, FLAT, scale=3), {}),
    "nothing resolved by 3 seeds": (study(RISING, LOW, seeds=3, scale=12), {}),
    "clear before Holm alone": (study({32: 12.0, 8: 12.0, 2: 12.5}, {32: 12.0, 8: 12.0, 2: 12.0}, scale=1.6), {}),
    "change clear, no difference clear": (study({32: 11.5, 2: 12.45}, {32: 12.0, 2: 12.0}, scale=1.9), {}),
    "no difference at all": (two_norms({32: [12.0, 12.5, 13.0], 2: [12.0, 12.5, 13.0]}, {32: [12.0, 12.5, 13.0], 2: [12.0, 12.5, 13.0]}), {}),
    "a difference that rounds to nothing": (study({32: 12.0, 2: 12.02}, FLAT, scale=0.1), {}),
    "eight seeds": (study(RISING, LOW, seeds=8), {}),
    "three seeds": (study(RISING, LOW, seeds=3), {}),
    "two seeds": (study(RISING, LOW, seeds=2), {}),
    "one seed": (study(RISING, LOW, seeds=1), {}),
    "seeds all alike": (two_norms({32: [12.0] * 3, 2: [18.0] * 3}, {32: [12.4] * 3, 2: [12.5] * 3}), {}),
    "one batch size, GN better": (study({2: 18.0}, {2: 12.4}), {}),
    "one batch size, GN worse": (study({2: 12.0}, {2: 13.4}), {}),
    "one batch size, not resolved": (study({2: 12.0}, {2: 12.0}), {}),
    "one batch size, one seed": (study({2: 18.0}, {2: 12.4}, seeds=1), {}),
    "BN alone, rising": (one_line("bn", RISING), {}),
    "BN alone, falling": (one_line("bn", {32: 18.0, 2: 12.0}), {}),
    "BN alone, constant": (one_line("bn", FLAT), {}),
    "BN alone, constant is not resolved": (one_line("bn", FLAT, scale=12), {}),
    "BN alone, two seeds": (one_line("bn", RISING, seeds=2), {}),
    "BN alone, one seed": (one_line("bn", RISING, seeds=1), {}),
    "one cell": (one_line("bn", {32: 12.0}), {}),
    "one cell, two seeds": (one_line("bn", {32: 12.0}, seeds=2), {}),
    "one cell, one seed": (one_line("bn", {32: 12.0}, seeds=1), {}),
    "one cell, near nothing": (one_line("bn", {32: 0.32}), {}),
    "trials missing": (study(RISING, LOW) | {("gn", 8, 2): [12.4, 12.5, None, None, None]}, {}),
    "trials failed": (study(RISING, LOW) | {("gn", 8, 2): [12.4, 12.5, 12.6, 12.3, None]}, {"without": "failed"}),
    "trials begun": (study(RISING, LOW) | {("gn", 8, 2): [None] * 5}, {"without": "partial"}),
    "one trial diverged": (study(RISING, LOW) | {("bn", None, 2): [18.0, 18.1, None, 17.9, 18.2]}, {"without": "diverged"}),
    "a cell diverged": (study(RISING, LOW) | {("bn", None, 2): [None] * 5}, {"without": "diverged"}),
    "no seed in common": (two_norms({2: [18.0, 18.1, None, None]}, {2: [None, None, 12.1, 12.2]}), {}),
    "one seed in common": (two_norms({2: [18.0, 18.1, 18.2, None]}, {2: [None, None, 12.1, 12.2]}), {}),
    "nothing finished": (study({32: 1.0}, {32: 1.0}) | {("bn", None, 32): [None], ("gn", 8, 32): [None]}, {}),
    "GN lacks a batch size": (study({32: 12.0, 8: 13.0, 2: 18.0}, {32: 12.4, 8: 12.4}), {}),
    "three norms": (study(RISING, LOW) | one_line("ln", {32: 13.0, 8: 13.0, 2: 13.2}), {}),
    "two Gs": (study(RISING, LOW) | {("gn", 2, b): noisy(13.0, "gn2", b, 5) for b in LOW}, {}),
    "no BN": (one_line("gn", LOW) | one_line("ln", RISING), {}),
    "held-out images": (study(RISING, LOW), {"holdout": 100}),
    "a search, clear": (_search({8: 12.0, 4: 13.0, 2: 15.0}), {"holdout": 100}),
    "a search, close": (_search({8: 12.0, 4: 12.02, 2: 12.05}, scale=2), {"holdout": 100}),
    "a search, two seeds": (_search({8: 12.0, 4: 13.0}, seeds=2), {"holdout": 100}),
    "a search, one seed": (_search({8: 12.0, 4: 13.0}, seeds=1), {"holdout": 100}),
    "a search, a seed of the best diverged": (_search({8: 12.0, 4: 13.0}) | {("gn", 8, 32): [11.9, None, 12.1, 11.8, 12.0]}, {"holdout": 100, "without": "diverged"}),
    "a search, all diverged": ({("gn", g, 32): [12.0, None] for g in (8, 4)}, {"holdout": 100, "without": "diverged"}),
    "a search, a seed is missing": (_search({8: 12.0, 4: 13.0}) | {("gn", 4, 32): [13.0, 13.1, None]}, {"holdout": 100}),
    "a search, two seeds that agree": ({("gn", 8, 32): [12.0, 12.0], ("gn", 4, 32): [13.0, 13.0]}, {"holdout": 100}),
}  # fmt: skip


def _csv(folder: Path, errors: Errors, name: str = "study.csv") -> str:
    lines = ["seed,batch_size,norm,accuracy"]
    for (norm, _, size), values in errors.items():
        lines += [
            f"{seed},{size},{norm},{1 - error / 100:.6f}"
            for seed, error in enumerate(values, start=1)
            if error is not None
        ]
    (folder / name).write_text("\n".join(lines) + "\n")
    return str(folder / name)


#: Cases of other sources and other choices: name -> what reads them, given a folder for files.
OTHERS: dict[str, Callable[[Path], Study]] = {
    "a CSV": lambda folder: read([_csv(folder, study(RISING, LOW))]),
    "a CSV of pairs": lambda folder: read([_csv(folder, study(RISING, LOW))], Choices(paired=True)),
    "a CSV, not resolved": lambda folder: read([_csv(folder, study(FLAT, FLAT, scale=3))]),
    "a CSV, unequal numbers": lambda folder: read(
        [_csv(folder, study(RISING, LOW) | {("gn", 8, 2): noisy(12.4, "gn", 2, 3)})]
    ),
    "a CSV, two runs": lambda folder: read([_csv(folder, study(RISING, LOW, seeds=2))]),
    "a CSV, one run": lambda folder: read([_csv(folder, study(RISING, LOW, seeds=1))]),
    "two data sets": lambda folder: read([_two_data_sets()]),
    "a sweep and a CSV": lambda folder: read([in_memory(study(RISING, LOW)), _csv(folder, study(FLAT, LOW))]),
    "a study and its search": lambda folder: read([_study_and_search()]),
    "a margin of half a point": lambda folder: read(
        [in_memory(study(RISING, LOW))], Choices(margin=Margin(0.5, chosen=True))
    ),
    "a margin of one percent": lambda folder: read(
        [in_memory(study(RISING, LOW))], Choices(margin=Margin(1, relative=True, chosen=True))
    ),
    "a third axis, where the order turns": lambda folder: _third_axis(folder, {0.1: RISING, 0.4: FLAT}),
    "a third axis, where it holds": lambda folder: _third_axis(folder, {0.1: RISING, 0.4: RISING}),
    "over another axis": lambda folder: _third_axis(
        folder, {0.1: FLAT, 0.2: FLAT, 0.4: RISING}, Choices(x="temperature")
    ),
    "every pair": lambda folder: read(
        [in_memory(study(RISING, LOW) | one_line("ln", {32: 13.0, 8: 13.0, 2: 13.2}))], Choices(base="all")
    ),
    "a rule for G, channels per group": lambda folder: read([_over_widths("channels")]),
    "a rule for G, one G": lambda folder: read([_over_widths("groups")]),
    "a rule for G, not resolved": lambda folder: read([_over_widths("channels", scale=8)]),
    "a rule for G, two seeds": lambda folder: read([_over_widths("channels", seeds=2)]),
    "a rule for G, one seed": lambda folder: read([_over_widths("channels", seeds=1)]),
    "a rule for G, some diverged": lambda folder: read(
        [_over_widths("groups", lost=(2, 8), without="diverged")]
    ),
    "a rule for G, unfinished": lambda folder: read([_over_widths("groups", lost=(2, 16))]),
    "a rule for G, of independent runs": lambda folder: read([_over_widths("channels", paired=False)]),
    "a rule for G, two widths without a constant": lambda folder: read(
        [_over_widths("groups", tried={1: (16, 8), 4: (4, 2)})]
    ),
    "a rule for G, a network of one’s own": lambda folder: read([_over_widths("groups", model="lab:Net")]),
    "seeds added by a rule": lambda folder: read(
        [added(in_memory(study(RISING, {32: 12.05, 8: 13.4, 2: 13.0}, seeds=12)), max_hours=5.0)]
    ),
    "seeds added by a rule, nothing decided": lambda folder: read(
        [added(in_memory(study(FLAT, FLAT, scale=6)), until_ci=0.5, results=12)]
    ),
    "seeds added by a rule to one line": lambda folder: read(
        [added(in_memory(one_line("bn", RISING, seeds=8)), until_ci=0.5, until_decided=False)]
    ),
    "tuned, survives": lambda folder: read([_tuned(study(RISING, LOW), study(RISING, LOW))]),
    "tuned, lost": lambda folder: read([_tuned(study(RISING, LOW), study(LOW, LOW))]),
    "tuned, gained": lambda folder: read([_tuned(study(LOW, LOW), study(RISING, LOW))]),
    "tuned, reversed": lambda folder: read([_tuned(study(RISING, LOW), study(LOW, RISING))]),
    "tuned, resolved nowhere": lambda folder: read(
        [_tuned(study(FLAT, FLAT, scale=3), study(FLAT, FLAT, scale=3))]
    ),
    "tuned, one batch size": lambda folder: read(
        [_tuned(study({2: 18.0}, {2: 12.4}), study({2: 13.0}, {2: 12.4}))]
    ),
    "tuned, one seed": lambda folder: read(
        [_tuned(study(RISING, LOW, seeds=1), study(RISING, LOW, seeds=1))]
    ),
    "tuned, with nothing beside": lambda folder: read([_tuned({}, study(RISING, LOW))]),
    "tuned, the search unfinished": lambda folder: read([_tuned(study(RISING, LOW), {}, lost="missing")]),
    "tuned, every value diverged": lambda folder: read([_tuned(study(RISING, LOW), {}, lost="diverged")]),
    "the median of five epochs": lambda folder: read([in_memory(study(RISING, LOW))], Choices("median5")),
}


def _tuned(common: Errors, after: Errors, lost: str = "") -> Sweep:
    """Each cell chose twice the recipe's rate, at the edge, but batch norm at batch size 2. `lost`: the status of
    a seed of every rate."""
    searches = {}
    for norm, groups, size in common or after:
        third = {4 * RECIPE: 15.0} if (norm, size) == ("bn", 2) else {RECIPE / 2: 15.0}
        means = {RECIPE: 14.0, 2 * RECIPE: 12.0, **third}
        searches[norm, groups, size] = {
            lr: [*noisy(mean, f"{norm} {lr}", size, 2), None if lost else mean] for lr, mean in means.items()
        }
    finals = {cell: (2 * RECIPE, values) for cell, values in after.items()}
    return tuned(searches, finals, common, without=lost or "diverged")


def _third_axis(folder: Path, bn: Mapping[float, Mapping[int, float]], choices: Choices = DEFAULT) -> Study:
    """A CSV with a column of its own, by whose value batch norm's means differ, and group norm's do not."""
    lines = ["seed,batch_size,norm,temperature,accuracy"]
    for value, means in bn.items():
        for (norm, _, size), values in study(means, LOW).items():
            lines += [
                f"{seed},{size},{norm},{value},{1 - error / 100:.6f}"
                for seed, error in enumerate(values, start=1)
                if error is not None
            ]
    (folder / "third.csv").write_text("\n".join(lines) + "\n")
    return read([str(folder / "third.csv")], replace(choices, paired=True), axes=["temperature"])


def _two_data_sets() -> Source:
    first, second = in_memory(study(RISING, LOW)), in_memory(study(FLAT, LOW), name="b", dataset="cifar10")
    return _joined(first.frame, second.frame)


def _study_and_search() -> Source:
    return _joined(
        in_memory(study(RISING, LOW)).frame,
        in_memory(_search({8: 12.0, 4: 13.0}), name="b", holdout=100).frame,
    )


def _over_widths(
    best: str,
    *,
    seeds: int = 5,
    scale: float = 1.0,
    tried: Mapping[int, Sequence[int]] = {
        1: (16, 8, 4, 2, 1),
        2: (32, 16, 8, 4, 2, 1),
        4: (64, 32, 16, 8, 4, 2, 1),
    },
    lost: tuple[int, int] | None = None,
    without: str = "missing",
    model: str = "resnet20",
    paired: bool = True,
) -> Sweep:
    """Searches for G at several widths; the best is the same G, 8, or the same number of channels per group, 4.
    `lost`: a width and a G of which one trial has no result."""
    frames = []
    for width, groups in tried.items():
        where = {"groups": 8, "channels": 4 * width}[best]
        means = {g: 14.0 - width + 0.8 * abs(log2(g / where)) for g in groups}
        errors: Errors = {
            ("gn", g, 32): list(noisy(mean, f"gn{g} {width}", 32, seeds, scale)) for g, mean in means.items()
        }
        if lost is not None and lost[0] == width:
            errors["gn", lost[1], 32] = [None, *errors["gn", lost[1], 32][1:]]
        made = in_memory(errors, name=str(width), without=without, holdout=100, width=width, model=model)
        frames.append(made.frame)
    return replace(_joined(*frames), paired=paired)


def _joined(*frames: pd.DataFrame) -> Sweep:
    return replace(in_memory({}), frame=pd.concat(frames, ignore_index=True))


def _answered(seeds: int = 5, scale: float = 1.0, **means: Mapping[int, float]) -> Study:
    """Batch norm, its networks judged again: mean errors by batch size, by the statistics they were judged by."""
    answered = {
        statistics: {b: noisy(mean, statistics, b, seeds, scale) for b, mean in by_size.items()}
        for statistics, by_size in means.items()
    }
    return read([evaluated(answered)])


#: The same of networks that were evaluated again.
EVALUATED: dict[str, Callable[[], Study]] = {
    "evaluated: both parts": lambda: _answered(
        population=RISING, precise={32: 11.9, 8: 12.4, 2: 15.0}, batch={32: 12.2, 8: 13.6, 2: 21.0}
    ),
    "evaluated: training alone": lambda: _answered(population=RISING, precise=RISING, batch=RISING),
    "evaluated: evaluation alone": lambda: _answered(population=RISING, precise=FLAT, batch=FLAT),
    "evaluated: evaluation not resolved": lambda: _answered(population=RISING, precise={32: 12.0, 2: 18.2}),
    "evaluated: training not resolved": lambda: _answered(population=RISING, precise={32: 12.0, 2: 12.2}),
    "evaluated: precise is worse": lambda: _answered(population=RISING, precise={32: 12.0, 2: 21.0}),
    "evaluated: precise falls": lambda: _answered(population=RISING, precise={32: 12.0, 2: 10.0}),
    "evaluated: falls by both": lambda: _answered(
        population={32: 18.0, 2: 12.0}, precise={32: 16.0, 2: 12.0}
    ),
    "evaluated: falls, less so by running statistics": lambda: _answered(
        population={32: 18.0, 2: 16.0}, precise={32: 18.0, 2: 13.0}
    ),
    "evaluated: no rise, two parts": lambda: _answered(population=FLAT, precise={32: 12.0, 2: 14.0}),
    "evaluated: nothing resolved": lambda: _answered(population=FLAT, precise=FLAT, batch=FLAT, scale=3),
    "evaluated: two seeds": lambda: _answered(2, population=RISING, precise=LOW, batch=RISING),
    "evaluated: one seed": lambda: _answered(1, population=RISING, precise=LOW, batch=RISING),
    "evaluated: running and precise agree": lambda: read(
        [evaluated({s: {32: [12.0, 12.1, 12.2], 2: [18.0, 18.2, 18.5]} for s in ("population", "precise")})]
    ),
    "evaluated: one batch size": lambda: _answered(population={2: 18.0}, precise={2: 15.0}, batch={2: 16.0}),
    "evaluated: one batch size, not resolved": lambda: _answered(
        population={2: 15.0}, precise={2: 15.0}, batch={2: 15.0}
    ),
    "evaluated: one batch size, two seeds": lambda: _answered(2, population={2: 18.0}, precise={2: 15.0}),
    "evaluated: no precise statistics": lambda: _answered(population=RISING, batch=RISING),
}


#: Norm and batch size -> how hard the images are for its networks; and how many networks and images there are.
Judged = tuple[dict[tuple[str, int], float], int, int]
#: Of sweeps whose networks answered image by image.
JUDGED: dict[str, Judged] = {
    "judged: apart at the end": (
        {("bn", 32): -2.5, ("bn", 2): -1.0, ("gn", 32): -2.5, ("gn", 2): -2.3},
        5,
        400,
    ),
    "judged: open for new images": ({("bn", 32): -2.0, ("gn", 32): -2.6}, 8, 60),
    "judged: none stays": (
        {(norm, size): -2.0 - 0.4 * (norm == "gn") for norm in ("bn", "gn") for size in (32, 2)},
        6,
        100,
    ),
    "judged: one of several stays": (
        {("bn", 32): -2.0, ("bn", 2): -1.0, ("gn", 32): -2.4, ("gn", 2): -2.4},
        6,
        100,
    ),
    "judged: four norms": ({(norm, 32): -2.0 for norm in ("bn", "gn", "ln", "in", "dyt")}, 4, 200),
    "judged: one norm": ({("bn", 32): -2.5, ("bn", 2): -1.0}, 5, 200),
    "judged: two seeds": ({("bn", 32): -2.0, ("gn", 32): -1.0}, 2, 200),
    "judged: one seed": ({("bn", 32): -2.0, ("gn", 32): -1.0}, 1, 200),
    "judged: nobody errs": ({("bn", 32): -99.0, ("gn", 32): -99.0}, 3, 50),
}


def _judged(folder: Path, name: str, hard: Mapping[tuple[str, int], float], seeds: int, images: int) -> Study:
    answers = {place: planted(seeds, images, mean, place=place) for place, mean in hard.items()}
    where = str(folder / name.replace(" ", "-").replace(":", ""))
    return read([judged_sweep(where, answers, np.zeros(images, dtype=np.int64))])


def page_blocks(made: Study) -> list[tuple[str, str, str]]:
    """The blocks of text of every part of the page that states results."""
    sections = [
        part.section(made)
        for part in (
            versus,
            elsewhere,
            differences,
            claims,
            robustness,
            cells,
            equal_budgets,
            evaluations,
            image_by_image,
            group_rules,
            gsearch,
        )
    ]
    return blocks("".join([opening(made), *(s.body for s in sections if s is not None)]))


def every_case() -> dict[str, list[tuple[str, str, str]]]:
    """Name of a case -> the blocks of its page."""
    said = {name: page_blocks(read([in_memory(errors, **more)])) for name, (errors, more) in SWEEPS.items()}
    with TemporaryDirectory() as folder:
        for name, make in OTHERS.items():
            said[name] = page_blocks(make(Path(folder)))
        for name, hard in JUDGED.items():
            made = image_by_image.section(_judged(Path(folder), name, *hard))
            assert made is not None
            said[name] = blocks(made.body)
    for name, asked in EVALUATED.items():
        section = evaluations.section(asked())
        assert section is not None
        said[name] = blocks(section.body)
    return said


def written(said: Mapping[str, Sequence[tuple[str, str, str]]]) -> str:
    """The sentences of every case; a text that stands under a figure or a table is written once, where it first
    occurs."""
    lines, seen = [], set()
    for name, case in said.items():
        lines += ["", f"## {name}"]
        for tag, _, text in case:
            if (tag in {"p", "caption", "figcaption"}) and text in seen:
                continue
            seen.add(text)
            mark = {"h1": "# ", "h3": "### ", "li": "- ", "td": "  verdict: "}.get(tag, "  ")
            lines.append(f"{mark}{text}")
    return "\n".join(lines[1:]) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(written(every_case()))
