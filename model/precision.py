"""What the products of a network are computed in: an axis of a trial, because it changes its numbers.

`fp32`: float32 throughout, the default on every device: the study compares errors that differ by tenths of a
percent, small batches are bound by launches and memory and not by arithmetic, and only so do devices agree
to rounding. `tf32`: CUDA's matrix products and convolutions round their factors to 10 bits behind the point.
`bf16`: convolutions and linear layers round their factors to bfloat16 and add up in float32.

In all three, norms and their statistics, activations, additions, weights, what the optimiser remembers and
the loss are float32, so that norms that are compared differ in nothing else.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from model.errors import InputError

Precision = Literal["fp32", "tf32", "bf16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

#: Largest relative error of a factor that is rounded to nearest: 2 to the power of minus its significand's
#: bits (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 2.2).
UNIT_ROUNDOFF: Mapping[Precision, float] = {"fp32": 2.0**-24, "tf32": 2.0**-11, "bf16": 2.0**-8}
#: CUDA's compute capability from which a GPU has products of this precision.
_LEAST = (8, 0)


def checked(name: str) -> Precision:
    """The precision of this name. Raises InputError where there is none."""
    for precision in PRECISIONS:
        if name == precision:
            return precision
    raise InputError(f"precision {name!r}; expected one of {', '.join(PRECISIONS)}")


def refuse_elsewhere(precision: str, device: str, capability: tuple[int, int] | None = None) -> None:
    """Raises InputError where this device has no such products, and would give others under their name.

    `device`: "cpu", "cuda" or "cuda:N". `capability`: of the GPU, None where that is not known.
    """
    if precision == "tf32" and device == "cpu":
        raise InputError(
            "precision tf32: a CPU has no TF32, and would give float32 numbers under another name; choose "
            "fp32 or bf16, or train on a GPU"
        )
    if precision != "fp32" and capability is not None and capability < _LEAST:
        has, least = (".".join(map(str, of)) for of in (capability, _LEAST))
        raise InputError(
            f"precision {precision}: this GPU has compute capability {has}, and such products begin with "
            f"{least}; choose fp32"
        )
