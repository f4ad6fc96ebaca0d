"""Which parameters of a module that a user brings could not be trained."""

from torch import nn
from torch.nn.parameter import is_lazy


def why_untrainable(parameter: nn.Parameter) -> str | None:
    """For a message, after the parameter's name; None where it can be trained."""
    lazy: bool = is_lazy(parameter)
    if lazy:
        return "is of a Lazy layer, which draws its weights when images first come; give that layer its size"
    if not parameter.requires_grad:
        return "asks for no gradient, so it would never be trained; keep it as a buffer (register_buffer)"
    return None
