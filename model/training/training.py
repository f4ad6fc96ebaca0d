"""Training R seeds of one cell, an epoch at a time.

State is weights, what the optimiser remembers of them (`Update.keeps`) and buffers (batch norm's running
statistics), per replica, and within an epoch its sums so far; nothing else. The order of images, the crops,
the learning rate and the count of steps follow from (seed, epoch, step), so a run cut after any epoch, or
left within one (`leave`), goes on, in any pack, as if nothing had happened.

On a CPU that holds to the last bit in float32, on the same processor with the same torch and number of
threads: layout, convolution and how many images are evaluated at once are chosen by the cell alone, and
sums have an order that the number of replicas does not change (`model.net.ordered`, `epoch.Tally`,
`Step.update`). A GPU repeats to rounding.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from model.data import augment
from model.data.dataset import Dataset
from model.errors import InputError
from model.kernels import Kernels, by_rule
from model.net import replicas
from model.net.build import network
from model.net.convolution import (
    CONVOLUTIONS,
    Convolution,
    convolve,
    default_convolution,
    why_not_triton,
)
from model.net.examine import why_alone
from model.net.network import ReplicaNetwork
from model.net.norms.layer import know_length
from model.net.transfer import taken_over
from model.precision import Precision, checked, refuse_elsewhere
from model.recipe import RECIPES
from model.spec import Spec
from model.streams import MAX_STREAMS, POOL, exclusive
from model.training import backend, heap
from model.training.backend import arithmetic, convolutions
from model.training.epoch import GraphedEpoch, Leave, LoopedEpoch, Source, Tally, never
from model.training.graphs import CudaGraphs
from model.training.layout import MEMORY_FORMATS, Layout, default_layout
from model.training.step import Step

#: Images that are evaluated at once: on a CPU of each replica, whatever the pack; on a GPU of all together.
EVAL_IMAGES_EACH, EVAL_IMAGES = 100, 5000


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch of one replica. Errors in percent; NaN where the replica has diverged.

    `train_loss` and `train_error` are means over the epoch's batches as they were trained on, the
    weights changing meanwhile, against the labels that are learnt, wrong ones among them. Exactly one of
    `test_error` and `val_error` is set.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_error: float
    test_error: float | None
    val_error: float | None


class LeftWithin(Exception):
    """An epoch was left between two steps; `state` has all that it needs to be gone on with."""


class Training:
    """R replicas in training: seeds of one cell, or of cells that differ in per-replica axes alone.

    `spec`: of all, or one for each of `seeds`.
    `dtype`: tests take float64. `layout`: of activations in memory; None takes the faster one as far as is
    known (`default_layout`). `kernels`: whose a GPU uses, where they can be used; None follows the rule
    (`default_convolution`). `leave`: asked whether to leave an epoch that is under way. For tests and
    benchmarks: `convolution`, one of CONVOLUTIONS, overrules `kernels`; `make_step` makes another kind of
    `Step`, `graphs` captures otherwise than a GPU does by default, and without `search` cuDNN takes its own
    first choice of kernels.

    Raises InputError where the training set holds less than one batch or the device has not the precision of
    the cell, torch.OutOfMemoryError on a GPU that is too small for the pack. On a GPU, packs may train in
    threads of one process.
    """

    def __init__(
        self,
        spec: Spec | Sequence[Spec],
        seeds: Sequence[int],
        data: Dataset,
        device: torch.device | str = "cpu",
        *,
        dtype: torch.dtype = torch.float32,
        layout: Layout | None = None,
        kernels: Kernels | None = None,
        convolution: Convolution | None = None,
        make_step: Callable[..., Step] = Step,
        graphs: CudaGraphs | None = None,
        search: bool = True,
        leave: Leave = never,
    ) -> None:
        self.device = torch.device(device)
        if self.device.type == "cpu":
            heap.keep()
        self.specs = (spec,) * len(seeds) if isinstance(spec, Spec) else tuple(spec)
        spec = _common(self.specs, seeds)
        _check(spec, data, self.device, convolution)
        if spec.augment == "none":
            data = replace(data, info=replace(data.info, flip=False, pad=0), pad=0)
        self.spec, self.seeds, self.data = spec, tuple(seeds), data
        self.recipe = RECIPES[spec.recipe]
        self._available = len(data.train_labels) + spec.holdout
        self.epoch, self.steps = 0, 0  # whole epochs that lie behind, and of the next one its steps
        self._search, self._leave = search, leave
        self.total_epochs = spec.total_epochs(self._available)
        self._pixels = pixels = spec.batch_size * data.info.height * data.info.width
        self._precision = precision = checked(spec.precision)
        self._wanted = kernels or by_rule(pixels)
        self.convolution = convolution or _convolution(self.device, dtype, precision, pixels, kernels)
        default = default_layout(self.device, precision, spec.norm, pixels, self.convolution)
        self.layout: Layout = layout or default
        self._stream = _stream(self.device, self)
        apart = kernels == "aside" and self.convolution == "triton"
        self.net = self._network(dtype, _aside(self.device, self) if apart else None)
        self._source = Source(data, self.device, dtype, MEMORY_FORMATS[self.layout])
        self._tally = Tally(len(self.seeds), self.device)
        self.step = make_step(self.net, self.specs)
        self.loop = self._make_loop(graphs)

    def _network(self, dtype: torch.dtype, aside: torch.cuda.Stream | None) -> ReplicaNetwork:
        net = network(
            self.spec,
            self.data.info,
            self.seeds,
            zero_gamma=self.spec.zero_gamma,
            together=why_alone(self.spec, self.data.info) is None,
        )
        know_length(net, self.spec.total_steps(self._available))
        function = convolve(self.convolution, MEMORY_FORMATS[self.layout], self._precision, aside)
        net.compute_by(function, fused=self.convolution == "triton", precision=self._precision)
        return net.to(self.device, dtype, memory_format=MEMORY_FORMATS[self.layout])  # type: ignore[call-overload, no-any-return]

    @property
    def kernels(self) -> str:
        """What computes: beside torch, device, processor and threads the last bits depend on it."""
        return f"{self.layout}, {self.convolution} convolutions{backend.kernels(self.device, self._pixels)}"

    @property
    def lacks(self) -> str | None:
        """Why our kernels cannot be used on this GPU, where they were to be; else None."""
        if self.device.type != "cuda" or self.convolution == "triton" or self._wanted == "torch":
            return None
        return why_not_triton(self.device, self._precision)

    def _make_loop(self, graphs: CudaGraphs | None) -> LoopedEpoch | GraphedEpoch:
        if self._stream is None and graphs is None:
            return LoopedEpoch(self.step, self._source, self._tally)
        steps = self.spec.steps_per_epoch(self._available)
        return GraphedEpoch(self.step, self._source, self._tally, steps, graphs, search=self._search)

    # -- an epoch ----------------------------------------------------------------------------------

    def run_epoch(self) -> list[EpochMetrics]:
        """Train one epoch, or what is left of it, then evaluate on the whole evaluation set. One entry per
        seed, in order.

        Raises LeftWithin where it was left before its end.
        """
        if self.epoch >= self.total_epochs:
            raise RuntimeError(f"all {self.total_epochs} epochs are trained")
        lrs = self._learning_rates()
        with self._on_device():
            self.steps += self._train(lrs, self.steps, self._leave)
            if self.steps < len(lrs):
                raise LeftWithin
            figures = torch.cat([self._means(len(lrs)), self._evaluate()[None]])
            losses, wrong, errors = self._read(figures)  # the epoch's one wait for the device
        self.epoch, self.steps = self.epoch + 1, 0
        rates = self._by_replica(lrs[-1])
        return [
            EpochMetrics(
                epoch=self.epoch,
                learning_rate=rate,
                train_loss=loss,
                train_error=train_error,
                test_error=error if self.data.which == "test" else None,
                val_error=error if self.data.which == "validation" else None,
            )
            for rate, loss, train_error, error in zip(rates, losses, wrong, errors, strict=True)
        ]

    def train_steps(self, steps: int) -> None:
        """Train the first `steps` steps of the epoch at hand, and count none of them: for timing alone."""
        with self._on_device():
            self._read(self._means(self._train(self._learning_rates()[:steps])))

    def trace(self, steps: int) -> int:
        """So many of the steps that were trained last once more, each kernel launched by itself, for a
        profiler; gives how many. On a GPU after a first `train_steps`, on a CPU any steps."""
        if isinstance(self.loop, LoopedEpoch):
            self.train_steps(steps)
            return steps
        with self._on_device():
            self.net.train()
            self.loop.trace(steps)
        return steps

    def evaluate(self) -> list[float]:
        """Error of each replica on the whole evaluation set as it now is, in percent."""
        with self._on_device():
            errors: list[float] = self._read(self._evaluate())
            return errors

    def _by_replica(self, of_groups: Sequence[float]) -> list[float]:
        """What the groups of the step have, for each replica."""
        pairs = zip(self.step.groups, of_groups, strict=True)
        values = {number: value for group, value in pairs for number in group.replicas}
        return [values[number] for number in range(len(self.seeds))]

    def steps_in(self, epoch: int) -> int:
        """Steps of an epoch, which are counted from 1."""
        return self.spec.steps_in_epoch(epoch, self._available)

    def _learning_rates(self) -> list[tuple[float, ...]]:
        """The learning rate of each group in each step of the epoch at hand."""
        first = self.epoch * self.spec.steps_per_epoch(self._available)
        total = self.spec.total_steps(self._available)
        steps = range(first, first + self.steps_in(self.epoch + 1))
        rates = [self._rates(group.spec, steps, total) for group in self.step.groups]
        return list(zip(*rates, strict=True))

    def _rates(self, spec: Spec, steps: range, total: int) -> list[float]:
        return self.recipe.learning_rates(
            steps,
            total,
            spec.batch_size,
            lr=spec.lr,
            scaling=spec.lr_scaling,
            schedule=spec.schedule,
            warmup=spec.warmup_epochs * spec.steps_per_epoch(self._available),
        )

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """On a GPU, this pack's own stream, begun after and waited for before anything outside it."""
        if self._stream is None:
            yield
            return
        self._stream.wait_stream(torch.cuda.current_stream(self.device))
        try:
            with torch.cuda.device(self.device), torch.cuda.stream(self._stream):
                yield
        finally:  # after an error too: memory that is freed now must not be in use
            self._stream.synchronize()

    def _read(self, figures: Tensor) -> Any:
        """The figures as lists. Waits by an event that lets the thread sleep: others need its core."""
        if self._stream is not None:
            done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
            done.record(self._stream)
            done.synchronize()
        return figures.tolist()

    def _train(self, lrs: Sequence[Sequence[float]], first: int = 0, leave: Leave = never) -> int:
        """The steps of an epoch from `first` on; gives how many of them are done."""
        batch, steps = self.spec.batch_size, len(lrs)
        order = augment.draw(self.data, self.seeds, self.epoch + 1, steps, batch, device=self.device)
        self.net.train()
        if not first:
            self._tally.clear()
        self.step.optimizer.start_at(self.epoch * self.spec.steps_per_epoch(self._available) + first)
        with convolutions(self.device, self._pixels):
            return self.loop.run(order.part(first, steps), lrs[first:], self._rehearse, leave)

    def _means(self, steps: int) -> Tensor:
        """Mean loss and error in percent over so many steps, float64 [2, R] on the device."""
        errors = self._tally.wrong.double() / (steps * self.spec.batch_size) * 100
        losses = self._tally.loss / steps
        figures = torch.stack([losses, errors])
        return figures.where(losses.isfinite(), float("nan"))

    @torch.no_grad()
    def _evaluate(self) -> Tensor:
        """Error on the whole evaluation set, never augmented, in percent; float64 [R] on the device."""
        self.net.eval()
        source = self._source
        wrong = torch.zeros(len(self.seeds), dtype=torch.int64, device=self.device)
        finite = torch.ones(len(self.seeds), dtype=torch.bool, device=self.device)
        with self._arithmetic():
            for part in self._eval_parts():
                logits = self._eval_logits(part)
                wrong += (logits.argmax(2) != source.eval_labels[part]).sum(1)
                finite &= logits.isfinite().flatten(1).all(1)
        errors = wrong.double() / len(source.eval_labels) * 100
        return errors.where(finite, float("nan"))

    def _arithmetic(self) -> AbstractContextManager[None]:
        return arithmetic(self._precision, search=self._search)

    def _eval_parts(self) -> list[slice]:
        """What is evaluated at once."""
        count = len(self._source.eval_labels)
        size = EVAL_IMAGES_EACH if self.device.type == "cpu" else max(1, EVAL_IMAGES // len(self.seeds))
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def _eval_logits(self, part: slice) -> Tensor:
        images = self._source.standardise(self._source.eval_images[part]).repeat(1, len(self.seeds), 1, 1)
        return self.net(images.contiguous(memory_format=self._source.layout))

    @torch.no_grad()
    def _rehearse(self) -> None:
        """A batch of each size that evaluation has, for nothing: cuDNN searches for kernels at the first."""
        self.net.eval()
        for part in {part.stop - part.start: part for part in self._eval_parts()}.values():
            self._eval_logits(part)
        self.net.train()

    # -- state -------------------------------------------------------------------------------------

    def state(self) -> list[dict[str, Any]]:
        """Per seed what `load_state` needs: CPU tensors and ints, copies, safe to keep.

        Within an epoch also `step`, how many of its steps are done, and `tally`, its sums over them.
        """
        parts = {
            name: replicas.unstack(tensors, len(self.seeds))
            for name, tensors in self._tensors(within=self.steps > 0).items()
        }
        place = {"epoch": self.epoch, **({"step": self.steps} if self.steps else {})}
        return [
            {**place, **{name: of_each[r] for name, of_each in parts.items()}} for r in range(len(self.seeds))
        ]

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from states of the same epoch and step, one per seed in order, out of any earlier packs.

        Raises ValueError where they do not belong together or to this cell.
        """
        places = {(int(state["epoch"]), int(state.get("step", 0))) for state in states}
        if len(states) != len(self.seeds) or len(places) != 1:
            raise ValueError(
                f"{len(states)} states of epochs and steps {sorted(places)} for {len(self.seeds)} replicas"
            )
        ((epoch, steps),) = places
        for name, tensors in self._tensors(within=steps > 0).items():
            if any(name not in state for state in states):
                raise ValueError(f"no {name} in a state: it is another optimiser's")
            replicas.stack(tensors, [state[name] for state in states])
        self.epoch, self.steps = epoch, steps

    def start_from(self, parents: Sequence[Mapping[str, Tensor]]) -> None:
        """Begin at the final weights of other trials, one per seed in order, by the rule of
        `model.net.transfer`; momentum and schedule begin as they are.

        Raises MisfitError where they are of another network, RuntimeError after a step.
        """
        if self.epoch or self.steps:
            raise RuntimeError(f"{self.epoch} epochs and {self.steps} steps are trained already")
        states, norms, classes = self.state(), self.net.norms(), len(self.data.info.classes)
        for state, parent in zip(states, parents, strict=True):
            weights, statistics = state["weights"], state["statistics"]
            taken = taken_over(parent, weights, statistics, norms, classes)
            for part in (weights, statistics):
                part |= {name: tensor for name, tensor in taken.items() if name in part}
        self.load_state(states)

    def weights(self) -> list[dict[str, Tensor]]:
        """Per seed, weights and buffers under the names and shapes of `model.bench.reference`."""
        return [{**state["weights"], **state["statistics"]} for state in self.state()]

    def _tensors(self, *, within: bool) -> dict[str, dict[str, Tensor]]:
        """All that a state has, by its name; `within`: of one that is left in an epoch."""
        weights: dict[str, Tensor] = dict(self.net.named_parameters())
        moments = {
            kind: dict(zip(weights, tensors, strict=True)) for kind, tensors in self.step.moments.items()
        }
        sums = {"tally": {"loss": self._tally.loss, "wrong": self._tally.wrong}} if within else {}
        return {"weights": weights, **moments, "statistics": dict(self.net.named_buffers()), **sums}


def _common(specs: Sequence[Spec], seeds: Sequence[int]) -> Spec:
    """What the replicas share. Raises ValueError where they are of different networks."""
    if len(specs) != len(seeds) or len({spec.shared for spec in specs}) != 1:
        raise ValueError(
            f"{len(specs)} specs for {len(seeds)} replicas, of {len({s.shared for s in specs})} networks"
        )
    return specs[0]


def _check(spec: Spec, data: Dataset, device: torch.device, convolution: str | None) -> None:
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {device}: there is no CUDA device here; use cpu")
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    refuse_elsewhere(spec.precision, device.type, capability)
    if spec.train_size not in (None, len(data.train_labels)):
        raise ValueError(f"{len(data.train_labels)} training images for a cell of {spec.train_size}")
    if spec.batch_size > len(data.train_labels):
        raise InputError(
            f"a batch of {spec.batch_size} is larger than the training set of {data.info.name}, "
            f"{len(data.train_labels)} images; choose a smaller batch size"
        )
    size = len(data.train_labels) + spec.holdout
    if spec.warmup_epochs * spec.steps_per_epoch(size) >= spec.total_steps(size):
        raise InputError(
            f"warmup_epochs: {spec.warmup_epochs} are all of the {spec.total_steps(size)} steps; "
            "choose fewer, or train longer"
        )
    if convolution is not None and convolution not in CONVOLUTIONS:
        raise InputError(f"convolution {convolution!r}; expected one of {', '.join(CONVOLUTIONS)}")


def _convolution(
    device: torch.device, dtype: torch.dtype, precision: Precision, pixels: int, kernels: Kernels | None
) -> Convolution:
    # Triton launches on the thread's device, wherever the tensors are: another one's memory ends CUDA.
    there = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    with exclusive(), there:  # it may compile, and waits for the device
        return default_convolution(device, dtype, precision, pixels, kernels)


def _stream(device: torch.device, owner: Training) -> torch.cuda.Stream | None:
    """A stream that no other pack has."""
    if device.type != "cuda":
        return None
    stream = POOL.take(device, owner)
    if stream is None:
        raise InputError(f"more than {MAX_STREAMS} packs at once on {device}; give each a larger share of it")
    return stream


def _aside(device: torch.device, owner: Training) -> torch.cuda.Stream | None:
    """A second one for what may run beside the first; None where all are lent: it computes nothing else."""
    return POOL.take(device, owner) if device.type == "cuda" else None
