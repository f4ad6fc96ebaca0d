"""How an epoch's steps reach the device: a loop on a CPU, replays of one captured step on a GPU.

On a CPU the cost is arithmetic and memory traffic: images are augmented and standardised in blocks that
stay in a core's cache, and a step is called with views of them.

On a GPU the cost at small batches is the host: hundreds of kernel launches a step, each dearer than its
kernel. So one step is captured in a CUDA graph and replayed. All that changes from step to step lies on
the device: the epoch's augmented images as uint8, its labels, its learning rates, and a counter that the
step itself advances. The host neither copies nor waits inside an epoch. Parameters, momentum and running
statistics are updated in place, so a graph stays good for the life of the pack, across epochs and
`load_state`. The graph has its own stream, and capture is local to its thread: packs of different
cells may train in threads of one process and share the GPU.

Both run the same `Step` on the same numbers.
"""

import threading
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from model.data import augment
from model.data.augment import Order
from model.data.dataset import Dataset
from model.training.step import Step

#: Images of all replicas that are augmented at once. On a CPU they should stay in a core's caches.
CHUNK_IMAGES = {"cpu": 512, "cuda": 16_384}
#: Steps that run uncaptured first: cuDNN chooses its kernels, the allocator gets its memory.
WARM_UP = 3
#: Starting a capture waits for the whole device, which is an error while another stream is captured.
_CAPTURING = threading.Lock()


class Tally:
    """Sums over an epoch, on the device: losses float64 [R], wrong answers int64 [R]."""

    def __init__(self, replicas: int, device: torch.device) -> None:
        self.loss = torch.zeros(replicas, dtype=torch.float64, device=device)
        self.wrong = torch.zeros(replicas, dtype=torch.int64, device=device)

    def clear(self) -> None:
        self.loss.zero_()
        self.wrong.zero_()

    def add(self, losses: Tensor, logits: Tensor, labels: Tensor) -> None:
        """losses [S, R], logits [S, R, B, classes], labels [S, R, B] of S steps."""
        self.loss += losses.sum(0, dtype=torch.float64)
        self.wrong += (logits.argmax(3) != labels).sum((0, 2))


class Source:
    """The images on the device: for training in an order and augmented, for evaluation as they are."""

    def __init__(
        self, data: Dataset, device: torch.device, dtype: torch.dtype, layout: torch.memory_format
    ) -> None:
        self.images = data.train_images.to(device)
        self.labels = data.train_labels.to(device)
        self.eval_images, self.eval_labels = data.eval_images.to(device), data.eval_labels.to(device)
        self.mean, self.std = data.mean.to(device, dtype), data.std.to(device, dtype)
        self.layout = layout
        self.pad, self.chunk_images = data.pad, CHUNK_IMAGES.get(device.type, 512)

    def chunks(self, order: Order) -> Iterator[tuple[int, Tensor, Tensor]]:
        """(first step, uint8 images [S, B, R·C, H, W], labels [S, R, B]) over an epoch."""
        steps, batch, replicas = order.index.shape
        size = max(1, self.chunk_images // (batch * replicas))
        for start in range(0, steps, size):
            part = order.part(start, min(start + size, steps))
            labels = self.labels[part.index].transpose(1, 2).contiguous()
            yield start, augment.batches(self.images, part, self.pad), labels

    def standardise(self, images: Tensor) -> Tensor:
        """What the network takes, out of uint8 images [N, R·C, H, W]."""
        return augment.standardise(images, self.mean, self.std).contiguous(memory_format=self.layout)


class LoopedEpoch:
    """The plain loop, for a CPU."""

    def __init__(self, step: Step, source: Source, tally: Tally) -> None:
        self.step, self.source, self.tally = step, source, tally

    def run(self, order: Order, rates: Sequence[float]) -> None:
        for start, raw, labels in self.source.chunks(order):
            images = self._standardised(raw)
            rest = rates[start : start + len(labels)]
            done = [self.step(*one) for one in zip(images.unbind(), labels.unbind(), rest, strict=True)]
            losses, logits = (torch.stack(parts) for parts in zip(*done, strict=True))
            self.tally.add(losses, logits, labels)

    def _standardised(self, raw: Tensor) -> Tensor:
        """All steps of a block at once: [S, B, R·C, H, W]."""
        return self.source.standardise(raw.flatten(0, 1)).view(raw.shape)


class GraphedEpoch:
    """One captured step, replayed. `run` only queues work; reading the tally waits for it.

    `steps`: the most that an epoch has. Memory: the epoch's augmented images as uint8, R of each.
    """

    def __init__(self, step: Step, source: Source, tally: Tally, steps: int) -> None:
        self.step, self.source, self.tally = step, source, tally
        self.device, self.steps = source.images.device, steps
        self.graph: torch.cuda.CUDAGraph | None = None
        self.counter = torch.zeros(1, dtype=torch.int64, device=self.device)
        self.rates = torch.zeros(steps, device=self.device)
        self.raw, self.labels = torch.empty(0), torch.empty(0)

    def run(self, order: Order, rates: Sequence[float]) -> None:
        """Queue an epoch on the current stream, which must be the same one every time."""
        steps = len(rates)
        self._fill(order, rates)
        warm_up = min(steps, WARM_UP) if self.graph is None else 0
        for _ in range(warm_up):
            self._one()
        if self.graph is None and steps > warm_up:
            self.graph = self._capture()
        for _ in range(steps - warm_up):
            assert self.graph is not None
            self.graph.replay()

    def _fill(self, order: Order, rates: Sequence[float]) -> None:
        """Write the epoch into the buffers that the graph reads; their addresses never change."""
        for start, raw, labels in self.source.chunks(order):
            if not self.raw.numel():
                self.raw = raw.new_empty((self.steps, *raw.permute(0, 1, 3, 4, 2).shape[1:]))
                self.labels = labels.new_empty((self.steps, *labels.shape[1:]))
            self.raw[start : start + len(raw)] = raw.permute(0, 1, 3, 4, 2)
            self.labels[start : start + len(labels)] = labels
        self.rates[: len(rates)] = torch.tensor(rates)
        self.counter.zero_()

    def _one(self) -> None:
        """The step that the counter points at; then the counter points at the next."""
        raw = self.raw.index_select(0, self.counter)[0].permute(0, 3, 1, 2)
        labels = self.labels.index_select(0, self.counter)[0]
        rate = self.rates.index_select(0, self.counter)[0]
        losses, logits = self.step(self.source.standardise(raw), labels, rate)
        self.tally.add(losses[None], logits[None], labels[None])
        self.counter += 1

    def _capture(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        # "thread_local": what other packs do in other threads meanwhile must not spoil the capture
        stream = torch.cuda.current_stream(self.device)
        with _CAPTURING, torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            self._one()
        return graph
