"""Which process trains the packs of a GPU, on every node of a Ray: a host for each GPU that packs share.

A Tune trial keeps its fraction of a GPU and its config; its own process only passes on what the host says. A
host asks Ray for nothing, for the trials on it have taken all that it uses. It belongs to the driver, through
an actor beside it, and so ends when the driver does. Where a host dies, each of its packs is a worker lost:
its trial is tried again, and the first to come has a new host.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.cluster.nodes import this_node
from orchestrator.cluster.preflight import Trouble
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.device import DeviceError, SpoiledError
from orchestrator.execution.events import Report
from orchestrator.execution.host import Ended, Host, Said
from orchestrator.execution.leaving import Until, unasked
from orchestrator.execution.worker import Stopped
from orchestrator.planning.resources import Site

#: Whether a node may take part; what is wrong with it otherwise.
Arrives = Callable[[], Trouble | None]

#: Calls that a host answers at once beside one a pack: to stop what a lost worker has left.
_SPARE = 8
_END_SECONDS = 20.0  # for the hosts to be ended
_TRIES = 3  # hosts that were found dead before one is no accident
_LOOK = 1.0  # seconds between two looks whether a pack is to end


class UnfitError(Exception):
    """A host's node may not take part. `trouble`: why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


@dataclass(frozen=True)
class Lent:
    """`host`: where a pack is to train; `before`: where it was begun before, None of one that was not."""

    host: ActorHandle
    before: ActorHandle | None


class Hosts:
    """The hosts that there are, by node and GPU. `make`: a new one; `kill`: ends one."""

    def __init__(
        self, make: Callable[[str, int], ActorHandle], kill: Callable[[ActorHandle], None] = ray.kill
    ) -> None:
        self._make, self._kill = make, kill
        self._hosts: dict[tuple[str, int], ActorHandle] = {}
        self._of: dict[int, ActorHandle] = {}

    def lend(self, index: int, node: str, gpu: int) -> Lent:
        """Where to train the pack `index`, which is on that node."""
        before = self._of.get(index)
        if (node, gpu) not in self._hosts:
            self._hosts[node, gpu] = self._make(node, gpu)
        self._of[index] = self._hosts[node, gpu]
        return Lent(self._of[index], before)

    def drop(self, index: int) -> None:
        """The host of this pack is dead, or can compute no more: what else trains there is lost with it."""
        bad = self._of.pop(index, None)
        for place, host in [*self._hosts.items()]:
            if host is bad:
                del self._hosts[place]
                self._kill(host)

    def close(self) -> None:
        for host in self._hosts.values():
            self._kill(host)
        self._hosts.clear()


class HostsOnRay(Hosts):
    """`packs`: that share a GPU."""

    def __init__(self, arrives: Arrives, packs: int) -> None:
        def make(node: str, gpu: int) -> ActorHandle:
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            options = {"num_cpus": 0, "max_concurrency": 2 * packs + _SPARE, "scheduling_strategy": there}
            return ray.remote(**options)(Host).remote(gpu, arrives)

        super().__init__(make)


@contextlib.contextmanager
def sharing(site: Site, arrives: Arrives) -> Iterator[ActorHandle | None]:
    """The hosts of a sweep whose packs share GPUs, ended with it; None where no GPU is shared."""
    if not site.resources.shares_gpu:
        yield None
        return
    packs = site.resources.packs_per_gpu
    hosts = ray.remote(num_cpus=0, scheduling_strategy=this_node())(HostsOnRay).remote(arrives, packs)
    try:
        yield hosts
    finally:
        with contextlib.suppress(RayError, GetTimeoutError):
            ray.get(hosts.close.remote(), timeout=_END_SECONDS)
            ray.kill(hosts)


def train_in_host(
    hosts: ActorHandle,
    index: int,
    node: str,
    assignment: Assignment,
    report: Report,
    until: Until = unasked,
) -> str | None:
    """On a worker: have the host of its GPU train a pack, and pass on what happens to it. As `attempt`.

    Raises also UnfitError, SpoiledError, and RayActorError where the host was lost.
    """
    try:
        host = _begun(hosts, index, node, assignment)
        try:
            while not isinstance(said := _next(host, index, until), Ended):
                report(said)
        finally:  # also where `report` ends this worker
            with contextlib.suppress(RayError):
                ray.get(host.end.remote(index))
        if said.error is not None:
            raise said.error
        if said.stopped:
            raise Stopped
    except (RayActorError, DeviceError, SpoiledError, UnfitError):
        ray.get(hosts.drop.remote(index))
        raise
    return said.given_up


def _next(host: ActorHandle, index: int, until: Until) -> Said:
    """What the pack says next. Where it is to end meanwhile, its host is told, once a question."""
    asked = host.go_on.remote(index)
    told = False
    while not told and not ray.wait([asked], timeout=_LOOK)[0]:
        if (by := until()) is not None:
            told = True
            host.leave.remote(index, by - time.monotonic())
    said: Said = ray.get(asked)
    return said


def _begun(hosts: ActorHandle, index: int, node: str, assignment: Assignment) -> ActorHandle:
    """The host in which the pack now trains."""
    tries = 0
    while True:
        lent: Lent = ray.get(hosts.lend.remote(index, node, assignment.gpu))
        if lent.before is not None:  # a worker that was lost may have left it training there
            with contextlib.suppress(RayError):
                ray.get(lent.before.end.remote(index))
        try:
            trouble = ray.get(lent.host.begin.remote(index, assignment))
        except RayActorError:  # it died while it had nothing to do
            tries += 1
            if tries == _TRIES:
                raise
            ray.get(hosts.drop.remote(index))
            continue
        if trouble is not None:
            raise UnfitError(trouble)
        return lent.host
