"""Memory between two measurements."""

import gc

import torch


def tidy(device: torch.device) -> None:
    """What the last pack held is free before the next is measured."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
