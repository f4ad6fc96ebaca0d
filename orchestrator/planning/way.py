"""By whose kernels packs will compute, and why: a line of a plan.

The choice is by the kind of cell and never by the pack (`planning.kernels`), and no trial's identity: all
give the same numbers up to the order of sums.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from model.data.dataset import DataInfo
from model.kernels import Kernels
from model.spec import Spec
from orchestrator.planning.kernels import Chosen, rule
from orchestrator.planning.packs_per_gpu import kind
from orchestrator.planning.resources import Site

#: Why a cell has its kernels.
_Why = Literal["said", "rule", "not timed", "begun", "timed", "remembered"]
_WHOSE: Mapping[Kernels, str] = {
    "ours": "kernels of ours",
    "aside": "kernels of ours, weights' gradients on a stream of their own",
    "torch": "cuDNN's",
}
_BY_RULE: Mapping[Kernels, str] = {
    "ours": " where they compile, the faster ones wherever they were measured (an H200)",
    "aside": "",
    "torch": ", since ours were not measured on so many pixels",
}
#: What the gain of each is over.
_OVER: Mapping[Kernels, tuple[Kernels, str]] = {
    "ours": ("torch", "as cuDNN's"),
    "aside": ("ours", "as on one stream"),
    "torch": ("ours", "as ours"),
}


def way(
    specs: Iterable[Spec], infos: Mapping[str, DataInfo], site: Site, chosen: Chosen, *, here: bool
) -> str:
    """`here`: packs train on this machine, whose GPU is asked whether our kernels compile; elsewhere a node
    asks its own."""
    if not site.resources.gpus:
        return "computed by torch's kernels; sums are ordered so that a seed gives the same bits in any pack"
    alone = not site.resources.shares_gpu
    cells = {spec: chosen.of(spec, alone=alone) or rule(spec, infos) for spec in specs}
    if why := _unusable({spec.precision for spec, one in cells.items() if one != "torch"}, chosen, here=here):
        return f"computed by cuDNN's kernels: ours cannot be used here ({why})"
    groups: dict[tuple[Kernels, _Why], list[Spec]] = {}
    for spec, kernels in cells.items():
        groups.setdefault((kernels, _why(spec, chosen, infos)), []).append(spec)
    where = "timed here" if here else "timed on a node"
    parts = [_part(*group, members, chosen, where) for group, members in groups.items()]
    trouble = f"; which are the faster ones here could not be timed ({chosen.trouble})"
    return f"computed: {'; '.join(parts)}{trouble if chosen.trouble else ''}"


def _unusable(precisions: Iterable[str], chosen: Chosen, *, here: bool) -> str | None:
    """Why kernels of ours cannot be used in one of these."""
    if not here:
        return next((chosen.unusable[one] for one in precisions if one in chosen.unusable), None)
    import torch

    from model.net.convolution import why_not_triton
    from model.precision import checked

    asked = (why_not_triton(torch.device("cuda"), checked(one)) for one in precisions)
    return next(filter(None, asked), None)


def _why(spec: Spec, chosen: Chosen, infos: Mapping[str, DataInfo]) -> _Why:
    name = kind(spec)
    if chosen.said:
        return "said"
    if name not in chosen.kernels:
        return "rule"
    if name not in chosen.rates:
        return "not timed" if chosen.kernels[name] == rule(spec, infos) else "begun"
    return "timed" if name in chosen.now else "remembered"


def _part(kernels: Kernels, why: _Why, cells: Sequence[Spec], chosen: Chosen, where: str) -> str:
    by = f"{len(cells)} cell{'' if len(cells) == 1 else 's'} by {_WHOSE[kernels]}"
    if why == "said":
        return f"{by}{' where they compile' if kernels == 'ours' else ''}, as --kernels says"
    if why == "rule":
        return f"{by}{_BY_RULE[kernels]}"
    if why == "not timed":
        return f"{by} (by rule: they were not timed)"
    if why == "begun":
        return f"{by} (as their trials have begun)"
    source = where if why == "timed" else "as an earlier run timed it"
    return f"{by} ({_gain(kernels, cells, chosen)}, {source})"


def _gain(kernels: Kernels, cells: Sequence[Spec], chosen: Chosen) -> str:
    other, than = _OVER[kernels]
    rates = [chosen.rates[kind(spec)] for spec in cells]
    gains = sorted(one[kernels] / one[other] for one in rates if kernels in one and other in one)
    if not gains:
        return "the others could not be timed"
    least, most = f"{gains[0]:.2g}", f"{gains[-1]:.2g}"
    return f"{least if least == most else f'{least} to {most}'} times as fast {than}"
