"""How an epoch's steps reach the device: a loop on a CPU, replays of captured steps on a GPU.

On a CPU the cost is arithmetic and memory traffic: images are augmented and standardised in blocks that
stay in a core's cache, and a step is called with views of them.

On a GPU the cost at small batches is the host: hundreds of kernel launches a step, each dearer than its
kernel. So steps are captured in a CUDA graph, several at once, and replayed. All that changes from step to
step lies on the device: the epoch's augmented images as uint8, its labels, its learning rates, and a
counter that the steps themselves advance. The host neither copies nor waits for results inside an epoch;
it only keeps from running far ahead. Parameters, momentum and buffers are updated in place, so
a graph stays good for the life of the pack, across epochs and `load_state`. The graph has its own stream,
and capture is local to its thread: packs of different cells may train in threads of one process and share
the GPU (`model.streams`).

Both run the same `Step` on the same numbers.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from model.data import augment
from model.data.augment import Order
from model.data.dataset import Dataset
from model.starts import STARTS
from model.streams import exclusive
from model.training.backend import arithmetic
from model.training.graphs import CudaGraphs
from model.training.step import Step

#: Images of all replicas that are augmented at once. On a CPU they should stay in a core's caches.
CHUNK_IMAGES = {"cpu": 512, "cuda": 16_384}
#: Steps that run uncaptured first: cuDNN chooses its kernels, the allocator gets its memory.
WARM_UP = 3
#: Bytes: addresses that are multiples of it are all the same to cuDNN.
_ALIGNED = 32


#: Asked between steps whether to leave the epoch there: told how many steps are done, of how many, since it
#: was begun or taken up. A GPU may have some of them still in its queue.
Leave = Callable[[int, int], bool]


def _nothing() -> None:
    """Nothing to rehearse."""


def never(done: int, steps: int) -> bool:
    """Never leave an epoch before its end."""
    return False


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
        self._add_losses(losses)
        self.wrong += (logits.argmax(3) != labels).sum((0, 2))

    def _add_losses(self, losses: Tensor) -> None:
        """On a CPU step by step: how many come at once depends on the pack, and so would a sum's order."""
        if losses.device.type != "cpu":
            self.loss += losses.sum(0, dtype=torch.float64)
            return
        for step in losses.double().unbind():
            self.loss += step


