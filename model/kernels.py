"""Whose kernels compute a step on a GPU: what can be chosen, and what is taken where nobody has chosen."""

from typing import Literal, get_args

#: Kernels of ours, where they can be used (`model.net.convolution_kernels`); the same with weights' gradients
#: on a stream of their own, which changes no bit (`model.net.aside`); torch's, which are cuDNN's.
Kernels = Literal["ours", "aside", "torch"]
KERNELS: tuple[Kernels, ...] = get_args(Kernels)

#: Up to so many pixels of a replica's batch our kernels were measured, and won: a step of five replicas of
#: ResNet-20 on 32×32 pixels, H200, torch 2.11, cuDNN 9.19, with norms in kernels of ours too, against
#: cuDNN's, in ms: batch 2 BN 0.77 and 1.88, GN 0.76 and 2.10; batch 32 BN 3.09 and 4.83, GN 2.85 and 5.21.
#: In TF32 and bf16 ours were not measured: they have the same kernels with a third of the products.
TRITON_PIXELS = 32 * 32 * 32
#: How many times as fast others have to be, where they are timed, to be taken instead of the rule's.
WORTH = 1.05


def by_rule(pixels: int) -> Kernels:
    """The faster ones as far as was measured, for a batch of so many pixels of one replica."""
    return "ours" if pixels <= TRITON_PIXELS else "torch"


def named(said: object) -> Kernels | None:
    """Those that a GPU's result names, in the words of `Training.kernels`; None where it names none."""
    words = said.split() if isinstance(said, str) else []
    return "ours" if "triton" in words else "torch" if "grouped" in words else None
