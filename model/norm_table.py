"""The norms that there are, as facts: what declares, plans and reports trials needs no torch.

Their layers are in `model.net.norms`. A norm of one's own (`model.own`) is in no table; what is known of it
without running it is that it may take G.
"""

from collections.abc import Mapping
from dataclasses import dataclass

#: Added to the variance; torch's default and Wu & He's (2018, section 3.2).
EPS = 1e-5
#: Weight of the newest batch in running statistics; torch's default.
MOMENTUM = 0.1


@dataclass(frozen=True)
class Norm:
    """What is known of a norm.

    `title`: for people. `source`: paper, section, equation. `groups`: it needs G. `shared`: in training
    images of a batch share statistics, so how many do is an axis (`norm_batch`). `running`: it has running
    statistics, so how fast they move is one (`norm_momentum`). `activates`: the activation is part of it.
    `eps`, `momentum`: the paper's own values; None where it has none.
    """

    name: str
    title: str
    source: str
    groups: bool = False
    shared: bool = False
    running: bool = False
    activates: bool = False
    eps: float | None = EPS
    momentum: float | None = None


NORM_TABLE: Mapping[str, Norm] = {
    norm.name: norm
    for norm in (
        Norm(
            "bn",
            "Batch Norm",
            "Ioffe & Szegedy 2015, section 3, algorithms 1 and 2",
            shared=True,
            running=True,
            momentum=MOMENTUM,
        ),
        Norm("gn", "Group Norm", "Wu & He 2018, section 3.1, equation 7", groups=True),
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
            momentum=MOMENTUM,
        ),
        Norm(
            "brn",
            "Batch Renorm",
            "Ioffe 2017, section 3, algorithm 1",
            shared=True,
            running=True,
            momentum=0.01,
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
            momentum=MOMENTUM,
        ),
        Norm("evos0", "EvoNorm-S0", "Liu et al. 2020, EvoNorm-S0", groups=True, activates=True),
        Norm("dyt", "Dynamic Tanh", "Zhu et al. 2025, section 4", eps=None),
        Norm("fbn", "Frozen Batch Norm", "Wu & He 2018, section 4.2"),
        Norm("none", "No Norm", "De & Smith 2020, section 4 (SkipInit)", eps=None),
    )
}

NORMS: tuple[str, ...] = tuple(NORM_TABLE)
NORM_NAMES: Mapping[str, str] = {norm.name: norm.title for norm in NORM_TABLE.values()}
#: The norms that need G.
GROUPED: tuple[str, ...] = tuple(norm.name for norm in NORM_TABLE.values() if norm.groups)
