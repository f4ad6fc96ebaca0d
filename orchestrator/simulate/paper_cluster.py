"""A cluster on paper: how long packs take on m workers that start late and are lost. Pure.

The packs come in the order of the plan; what Ray and the cloud do with them is played event by event. The
rules, each as the product behaves:

- A node has `per_node` workers, and a worker trains one pack. Nodes are asked for as long as packs wait for
  a worker, `workers` at most, and train after `startup` seconds. One that has been idle for `idle_timeout`
  seconds is let go; when the sweep ends all are.
- The driver is one process: it starts packs one after another, `dispatch` seconds each.
- Nodes are lost as spot instances are: at random, after an exponential time of mean `mtbf` each
  (without memory: a node's age does not matter). A loss costs every pack on the node the time since its
  last epoch end, where its checkpoint lies, and a new node is asked for if packs wait.
- A pack that was on a lost node waits in its place in the plan, ahead of all that were behind it.

Whose time is it? Every second between asking for a node and its end is paid for, and is exactly one of:
work that was kept, work that was lost, start-up, idling.

No schedule is shorter than the longest pack, or than all work spread evenly over the workers: `lower_bound`.
Without losses and delays, longest-first is never above 4/3 − 1/(3m) of the best on m workers (Graham 1969,
Bounds on multiprocessing timing anomalies, theorem 2).
"""

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from model.errors import InputError

_HOPELESS = 100_000  # losses in a row that left no epoch behind
_ROUNDING = 1e-9  # of an epoch: one that ends at the moment of the loss was saved


@dataclass(frozen=True)
class PaperPack:
    """A pack on paper: its seconds on one worker, spread evenly over its `epochs`."""

    seconds: float
    epochs: int = 1


@dataclass(frozen=True)
class Setting:
    """The cluster; times in seconds. `mtbf` None: no node is ever lost."""

    workers: int
    per_node: int = 1
    startup: float = 0.0
    idle_timeout: float = math.inf
    mtbf: float | None = None
    dispatch: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Span:
    """A pack, by its index, on a worker without interruption, until it or the node ended. `kept`: the seconds
    of it that count, all where the pack ended and else those up to the last checkpoint."""

    pack: int
    node: int
    worker: int
    begin: float
    end: float
    kept: float


@dataclass(frozen=True)
class Outcome:
    """`makespan`: seconds from the command to the last pack's end; `bound`: what no schedule beats.
    `paid`, `work`, `lost`, `starting` and `idle`: worker-seconds, the first being the sum of the others."""

    makespan: float
    bound: float
    paid: float
    work: float
    lost: float
    starting: float
    losses: int
    nodes: int
    spans: tuple[Span, ...] = field(repr=False)

    @property
    def idle(self) -> float:
        return self.paid - self.work - self.lost - self.starting


def simulate(packs: Sequence[PaperPack], setting: Setting) -> Outcome:
    """Run `packs`, in this order, on paper. Raises InputError where the setting makes no sense, and where
    nodes are lost so often that no epoch ever ends."""
    _check(packs, setting)
    return _Cluster(packs, setting).run()


def lower_bound(packs: Sequence[PaperPack], workers: int) -> float:
    """Seconds that no schedule on so many workers can beat."""
    seconds = [pack.seconds for pack in packs]
    return max(math.fsum(seconds) / workers, max(seconds, default=0.0))


def _check(packs: Sequence[PaperPack], setting: Setting) -> None:
    if setting.workers < 1 or setting.per_node < 1:
        raise InputError("a cluster has at least one worker, and so has a node")
    if any(not 0 < pack.seconds < math.inf or pack.epochs < 1 for pack in packs):
        raise InputError("a pack takes more than 0 seconds and has at least one epoch")
    times = (setting.startup, setting.idle_timeout, setting.dispatch)
    if not all(time >= 0 for time in times) or not math.isfinite(setting.startup + setting.dispatch):
        raise InputError("start-up, dispatch and the time that idle nodes are kept are 0 or more")
    if setting.mtbf is not None and not setting.mtbf > 0:
        raise InputError("the mean time between losses is more than 0")


@dataclass
class _Node:
    """`running`: worker -> its pack and when it began."""

    workers: int
    asked: float
    ready: float
    idle_since: float
    running: dict[int, tuple[int, float]] = field(default_factory=dict)


# What happens at one moment happens in this order: a pack that ends as its node is lost has ended.
_END, _LOSS, _READY, _IDLE = range(4)


