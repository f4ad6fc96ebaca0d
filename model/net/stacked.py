"""R replicas of an ordinary module, written for one: how a network that knows no replicas trains in packs.

`torch.func.vmap` runs the module's own code once, on tensors that have a replica axis which the code does not
see. Its convolutions with different weights for each replica are then grouped ones on [N, R·C, H, W], its
linear layers batched products: what `model.net.resnet` is by hand. Two things go round vmap and see all
replicas: the layer under study, which is made for them (`model.net.studied`), and convolutions, whose kernels
are chosen (`model.net.operations`). In bf16 torch's autocast tells which operations are products; those two
leave it.

That packs equal solo runs is not taken on trust: networks that ship are held to it by tests, a user's own
before its first trial (`model.net.examine`). What vmap cannot take trains alone, without it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from model.net.convolution import Convolve, grouped
from model.net.network import ReplicaNetwork
from model.net.operations import Operations
from model.net.studied import Norm
from model.precision import Precision


class Stacked(ReplicaNetwork):
    """R modules of the same shape as one.

    `replicas`: one each, with norms of one replica, whose tensors are taken. `template`: another one, whose
    norms have all of them. `classes`: how many logits they give.

    Its tensors have the module's own names. With `together` False there is one replica, in `template`, and
    its module is called as it is. Raises ValueError where the modules differ in their tensors.
    """

    def __init__(
        self, template: nn.Module, replicas: Sequence[nn.Module], *, classes: int, together: bool
    ) -> None:
        super().__init__()
        if not together and len(replicas) != 1:
            raise ValueError("this network trains one replica at a time")
        self.replicas, self.classes, self.together = len(replicas), classes, together
        self._operations = Operations(grouped, together)
        self.precision: Precision = "fp32"
        self.shapes: dict[str, torch.Size] = {}
        self.template = template
        with torch.no_grad():
            for kind in ("_parameters", "_buffers"):
                self._take(kind, replicas)

    def _take(self, kind: str, replicas: Sequence[nn.Module]) -> None:
        """The modules' tensors, stacked, into the template; a tensor with two names stays one."""
        taken: dict[int, Tensor] = {}
        others = [dict(replica.named_modules()) for replica in replicas]
        within = self.norms()
        for place, module in self.template.named_modules():
            studied = any(place == norm or place.startswith(f"{norm}.") for norm in within)
            for name, tensor in getattr(module, kind).items():
                if tensor is None:
                    continue
                path = f"{place}.{name}" if place else name
                parts = [getattr(other[place], kind)[name] for other in others]
                if not studied:
                    self.shapes[path] = parts[0].shape
                if id(tensor) not in taken:
                    whole = torch.cat([part if part.dim() else part[None] for part in parts])
                    taken[id(tensor)] = nn.Parameter(whole) if kind == "_parameters" else whole
                getattr(module, kind)[name] = taken[id(tensor)]

    def named_parameters(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, nn.Parameter]]:
        return self.template.named_parameters(*args, **kwargs)

    def named_buffers(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, Tensor]]:
        return self.template.named_buffers(*args, **kwargs)

    def compute_by(self, function: Convolve, *, fused: bool = False, precision: Precision = "fp32") -> None:
        super().compute_by(function, fused=fused, precision=precision)
        self.precision = precision
        self._operations = Operations(function, self.together)

    def norms(self) -> dict[str, nn.Module]:
        return {name: module for name, module in self.template.named_modules() if isinstance(module, Norm)}

    def classifying(self) -> nn.Module | None:
        """The last layer, in the order in which the module names them, with weights for each class."""
        studied = {id(part) for norm in self.norms().values() for part in norm.modules()}
        rows = self.replicas * self.classes
        found = None
        for module in self.template.modules():
            weight = getattr(module, "weight", None)
            matrix = isinstance(weight, Tensor) and weight.dim() > 1 and len(weight) == rows
            found = module if matrix and id(module) not in studied else found
        return found

    def forward(self, x: Tensor) -> Tensor:
        """The logits are float32 or wider."""
        if self.precision != "bf16":
            return self._logits(x)
        # no cache of cast weights: within a CUDA graph it would outlive the step that made it
        with torch.autocast(x.device.type, torch.bfloat16, cache_enabled=False):
            return self._logits(x).float()

    def _logits(self, x: Tensor) -> Tensor:
        with self._operations:
            if not self.together:
                alone: Tensor = self.template(x)
                return alone[None]
            tensors = {
                path: self._tensor(path).view(self.replicas, *shape) for path, shape in self.shapes.items()
            }
            images = x.view(len(x), self.replicas, -1, *x.shape[2:])
            out: Tensor = vmap(self._one, in_dims=(0, 1))(tensors, images)
            return out

    def _one(self, tensors: Mapping[str, Tensor], x: Tensor) -> Tensor:
        # what is tied has all its paths in `tensors`; torch's own search for them fails where a module is
        # registered twice
        out: Tensor = functional_call(self.template, dict(tensors), (x,), tie_weights=False)
        return out

    def _tensor(self, path: str) -> Tensor:
        place, _, name = path.rpartition(".")
        found: Tensor = getattr(self.template.get_submodule(place), name)
        return found
