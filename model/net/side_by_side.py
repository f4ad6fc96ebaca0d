"""A pack held against its replicas alone, for what a user brings: when are two tensors the same?"""

import torch
from torch import Tensor


class DifferentError(Exception):
    """In words, what differs."""


def hold(here: Tensor, there: Tensor, what: str) -> None:
    """Raises DifferentError, which names `what`, where two tensors differ by more than rounding."""
    try:
        torch.testing.assert_close(here, there)
    except AssertionError:
        raise DifferentError(f"{what} is another") from None


def gradient(tensor: Tensor) -> Tensor:
    """What was passed back to a tensor; zeros where nothing was."""
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