class _Cluster:
    """The state at a moment, and what is known of the future.

    An event is its time, its kind, the node, the worker, and for whom it was meant: it is void once the node
    is gone or idles since another time.
    """

    def __init__(self, packs: Sequence[PaperPack], setting: Setting) -> None:
        self._packs, self._setting = packs, setting
        self._random = random.Random(setting.seed)
        self._done = [0] * len(packs)  # epochs
        self._waiting = list(range(len(packs)))  # a heap, so that one that comes back finds its place
        self._unfinished = len(packs)
        self._nodes: dict[int, _Node] = {}
        self._asked = self._capacity = self._coming = 0  # nodes ever; workers now; of them not ready yet
        self._free: list[tuple[int, int]] = []  # a heap of node and worker, those of nodes gone among them
        self._events: list[tuple[float, int, int, int, float]] = []
        self._driver_free = 0.0
        self._paid = self._lost = self._starting = 0.0
        self._losses = self._in_vain = 0
        self._spans: list[Span] = []

    def run(self) -> Outcome:
        now = 0.0
        self._ask(now)
        while self._unfinished:
            now = self._events[0][0]
            self._happens(*heapq.heappop(self._events))
            # A node that is let go when it idles is first offered what waits at this moment.
            while self._events and self._events[0][0] == now and self._events[0][1] != _IDLE:
                self._happens(*heapq.heappop(self._events))
            self._assign(now)
            self._ask(now)
        for number in list(self._nodes):
            self._gone(number, now)
        return Outcome(
            makespan=now,
            bound=lower_bound(self._packs, self._setting.workers),
            paid=self._paid,
            work=math.fsum(span.kept for span in self._spans),
            lost=self._lost,
            starting=self._starting,
            losses=self._losses,
            nodes=self._asked,
            spans=tuple(self._spans),
        )

    def _happens(self, now: float, kind: int, number: int, worker: int, since: float) -> None:
        node = self._nodes.get(number)
        if node is None:
            return
        if kind == _READY:
            self._is_ready(now, number, node)
        elif kind == _END:
            self._ends(now, number, node, worker)
        elif kind == _LOSS:
            self._is_lost(now, number, node)
        elif not node.running and node.idle_since == since:
            self._gone(number, now)

    # -- nodes ---------------------------------------------------------------------------------------

    def _ask(self, now: float) -> None:
        """For as many nodes as waiting packs need; called when nothing that is free is left for them."""
        while len(self._waiting) > self._coming and self._capacity < self._setting.workers:
            workers = min(self._setting.per_node, self._setting.workers - self._capacity)
            ready = now + self._setting.startup
            self._nodes[self._asked] = _Node(workers, now, ready, ready)
            heapq.heappush(self._events, (ready, _READY, self._asked, 0, 0.0))
            self._asked += 1
            self._capacity += workers
            self._coming += workers

    def _is_ready(self, now: float, number: int, node: _Node) -> None:
        self._coming -= node.workers
        for worker in range(node.workers):
            heapq.heappush(self._free, (number, worker))
        self._idles(now, number, node)
        if self._setting.mtbf is not None:
            lives = self._random.expovariate(1 / self._setting.mtbf)
            heapq.heappush(self._events, (now + lives, _LOSS, number, 0, 0.0))

    def _idles(self, now: float, number: int, node: _Node) -> None:
        node.idle_since = now
        if self._setting.idle_timeout < math.inf:
            heapq.heappush(self._events, (now + self._setting.idle_timeout, _IDLE, number, 0, now))

    def _is_lost(self, now: float, number: int, node: _Node) -> None:
        self._losses += 1
        self._in_vain += 1
        for worker, (pack, begin) in sorted(node.running.items()):
            ran, epoch = max(0.0, now - begin), self._packs[pack].seconds / self._packs[pack].epochs
            epochs = min(int(ran / epoch + _ROUNDING), self._packs[pack].epochs - self._done[pack] - 1)
            self._done[pack] += epochs
            self._in_vain = 0 if epochs else self._in_vain
            self._lost += max(0.0, ran - epochs * epoch)
            if ran:
                self._spans.append(Span(pack, number, worker, begin, now, min(ran, epochs * epoch)))
            heapq.heappush(self._waiting, pack)
        if self._in_vain > _HOPELESS:
            raise InputError("nodes are lost so often that no epoch ends; raise the mean time between losses")
        self._gone(number, now)

    def _gone(self, number: int, now: float) -> None:
        node = self._nodes.pop(number)
        self._capacity -= node.workers
        if node.ready > now:
            self._coming -= node.workers
        self._paid += node.workers * (now - node.asked)
        self._starting += node.workers * (min(now, node.ready) - node.asked)

    # -- packs ---------------------------------------------------------------------------------------

    def _assign(self, now: float) -> None:
        """Waiting packs, in the plan's order, to free workers, those of the oldest nodes first."""
        while self._waiting and self._free:
            number, worker = heapq.heappop(self._free)
            if number not in self._nodes:
                continue
            pack = heapq.heappop(self._waiting)
            begin = max(now, self._driver_free)
            self._driver_free = begin + self._setting.dispatch
            self._nodes[number].running[worker] = (pack, begin)
            heapq.heappush(self._events, (begin + self._left(pack), _END, number, worker, begin))

    def _left(self, pack: int) -> float:
        whole = self._packs[pack]
        return whole.seconds * (1 - self._done[pack] / whole.epochs) if self._done[pack] else whole.seconds

    def _ends(self, now: float, number: int, node: _Node, worker: int) -> None:
        pack, begin = node.running.pop(worker)
        self._spans.append(Span(pack, number, worker, begin, now, self._left(pack)))
        self._unfinished -= 1
        self._in_vain = 0
        heapq.heappush(self._free, (number, worker))
        if not node.running:
            self._idles(now, number, node)
