"""A methods section for a paper, made of what the files say and nothing else.

What was recorded is stated, a mixture as a mixture; what a reader of a paper will ask for and the files do
not say is named at the end, so that the author fills it in and nobody guesses.
"""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.sources.setup import Setup
from analysis.words import training
from analysis.words.citations import bibtex
from analysis.words.mixtures import mixture, said, span, trials_words
from analysis.words.numbers import listed
from model.architectures import ARCHITECTURES
from model.norm_table import GROUPED, NORM_TABLE
from model.own import short_name

#: Norm -> its name, abbreviation and source.
_NORMS = {
    "bn": ("batch normalisation", "BN"),
    "gn": ("group normalisation", "GN"),
    "ln": ("layer normalisation", "LN"),
    "in": ("instance normalisation", "IN"),
}
#: What a methods section asks for -> what it is called where no trial says it.
_WANTED = {
    "product": "the version of normsweep",
    "torch": "the version of PyTorch",
    "python": "the version of Python",
    "processor": "the processor",
    "threads": "the threads of a pack",
    "precision": "the precision of the arithmetic",
}


class Methods(NamedTuple):
    """`paragraphs` of running text; `bibtex` of what they cite."""

    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n\n".join(self.paragraphs) + "\n"

    @property
    def bibtex(self) -> str:
        return bibtex(self.text)


def methods(setup: Setup, design: str, statistics: str, digest: str) -> Methods:
    """The section of one sweep. `design`: how it came to its trials; `statistics`: what was computed, both in
    sentences; `digest`: of its results."""
    if not setup.trials:
        return Methods(("No trial has a result yet, so there is nothing to describe.",))
    parts = (
        _trained(setup),
        training.data(setup),
        training.recipes(setup),
        design,
        training.machines(setup),
        mixture(setup),
        statistics,
        _results(digest),
        _unsaid(setup),
    )
    return Methods(tuple(part for part in parts if part))


def _network(name: object) -> str:
    known = ARCHITECTURES.get(str(name))
    if known is None:
        return str(name)
    return f"{known.title} (He et al. 2015a)" if known.depth else known.title


def _trained(setup: Setup) -> str:
    """Networks, norms, batch sizes, seeds."""
    models = said(setup, setup.axes["model"], _network)
    shortcuts = said(setup, setup.axes["shortcut"])
    lines = listed(_lines(setup))
    what = f"These are results for {lines}."
    if models:
        by = f" with {shortcuts} shortcuts" if shortcuts else ""
        what = f"{models}{by} was trained with {lines}."
    seeds = f"{len(setup.seeds)} seed{'' if len(setup.seeds) == 1 else 's'} ({span(setup.seeds)})"
    counted = trials_words(setup.trials) + (
        f" of {setup.declared:,} declared" if setup.declared > setup.trials else ""
    )
    diverged = f", and {setup.diverged} of these diverged" if setup.diverged else ""
    sentences = [
        what,
        f"With {seeds}, {counted} {'has' if setup.trials == 1 else 'have'} a result{diverged}.",
    ]
    if training.described(setup):
        sentences.append(
            "The seed determines the initial weights and the order and crops of the images, identically for "
            "every norm."
        )
    return " ".join(sentences)


def _lines(setup: Setup) -> list[str]:
    """The norms with every G, and their batch sizes: once, at the end, where all have the same."""
    groups: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for (norm, g), sizes in setup.lines.items():
        groups.setdefault((norm, sizes), []).extend([] if g is None else [g])
    same = len({sizes for _, sizes in groups}) == 1
    words = [
        _norm(norm, gs) + ("" if same else f" at {_sizes(sizes)}") for (norm, sizes), gs in groups.items()
    ]
    if same:
        words[-1] += f"{', each' if len(words) > 1 else ''} at {_sizes(next(iter(groups))[1])}"
    return words


def _norm(norm: str, groups: Sequence[int]) -> str:
    """Its name, what the report calls it, G, and whose it is."""
    if norm not in NORM_TABLE:
        return short_name(norm)
    known = NORM_TABLE[norm]
    name, short = _NORMS.get(norm, (known.title, ""))
    g = f"G = {listed([str(n) for n in groups])}" if groups else ""
    what = ", ".join(part for part in (short, g) if part)
    return f"{name} ({'; '.join(part for part in (what, known.source.partition(',')[0]) if part)})"


def _sizes(sizes: Sequence[int]) -> str:
    return f"batch size{'' if len(sizes) == 1 else 's'} {listed([str(b) for b in sizes])}"


def _results(digest: str) -> str:
    return (
        f"SHA-256 of the results: {digest}. It covers the trials that are done or diverged: their ids, "
        "statuses, "
        "errors, losses and epochs, in a fixed order (analysis/sources/digest.py), but not times or "
        "machines."
    )


def _unsaid(setup: Setup) -> str:
    """What these files do not say."""
    axes = {"dataset": "the data set", "model": "the network", "recipe": "the recipe"}
    grouped = [norm for norm, groups in setup.lines if norm in GROUPED and groups is None]
    lacking = [f"G of {_NORMS[norm][0] if norm in _NORMS else NORM_TABLE[norm].title}" for norm in grouped]
    lacking += [name for axis, name in axes.items() if not setup.axes[axis]]
    lacking += [name for key, name in _WANTED.items() if not setup.facts[key]]
    lacking += [] if setup.devices else ["the device"]
    lacking += [] if setup.packs else ["the packs"]
    lacking += [] if training.described(setup) else ["the initialisation", "the augmentation"]
    return f"Not recorded in these results: {listed(lacking)}." if lacking else ""
