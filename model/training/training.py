"""Training R seeds of one cell, an epoch at a time: what is state, and what can be derived?

State is weights, momentum and running statistics, per replica; nothing else. The order of images, the
crops and the learning rate follow from (seed, epoch, step), so a run cut after any epoch goes on, in
any pack, as if nothing had happened, on a CPU to the last bit where the pack stays the same.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from model import streams
from model.data import augment
from model.data.dataset import Dataset
from model.errors import InputError
from model.net import replicas
from model.net.convolution import Convolution, usual
from model.net.init import initialise
from model.net.resnet import ResNet
from model.recipe import RECIPES
from model.spec import Spec
from model.training.backend import TINY, arithmetic, convolutions
from model.training.epoch import GraphedEpoch, LoopedEpoch, Source, Tally
from model.training.step import Precision, Step

#: Images of all replicas that are evaluated at once.
EVAL_IMAGES = {"cpu": 500, "cuda": 5000}

Layout = Literal["nhwc", "nchw"]
#: Measured: 2.11 is slow and 2.15 is not; versions in between count as slow.
_FAST_NHWC_GROUP_NORM = tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 15)
_LAYOUTS = {"nhwc": torch.channels_last, "nchw": torch.contiguous_format}


def default_layout(
    device: torch.device,
    precision: Precision,
    norm: str,
    replicas: int,
    pixels: int,
    convolution: Convolution = "grouped",
) -> Layout:
    """The faster layout as far as is known; `pixels`: of a batch of all replicas.

    nhwc on a CPU: oneDNN's convolutions take it as it is, where nchw is reordered and back (16 maps of
    32×32 pixels, batch 32, forward and backward: 2.1 against 2.8 ms on one core, torch 2.15).

    But nchw for norms in groups of channels where torch's kernels make up for that: with several
    replicas (torch 2.15, ratio to the plain loop at batch 16, 8, 4, 2 with 2, 4, 5, 5 replicas: nchw
    1.15, 1.33, 1.64, 1.98, nhwc 1.10, 1.29, 1.60, 1.92; with one replica nhwc was ahead), and always with
    older versions, whose nhwc kernels are slow (torch 2.11: 587 against 293 images a second at batch 32).
    Never where torch's own convolutions are used (`backend`): 1,238 images a second of 8×8 pixels
    in nhwc against 798 at batch 2 with three replicas.

    On a GPU nhwc for BN where tensor cores compute, else nchw, which torch's CUDA group norm turns
    everything into. That is an expectation, not a measurement: `model.bench --compare` tells. Batched
    products (`matmul`) are nhwc by construction.
    """
    if convolution == "matmul":
        return "nhwc"
    if convolution == "triton":
        return "nchw"
    if device.type == "cuda":
        return "nhwc" if precision != "fp32" and norm == "bn" else "nchw"
    by_group = norm != "bn" and pixels > TINY
    return "nchw" if by_group and (replicas > 1 or not _FAST_NHWC_GROUP_NORM) else "nhwc"


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch of one replica. Errors in percent; NaN where the replica has diverged.

    `train_loss` and `train_error` are means over the epoch's batches as they were trained on, the
    weights changing meanwhile. Exactly one of `test_error` and `val_error` is set.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_error: float
    test_error: float | None
    val_error: float | None


class Training:
    """R seeds of one cell in training.

    `precision`: "fp32", "tf32" or "bf16", see `step`; tests take `dtype` float64 instead. `layout`
    of activations in memory, "nhwc" or "nchw"; None takes the faster one as far as is known.
    `convolution`: see `model.net.convolution`, None takes its `usual`; `compiled`: by torch.compile, grouped
    only. Raises
    InputError where the training set holds less than one batch, torch.OutOfMemoryError on a GPU that is
    too small for the pack. On a GPU, packs may train in threads of one process.
    """

    def __init__(
        self,
        spec: Spec,
        seeds: Sequence[int],
        data: Dataset,
        device: torch.device | str = "cpu",
        *,
        dtype: torch.dtype = torch.float32,
        precision: Precision = "fp32",
        layout: Layout | None = None,
        convolution: Convolution | None = None,
        compiled: bool = False,
    ) -> None:
        if torch.device(device).type == "cuda" and not torch.cuda.is_available():
            raise InputError(f"device {device}: there is no CUDA device here; use cpu")
        self._size = len(data.train_labels) + spec.holdout
        if spec.batch_size > len(data.train_labels):
            raise InputError(
                f"a batch of {spec.batch_size} is larger than the training set of {data.info.name}, "
                f"{len(data.train_labels)} images; choose a smaller batch size"
            )
        self.spec, self.seeds, self.data = spec, tuple(seeds), data
        self.device, self.recipe = torch.device(device), RECIPES[spec.recipe]
        self.epoch = 0
        self.total_epochs = spec.total_epochs(self._size)
        net = ResNet(spec, data.info.channels, len(data.classes), len(self.seeds))
        initialise(net, self.seeds, self.recipe.zero_gamma)
        self._pixels = spec.batch_size * len(self.seeds) * data.info.height * data.info.width
        if convolution is None:
            with streams.alone():  # it may compile, and waits for the device
                places = spec.batch_size * data.info.height * data.info.width
                convolution = "grouped" if compiled else usual(self.device, dtype, places)
        self.convolution = convolution
        self.layout: Layout = layout or default_layout(
            self.device, precision, spec.norm, len(self.seeds), self._pixels, convolution
        )
        memory = _LAYOUTS[self.layout]
        self.net = net.to(self.device, dtype, memory_format=memory)  # type: ignore[call-overload]
        self._stream = _stream(self.device, self)
        self._source = Source(data, self.device, dtype, memory)
        self._tally = Tally(len(self.seeds), self.device)
        self._step = Step(self.net, self.recipe, precision, convolution=convolution, compiled=compiled)
        self._loop: LoopedEpoch | GraphedEpoch
        if self._stream is None:
            self._loop = LoopedEpoch(self._step, self._source, self._tally)
        else:
            steps = spec.steps_per_epoch(self._size)
            self._loop = GraphedEpoch(self._step, self._source, self._tally, steps)

    # -- an epoch ----------------------------------------------------------------------------------

    def run_epoch(self) -> list[EpochMetrics]:
        """Train one epoch, then evaluate on the whole evaluation set. One entry per seed, in order."""
        if self.epoch >= self.total_epochs:
            raise RuntimeError(f"all {self.total_epochs} epochs are trained")
        rates = self._rates()
        with self._on_device():
            figures = torch.cat([self._train(rates), self._evaluate()[None]])
            losses, wrong, errors = self._read(figures)  # the epoch's one wait for the device
        self.epoch += 1
        return [
            EpochMetrics(
                epoch=self.epoch,
                learning_rate=rates[-1],
                train_loss=loss,
                train_error=train_error,
                test_error=error if self.data.which == "test" else None,
                val_error=error if self.data.which == "validation" else None,
            )
            for loss, train_error, error in zip(losses, wrong, errors, strict=True)
        ]

    def train_steps(self, steps: int) -> None:
        """Train the first `steps` steps of the epoch at hand, and count none of them: for timing alone."""
        with self._on_device():
            self._read(self._train(self._rates()[:steps]))

    def trace(self, steps: int) -> int:
        """So many of the steps that were trained last once more, each kernel launched by itself, for a
        profiler; gives how many. On a GPU after a first `train_steps`, on a CPU any steps."""
        if isinstance(self._loop, LoopedEpoch):
            self.train_steps(steps)
            return steps
        with self._on_device():
            self.net.train()
            self._loop.trace(steps)
        return steps

    def evaluate(self) -> list[float]:
        """Error of each replica on the whole evaluation set as it now is, in percent."""
        with self._on_device():
            errors: list[float] = self._read(self._evaluate())
            return errors

    def _rates(self) -> list[float]:
        """The learning rate of each step of the epoch at hand."""
        first = self.epoch * self.spec.steps_per_epoch(self._size)
        total = self.spec.total_steps(self._size)
        steps = range(first, first + self.spec.steps_in_epoch(self.epoch + 1, self._size))
        return self.recipe.learning_rates(steps, total, self.spec.batch_size)

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """On a GPU, this pack's own stream, begun after and waited for before anything outside it."""
        with arithmetic(self._step.precision):
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

    def _train(self, rates: list[float]) -> Tensor:
        """Mean loss and error in percent over the steps of an epoch, float64 [2, R] on the device."""
        batch = self.spec.batch_size
        order = augment.draw(self.data, self.seeds, self.epoch + 1, len(rates), batch, device=self.device)
        self.net.train()
        self._tally.clear()
        with convolutions(self.device, self._pixels):
            self._loop.run(order, rates, self._rehearse)
        errors = self._tally.wrong.double() / (len(rates) * batch) * 100
        losses = self._tally.loss / len(rates)
        figures = torch.stack([losses, errors])
        return figures.where(losses.isfinite(), float("nan"))

    @torch.no_grad()
    def _evaluate(self) -> Tensor:
        """Error on the whole evaluation set, never augmented, in percent; float64 [R] on the device."""
        self.net.eval()
        source = self._source
        wrong = torch.zeros(len(self.seeds), dtype=torch.int64, device=self.device)
        finite = torch.ones(len(self.seeds), dtype=torch.bool, device=self.device)
        for part in self._eval_parts():
            logits = self._eval_logits(part)
            wrong += (logits.argmax(2) != source.eval_labels[part]).sum(1)
            finite &= logits.isfinite().flatten(1).all(1)
        errors = wrong.double() / len(source.eval_labels) * 100
        return errors.where(finite, float("nan"))

    def _eval_parts(self) -> list[slice]:
        """What is evaluated at once."""
        count = len(self._source.eval_labels)
        size = max(1, EVAL_IMAGES.get(self.device.type, 500) // len(self.seeds))
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def _eval_logits(self, part: slice) -> Tensor:
        images = self._source.standardise(self._source.eval_images[part]).repeat(1, len(self.seeds), 1, 1)
        return self._step.forward(images.contiguous(memory_format=self._source.layout))

    @torch.no_grad()
    def _rehearse(self) -> None:
        """A batch of each size that evaluation has, for nothing: cuDNN searches for kernels at the first."""
        self.net.eval()
        for part in {part.stop - part.start: part for part in self._eval_parts()}.values():
            self._eval_logits(part)
        self.net.train()

    # -- state -------------------------------------------------------------------------------------

    def state(self) -> list[dict[str, Any]]:
        """Per seed what `load_state` needs: CPU tensors and ints, copies, safe to keep."""
        parts = [replicas.cut(tensors, len(self.seeds)) for tensors in self._tensors()]
        return [
            {"epoch": self.epoch, "weights": w, "momentum": m, "statistics": s}
            for w, m, s in zip(*parts, strict=True)
        ]

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from states of the same epoch, one per seed in order, out of any earlier packs.

        Raises ValueError where they do not belong together or to this cell.
        """
        epochs = {int(state["epoch"]) for state in states}
        if len(states) != len(self.seeds) or len(epochs) != 1:
            raise ValueError(
                f"{len(states)} states of epochs {sorted(epochs)} for {len(self.seeds)} replicas"
            )
        for name, tensors in zip(("weights", "momentum", "statistics"), self._tensors(), strict=True):
            replicas.join(tensors, [state[name] for state in states])
        self.epoch = epochs.pop()

    def weights(self) -> list[dict[str, Tensor]]:
        """Per seed, weights and running statistics under the names and shapes of `model.bench.reference`."""
        return [{**state["weights"], **state["statistics"]} for state in self.state()]

    def _tensors(self) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
        weights: dict[str, Tensor] = dict(self.net.named_parameters())
        momentum = dict(zip(weights, self._step.momentum, strict=True))
        return weights, momentum, dict(self.net.named_buffers())


def _stream(device: torch.device, owner: Training) -> torch.cuda.Stream | None:
    """A stream that no other pack has."""
    if device.type != "cuda":
        return None
    stream = streams.take(device, owner)
    if stream is None:
        raise InputError(
            f"more than {streams.MOST} packs at once on {device}; give each a larger share of it"
        )
    return stream
