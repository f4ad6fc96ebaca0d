"""Cells of a precision that the device of a sweep has not: told before anything trains."""

from collections.abc import Iterable

from model.precision import refuse_elsewhere
from model.spec import Spec
from orchestrator.planning.resources import Site


def refuse_precision(specs: Iterable[Spec], site: Site, *, here: bool) -> None:
    """Raises InputError. `here`: packs train on this machine, whose GPU can be asked."""
    coarse = {spec.precision for spec in specs} - {"fp32"}
    capability = None
    if coarse and here and site.resources.gpus:
        import torch

        capability = torch.cuda.get_device_capability(0)
    for precision in coarse:
        refuse_elsewhere(precision, site.resources.device, capability)
