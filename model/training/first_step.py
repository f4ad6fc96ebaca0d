"""The first step of a cell's network, tried on noise in the shape of its data before anything trains.

What a norm is given, and what it makes of it, depends on the network that it stands in and on the images: a
map that is one pixel by the last stage has no variance within an image, and a user's norm that is right on
the activations that it was examined on (`model.net.norms.examine`) may fail on those of a narrower map. So
the network itself takes one step here, of as few images as are enough.
"""

import functools
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.errors import InputError, summary
from model.net.build import network
from model.net.examine import OF_THE_NETWORK
from model.net.network import Images, ReplicaNetwork
from model.net.norms.evonorm import EvoNormB0, EvoNormS0
from model.net.norms.group import GroupNorm
from model.net.norms.layer import BatchStatistics
from model.net.norms.own import fault
from model.net.studied import Norm
from model.own import is_own, short_name, source_file, where
from model.randomness import drawing_from
from model.spec import Spec

#: More images show nothing that two do not: one is what batch statistics may not have.
_IMAGES = 2


class OneValue(NamedTuple):
    """A variance would be of a single value, so 0 whatever the images are. `place`: where, in words, and
    `remedy`: what may be changed."""

    place: str
    remedy: str


class _OneValueError(Exception):
    def __init__(self, found: OneValue) -> None:
        super().__init__(found.place)
        self.found = found


def try_first_step(spec: Spec, images: Images) -> OneValue | None:
    """Where a variance would be of one value in a cell's network on such images; None where in none.

    Raises InputError for whatever else keeps it from taking a step. Networks and norms that ship are tried
    only where something can be wrong with them.
    """
    if not _in_doubt(spec, images):
        return None
    of_it: Any = {name: getattr(spec, name) for name in OF_THE_NETWORK}
    batch_size = min(spec.batch_size, _IMAGES)
    if (spec.norm_batch or batch_size) >= batch_size:
        of_it["norm_batch"] = None
    return _try(Spec(**of_it, batch_size=batch_size, epochs=1), images)


def _in_doubt(spec: Spec, images: Images) -> bool:
    own = is_own(spec.norm) or is_own(spec.model)
    one_value = spec.norm == "in" or 1 in {spec.batch_size, spec.norm_batch}
    return own or one_value or min(images.height, images.width) == 1


@functools.cache  # a plan asks for every cell, and many have one network
def _try(spec: Spec, images: Images) -> OneValue | None:
    with drawing_from(0):
        net = network(spec, images, [1], zero_gamma=spec.zero_gamma, together=False).train()
        watch = _Watch(spec, images, net)
        x = torch.randn(spec.batch_size, images.channels, images.height, images.width)
        try:
            out = net(x)[0]
        except _OneValueError as error:
            return error.found
        except Exception as error:  # whatever a user's module, or torch, raises
            raise watch.raised(error) from None
        if out.shape != (expected := (spec.batch_size, len(images.classes))):
            raise watch.error(f"gives {list(out.shape)}; expected logits {list(expected)}")
        if is_own(spec.norm) or is_own(spec.model):
            loss = F.cross_entropy(out, torch.arange(spec.batch_size) % len(images.classes))
            _hold_finite(watch, loss, dict(net.named_parameters()))
    return None


def _hold_finite(watch: "_Watch", loss: Tensor, named: dict[str, Tensor]) -> None:
    """Raises InputError where the loss or a gradient is not finite."""
    grads = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    wrong = [name for name, grad in zip(named, grads, strict=True) if grad is not None and not _finite(grad)]
    if not loss.isfinite():
        raise watch.error("makes the loss of the first step NaN or infinite")
    if wrong:
        raise watch.error(f"gives {wrong[0]} a gradient that is NaN or infinite at the first step")


class _Watch:
    """Looks at every norm of a network while it runs: what it is given, and what it makes of it."""

    def __init__(self, spec: Spec, images: Images, net: ReplicaNetwork) -> None:
        self._spec = spec
        self._size = f"images of {images.height}×{images.width}"
        #: The shape that a norm is working on, while it is.
        self._given: torch.Size | None = None
        for norm in net.norms().values():
            layer = norm.layer if isinstance(norm, Norm) else norm
            layer.register_forward_pre_hook(self._before)
            layer.register_forward_hook(self._after)

    def _before(self, layer: nn.Module, given: tuple[Tensor]) -> None:
        (x,) = given
        if values_of_a_variance(layer, x.shape) == 1:
            raise _OneValueError(self._one_value(layer, x.shape))
        self._given = x.shape

    def _after(self, layer: nn.Module, given: tuple[Tensor], out: object) -> None:
        self._given = None
        if not is_own(self._spec.norm):
            return
        shape = list(given[0].shape)
        if not isinstance(out, Tensor) or out.shape != given[0].shape:
            got = list(out.shape) if isinstance(out, Tensor) else f"a {type(out).__name__}"
            raise self._of_the_norm(f"makes {got} of activations {shape}; a norm keeps the shape")
        if out.dtype != given[0].dtype:
            raise self._of_the_norm(
                f"makes {out.dtype} of activations in {given[0].dtype}; a norm keeps the type"
            )
        if _finite(given[0]) and not _finite(out):
            raise self._of_the_norm(f"gives NaN or infinity for activations {shape}")

    def _one_value(self, layer: nn.Module, shape: torch.Size) -> OneValue:
        height, width = shape[2:]
        place = f"maps of {short_name(self._spec.model)} become {height}×{width} on {self._size}"
        if isinstance(layer, BatchStatistics):
            return OneValue(place, "share statistics between two images or more (batch_size, norm_batch)")
        return OneValue(place, "take a norm over several channels (ln, or gn with a smaller G)")

    def raised(self, error: Exception) -> InputError:
        """What a user is told of an error within the network."""
        if isinstance(error, InputError):
            return error
        if self._given is not None and is_own(self._spec.norm):
            return self._of_the_norm(
                f"does not take activations {list(self._given)}: {summary(error)}", error
            )
        return self.error(f"cannot take a step: {summary(error)}", error)

    def error(self, problem: str, error: Exception | None = None) -> InputError:
        """Of the network with its norm, which of the two is to blame not being known."""
        name = short_name(self._spec.model)
        if is_own(self._spec.model):
            file = source_file(self._spec.model)
            name = f"{where(error, file) if error else file}: {name}"
        norm, batch = short_name(self._spec.norm), self._spec.batch_size
        return InputError(f"{name} with norm {norm}, on a batch of {batch} and {self._size}, {problem}")

    def _of_the_norm(self, problem: str, error: Exception | None = None) -> InputError:
        return fault(self._spec.norm, f"in {short_name(self._spec.model)} on {self._size} {problem}", error)


def values_of_a_variance(layer: nn.Module, shape: torch.Size) -> int | None:
    """Of how many values a norm takes each variance in training; None where it takes none.

    `shape`: [N, R·C, H, W] of its activations.
    """
    images, channels, height, width = shape
    if isinstance(layer, EvoNormB0 | EvoNormS0) and not layer.activates:
        return None
    if isinstance(layer, BatchStatistics):
        of = layer.settings
        images = min(images, of.norm_batch or images)
        return images * (of.channels // of.groups if of.groups else 1) * height * width
    if isinstance(layer, GroupNorm | EvoNormS0):
        return channels // layer.all_groups * height * width
    return None


def _finite(tensor: Tensor) -> bool:
    return bool(tensor.isfinite().all())
