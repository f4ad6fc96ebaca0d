"""Which memory layout of activations is the faster one: NHWC (channels-last) or NCHW."""

from typing import Literal

import torch

from model.net.convolution import Convolution
from model.precision import Precision
from model.training.backend import TINY

#: Norms that one kernel of torch's computes.
_ONE_KERNEL = frozenset({"bn", "gn", "ln", "in"})

Layout = Literal["nhwc", "nchw"]
MEMORY_FORMATS = {"nhwc": torch.channels_last, "nchw": torch.contiguous_format}


def default_layout(
    device: torch.device,
    precision: Precision,
    norm: str,
    pixels: int,
    convolution: Convolution = "grouped",
) -> Layout:
    """The faster layout as far as was measured; `pixels`: of a batch of one replica.

    Chosen by the cell and never by the pack: a sum's order differs between the two.

    On a CPU nhwc, which oneDNN's convolutions take as it is (16 maps of 32×32 pixels, batch 32, forward and
    backward, one core, torch 2.15: 2.1 ms against 2.8). But nchw for norms in groups of channels: a step of
    five replicas takes 8 to 15% less time there (AMD EPYC, torch 2.15, batch 2 to 32), one of one replica 4
    to 8% more; with torch 2.11 nhwc was half as fast (293 images a second against 587 at batch 32). Never
    where torch's own convolutions are used (`backend`): 1,238 images a second of 8×8 pixels in nhwc against
    798 at batch 2 with three replicas. Norms made of several operations have nchw at every size: in nhwc
    torch adds up the gradient of a value per channel in an order that depends on the pack.

    On a GPU nchw in float32: BN with five replicas takes 2,172 µs a step at batch 2 and 4,257 in nhwc, 4,964
    and 7,901 at batch 32. In TF32 and bf16 the two differ by less than 1% (H100, torch 2.11, docs/gpu.md);
    BN has nhwc there. Group norm has nchw, which torch's CUDA kernel turns all into; ours takes no other.
    """
    if convolution == "triton":
        return "nchw"
    if device.type == "cuda":
        return "nhwc" if precision != "fp32" and norm == "bn" else "nchw"
    if norm not in _ONE_KERNEL:
        return "nchw"
    return "nchw" if norm != "bn" and pixels > TINY else "nhwc"
