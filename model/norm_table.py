"""The norms that there are, as facts: what declares, plans and reports trials needs no torch.

Their layers are in `model.net.norms`. A norm of one's own (`model.own`) is in no table; of it is known
without running it whether it has a parameter called groups.
"""

import ast
import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from model.digest import parsed
from model.own import is_own, load, short_name, source_file

#: Added to the variance; torch's default and Wu & He's (2018, section 3.2).
EPS = 1e-5
#: Weight of the newest batch in running statistics; torch's default.
MOMENTUM = 0.1
#: What a network that was trained by statistics of batches is judged by: its running ones, each batch's own,
#: or statistics measured anew (`model.training.statistics`).
Statistics = Literal["population", "batch", "precise"]
STATISTICS: tuple[Statistics, ...] = get_args(Statistics)


@dataclass(frozen=True)
class Norm:
    """What is known of a norm.

    `title`: for people. `source`: paper, section, equation. `groups`: it needs G. `with_one_group`: the norm
    that it is with G = 1, empty where that is none of the table. `shared`: in training
    images of a batch share statistics, so how many do is an axis (`norm_batch`). `running`: it has running
    statistics, so how fast they move is one (`norm_momentum`). `activates`: the activation is part of it.
    `scales`: it brings activations of any size to one. `gamma`: it multiplies each channel by a γ.
    `eps`, `norm_momentum`: the paper's own values; None where it has none.
    """

    name: str
    title: str
    source: str
    groups: bool = False
    with_one_group: str = ""
    shared: bool = False
    running: bool = False
    activates: bool = False
    scales: bool = True
    gamma: bool = True
    eps: float | None = EPS
    norm_momentum: float | None = None


NORM_TABLE: Mapping[str, Norm] = {
    norm.name: norm
    for norm in (
        Norm(
            "bn",
            "Batch Norm",
            "Ioffe & Szegedy 2015, section 3, algorithms 1 and 2",
            shared=True,
            running=True,
            norm_momentum=MOMENTUM,
        ),
        Norm("gn", "Group Norm", "Wu & He 2018, section 3.1, equation 7", groups=True, with_one_group="ln"),
        Norm(
            "ln",
            "Layer Norm",
            "Ba et al. 2016, section 3, equation 3; over C, H, W: Wu & He 2018, equation 4",
        ),
        Norm("in", "Instance Norm", "Ulyanov et al. 2016, equation 3"),
        Norm("rms", "RMS Group Norm", "Zhang & Sennrich 2019, section 3, equation 4, in groups", groups=True),
        Norm(
            "bgn",
            "Batch-Group Norm",
            "Summers & Dinneen 2020, section on very small batches",
            groups=True,
            shared=True,
            running=True,
            norm_momentum=MOMENTUM,
        ),
        Norm(
            "brn",
            "Batch Renorm",
            "Ioffe 2017, section 3, algorithm 1",
            shared=True,
            running=True,
            norm_momentum=0.01,
        ),
        Norm(
            "frn",
            "Filter Response Norm",
            "Singh & Krishnan 2020, sections 3.1 and 3.2",
            activates=True,
            eps=1e-6,
        ),
        Norm(
            "evob0",
            "EvoNorm-B0",
            "Liu et al. 2020, EvoNorm-B0",
            shared=True,
            running=True,
            activates=True,
            norm_momentum=MOMENTUM,
        ),
        Norm("evos0", "EvoNorm-S0", "Liu et al. 2020, EvoNorm-S0", groups=True, activates=True),
        Norm("dyt", "Dynamic Tanh", "Zhu et al. 2025, section 4", eps=None),
        Norm("fbn", "Frozen Batch Norm", "Wu & He 2018, section 4.2", scales=False),
        Norm("none", "No Norm", "De & Smith 2020, section 4 (SkipInit)", scales=False, gamma=False, eps=None),
    )
}

NORMS: tuple[str, ...] = tuple(NORM_TABLE)
NORM_NAMES: Mapping[str, str] = {norm.name: norm.title for norm in NORM_TABLE.values()}
#: Norms that are not called by their name in capitals.
_ABBREVIATIONS = {"evob0": "EvoNorm-B0", "evos0": "EvoNorm-S0", "dyt": "DyT", "none": "No norm"}
#: The norms that need G.
GROUPED: tuple[str, ...] = tuple(norm.name for norm in NORM_TABLE.values() if norm.groups)
#: The axes that not every norm has.
NORM_AXES: tuple[str, ...] = ("groups", "norm_batch", "norm_momentum", "eps")


def abbreviation(norm: str) -> str:
    """What a figure calls it: BN, DyT; one that is none of ours by its own name."""
    return _ABBREVIATIONS.get(norm, norm.upper()) if norm in NORM_TABLE else norm


def takes(norm: str, axis: str) -> bool:
    """Whether a norm has one of `NORM_AXES`. Raises InputError where an own norm's source is not here."""
    if (known := NORM_TABLE.get(norm)) is None:
        return axis == "groups" and is_own(norm) and _has_groups(norm)
    has = {
        "groups": known.groups,
        "norm_batch": known.shared,
        "norm_momentum": known.running,
        "eps": known.eps is not None,
    }
    return has[axis]


def ghost_problem(batch_size: int, norm_batch: int | None) -> str | None:
    """Why batches are no whole number of ghost batches, for a message; None where they are."""
    if not norm_batch or batch_size % norm_batch == 0:
        return None
    return (
        f"{norm_batch} does not divide batch size {batch_size}; write batch sizes that it does not divide in "
        "a block of their own"
    )


def statistics_of(norm: str) -> tuple[Statistics, ...]:
    """By which a network with this norm can be judged; of a user's own norm only the first is known."""
    known = NORM_TABLE.get(norm)
    return STATISTICS if known is not None and known.running else STATISTICS[:1]


def takers(axis: str) -> str:
    """The norms that have an axis, for a message."""
    return ", ".join(norm for norm in NORMS if takes(norm, axis))


@functools.cache
def _has_groups(value: str) -> bool:
    """Read, not imported, where it is defined in the open: declaring a grid must not wait for torch."""
    for node in parsed(source_file(value).read_bytes()).body:
        if getattr(node, "name", None) != short_name(value):
            continue
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in inner:
            if isinstance(function, ast.FunctionDef) and function.name in {"__init__", short_name(value)}:
                said = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
                return any(argument.arg == "groups" for argument in said)
    try:
        return "groups" in inspect.signature(load(value)).parameters
    except (TypeError, ValueError):  # not callable, which is told when it is made
        return False
