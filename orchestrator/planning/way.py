"""By whose kernels packs will compute, and why: a line of a plan.

The choice is `model.net.convolution.default_convolution`'s, by the cell alone, and no trial's identity: all
ways give the same numbers up to the order of sums.
"""

from collections.abc import Iterable, Mapping

from model.data.dataset import DataInfo
from model.spec import Spec
from orchestrator.planning.resources import Site


def way(specs: Iterable[Spec], infos: Mapping[str, DataInfo], site: Site, *, here: bool) -> str:
    """`here`: packs train on this machine, whose GPU is asked whether our kernels compile; elsewhere a node
    asks its own."""
    if site.resources.device == "cpu":
        return "computed by torch's kernels; sums are ordered so that a seed gives the same bits in any pack"
    import torch

    from model.net.convolution import TRITON_PIXELS, why_not_triton
    from model.precision import checked

    small, large = 0, 0
    precisions = set()
    for spec in specs:
        info = infos[spec.dataset]
        within = spec.batch_size * info.height * info.width <= TRITON_PIXELS
        small, large = small + within, large + (not within)
        precisions |= {checked(spec.precision)} if within else set()
    asked = {why_not_triton(torch.device("cuda"), one) for one in precisions} if here else set()
    if small and (why := next(filter(None, asked), None)):
        return f"computed by cuDNN's kernels: ours cannot be used here ({why})"
    ours = "kernels of ours where they compile, the faster ones wherever they were measured (an H200)"
    theirs = "cuDNN's, since ours were not measured on so many pixels"
    said = [f"{_cells(small)} by {ours}"] * bool(small) + [f"{_cells(large)} by {theirs}"] * bool(large)
    return f"computed: {'; '.join(said)}"


def _cells(count: int) -> str:
    return f"{count} cell{'' if count == 1 else 's'}"