class Source:
    """The images on the device: for training in an order and augmented, for evaluation as they are."""

    def __init__(
        self, data: Dataset, device: torch.device, dtype: torch.dtype, layout: torch.memory_format
    ) -> None:
        self.images = data.train_images.to(device)
        self.labels = data.train_labels.to(device)
        self.eval_images, self.eval_labels = data.eval_images.to(device), data.eval_labels.to(device)
        self.mean, self.std = data.mean.to(device, dtype), data.std.to(device, dtype)
        self._repeats: dict[int, tuple[Tensor, Tensor]] = {}
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
        mean, std = self._repeated(images.shape[1] // len(self.mean))
        return augment.standardise(images, mean, std).contiguous(memory_format=self.layout)

    def _repeated(self, replicas: int) -> tuple[Tensor, Tensor]:
        """Mean and deviation of so many replicas' channels, made once: a captured step has none of it."""
        if replicas not in self._repeats:
            self._repeats[replicas] = (self.mean.repeat(replicas), self.std.repeat(replicas))
        return self._repeats[replicas]


class LoopedEpoch:
    """The plain loop, for a CPU. `lrs`: of each step the learning rate of each group of replicas."""

    def __init__(self, step: Step, source: Source, tally: Tally) -> None:
        self.step, self.source, self.tally = step, source, tally

    def run(
        self,
        order: Order,
        lrs: Sequence[Sequence[float]],
        rehearse: Callable[[], None] = _nothing,
        leave: Leave = never,
    ) -> int:
        """Gives how many of these steps are done: all, unless it was left."""
        with arithmetic(self.step.precision):
            for start, raw, labels in self.source.chunks(order):
                done = start + self._run_block(start, raw, labels, lrs, leave)
                if done < start + len(labels):
                    return done
        return len(lrs)

    def _run_block(
        self, start: int, raw: Tensor, labels: Tensor, lrs: Sequence[Sequence[float]], leave: Leave
    ) -> int:
        """Steps `start` and those after it; gives how many of them are done."""
        images, total = self._standardised(raw), len(lrs)
        steps: list[tuple[Tensor, Tensor]] = []
        for at, batch in enumerate(zip(images.unbind(), labels.unbind(), strict=True), start):
            if at and leave(at, total):
                break
            steps.append(self.step(*batch, lrs[at]))
        if steps:
            losses, logits = (torch.stack(parts) for parts in zip(*steps, strict=True))
            self.tally.add(losses, logits, labels[: len(steps)])
        return len(steps)

    def _standardised(self, raw: Tensor) -> Tensor:
        """All steps of a block at once: [S, B, R·C, H, W]."""
        return self.source.standardise(raw.flatten(0, 1)).view(raw.shape)


class GraphedEpoch:
    """Captured steps, replayed. `run` queues work; reading the tally waits for it.

    `steps`: the most that an epoch has; `graphing`: how they become graphs; `search`: of `arithmetic`.
    Memory: the epoch's augmented images as uint8, R of each.
    """

    def __init__(
        self,
        step: Step,
        source: Source,
        tally: Tally,
        steps: int,
        graphing: CudaGraphs | None = None,
        *,
        search: bool = True,
    ) -> None:
        self.step, self.source, self.tally = step, source, tally
        self.device, self.steps = source.images.device, steps
        self.graphing, self._search = graphing or CudaGraphs(), search
        self.graphs: dict[int, torch.cuda.CUDAGraph] = {}  # by their steps
        self.counter = torch.zeros(1, dtype=torch.int64, device=self.device)
        self._ahead = torch.arange(self.graphing.steps, device=self.device)
        self.lrs = torch.zeros(steps, len(step.groups), device=self.device)
        self.raw, self.labels = torch.empty(0), torch.empty(0)

    def run(
        self,
        order: Order,
        lrs: Sequence[Sequence[float]],
        rehearse: Callable[[], None] = _nothing,
        leave: Leave = never,
    ) -> int:
        """Queue an epoch, or what is left of one, on the current stream, which must be the same one every
        time. Gives how many of these steps it has queued: all, unless it was left.

        `lrs`: of each step the learning rate of each group of replicas. `rehearse`: called between the first
        steps and the capture, for whatever else the pack does on the device and must not do for the first
        time beside another pack's capture.
        """
        steps = len(lrs)
        self._fill(order, lrs)
        if self.graphs:
            return self._replay(0, steps, leave)
        begun = self._start(steps, rehearse)
        STARTS.all_over(lambda: leave(begun, steps))
        return self._replay(begun, steps, leave)

    def _start(self, steps: int, rehearse: Callable[[], None]) -> int:
        """The first steps, uncaptured, and the capture of the others; gives how many are done."""
        warm_up = min(steps, WARM_UP)
        with exclusive(), arithmetic(self.step.precision, search=self._search):
            for _ in range(warm_up):
                self._run_steps(1)
            rehearse()
            self.graphing.settle()  # what the choice of kernels waits for must be over when others capture
            if steps > warm_up:
                self.graphs = self._capture_all()
        return warm_up

    def _replay(self, done: int, steps: int, leave: Leave) -> int:
        """From `done` of the steps on; gives where it ended."""
        marks: deque[torch.cuda.Event] = deque()
        most, since = max(self.graphs, default=1), 0
        while done < steps and not (done and leave(done, steps)):
            count = most if steps - done >= most else 1
            self.graphs[count].replay()
            done += count
            since += count
            if since >= self.graphing.marks:
                since = 0
                marks.append(self.graphing.mark())
                if len(marks) > 1:
                    marks.popleft().synchronize()
        return done

    def trace(self, steps: int) -> None:
        """The first steps that lie in the buffers, uncaptured."""
        with exclusive(), arithmetic(self.step.precision, search=self._search):
            self.counter.zero_()
            self._run_steps(steps)

    def _fill(self, order: Order, lrs: Sequence[Sequence[float]]) -> None:
        """Write the epoch into the buffers that the graph reads; their addresses never change."""
        for start, raw, labels in self.source.chunks(order):
            if not self.raw.numel():
                self.raw = raw.new_empty((self.steps, *raw.permute(0, 1, 3, 4, 2).shape[1:]))
                self.labels = labels.new_empty((self.steps, *labels.shape[1:]))
            self.raw[start : start + len(raw)] = raw.permute(0, 1, 3, 4, 2)
            self.labels[start : start + len(labels)] = labels
        self.lrs[: len(lrs)] = torch.tensor(lrs)
        self.counter.zero_()

    def _run_steps(self, count: int) -> None:
        """The `count` steps from where the counter points; then the counter points behind them."""
        which = self.counter + self._ahead[:count]
        raw = self.raw.index_select(0, which).permute(0, 1, 4, 2, 3)
        labels = self.labels.index_select(0, which)
        lrs = self.lrs.index_select(0, which)
        images = self.source.standardise(raw.flatten(0, 1)).view(raw.shape).unbind()
        if images[0].nbytes % _ALIGNED:  # cuDNN would search anew for odd addresses, within the capture
            images = tuple(image.clone() for image in images)
        steps = [self.step(*batch) for batch in zip(images, labels.unbind(), lrs.unbind(), strict=True)]
        losses, logits = (torch.stack(parts) for parts in zip(*steps, strict=True))
        self.tally.add(losses, logits, labels)
        self.counter += count

    def _capture_all(self) -> dict[int, torch.cuda.CUDAGraph]:
        """A graph of many steps, and one of a single step for what they leave over; they share memory."""
        one = self._captured(1)
        many = self.graphing.steps
        return {1: one, many: self._captured(many, one)} if 1 < many <= self.steps else {1: one}

    def _captured(self, count: int, beside: torch.cuda.CUDAGraph | None = None) -> torch.cuda.CUDAGraph:
        return self.graphing.capture(lambda: self._run_steps(count), beside)
