"""Which memory layout of activations is the faster one: NHWC (channels-last) or NCHW."""

from typing import Literal

import torch
from torch.torch_version import TorchVersion

from model.net.convolution import Convolution
from model.precision import Precision
from model.processor import vendor
from model.training.backend import TINY

#: Norms that one kernel of torch's computes.
_ONE_KERNEL = frozenset({"bn", "gn", "ln", "in"})
#: Pixels in a batch of one replica above which a step of one keeps a core busy, so that seeds train alone
#: (`orchestrator.planning.packing`).
_ALONE = 16 * 32 * 32
#: The first torch that was measured whose group norm is not slow in nhwc.
_FAST_IN_NHWC = "2.15"

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

    Chosen by the cell, the processor and torch, and never by the pack: a sum's order differs between the two.

    On a CPU nhwc, which oneDNN's convolutions take as it is (16 maps of 32×32 pixels, batch 32, forward and
    backward, one core, torch 2.15: 2.1 ms against 2.8), but for what torch's group norm makes of it there: it
    takes the channels of one group at a time, all of them for layer norm, one for instance norm. ResNet-20 on
    32×32 pixels, an AMD EPYC (Zen 5), minima of alternating steps:

    - layer norm: one replica takes 10 to 16% less in nhwc, five from 1% less (batch 2) to 2% more (batch 8).
    - instance norm: 8 to 12% less in nchw at batch 8 and 32 and 2% more at 2; five replicas 19 to 36% less.
    - group norm, G = 8: five replicas take 4 to 12% less in nchw at batch 4 to 16 and as much at 2, two at 16
      5% less. One takes 3 to 19% less in nhwc, and is the fastest of all at batch 32, where seeds train
      alone. On an Intel Xeon packs at batch 32 had 0.97 of the plain loop's images a second in nchw and 1.14
      in nhwc; smaller batches were not measured there. So nchw on AMD's alone, where seeds train in packs.
      By older torch nhwc takes 1.3 to 2.1 times as long at batch 2, 8 and 32 (2.6; 2.11 too is half as fast,
      and the kernel alone takes 1.3 times as long in 2.13): nchw everywhere.

    Never nchw where torch's own convolutions are used (`backend`): 1,238 images a second of 8×8 pixels in
    nhwc against 798 at batch 2 with three replicas. Norms made of several operations have nchw at every size:
    in nhwc torch adds up the gradient of a value per channel in an order that depends on the pack.

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
    if pixels <= TINY or norm in ("bn", "ln"):
        return "nhwc"
    if norm == "in" or TorchVersion(torch.__version__) < _FAST_IN_NHWC:
        return "nchw"
    return "nchw" if pixels <= _ALONE and vendor() == "AuthenticAMD" else "nhwc"
