"""Which machines of a cluster take packs, how many at once, and what that costs. Pure.

A cluster is what is up now and what its autoscaler may bring, and a plan has to reckon with both: spot
workers that scale from zero are not there when a sweep is planned. The head keeps Ray's own books and
the driver; a pack that takes its memory ends everybody's sweep, so packs stay off it unless asked, or
unless it is all there is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from model.errors import InputError

#: A GPU whose type Ray does not know.
UNNAMED = "a GPU"


class NoMachineError(RuntimeError):
    """No machine is up that anything could be timed on. The message says why."""


@dataclass(frozen=True)
class Resources:
    """What one pack occupies, and where it runs. `device` is "cpu" or "cuda"."""

    cpus: float
    gpus: float
    device: str

    @property
    def threads(self) -> int:
        """Of the CPU, for the arithmetic of one pack."""
        return max(1, int(self.cpus))

    @property
    def shares_gpu(self) -> bool:
        """Whether several packs train on one GPU at once."""
        return self.packs_per_gpu > 1

    @property
    def packs_per_gpu(self) -> int:
        """Packs that one GPU has at once; 1 where a pack has several GPUs, or none."""
        return _whole(1 / self.gpus) if 0 < self.gpus < 1 else 1


def packs_at_once(resources: Resources, cpus: float, gpus: float) -> int:
    """Packs that fit at once. A fraction of a GPU never lies across two: 0.6 fits once into each."""
    fit = _whole(cpus / resources.cpus)
    if resources.gpus >= 1:
        fit = min(fit, _whole(gpus / resources.gpus))
    elif resources.gpus:
        fit = min(fit, _whole(gpus) * _whole(1 / resources.gpus))
    return fit


def share_of(packs: int) -> float:
    """The share of a GPU that so many packs have each: rounded down, as Ray counts in ten thousandths."""
    return math.floor(1e4 / packs) / 1e4


def _whole(quotient: float) -> int:
    return math.floor(quotient + 1e-9)  # 1 / 0.2 must be five


@dataclass(frozen=True)
class Node:
    """A machine that is up. `gpu_type`: Ray's name of its accelerator, such as A10G; None without one."""

    node_id: str
    name: str
    cpus: float
    gpus: float
    head: bool = False
    gpu_type: str | None = None

    @property
    def gpu_name(self) -> str:
        """By which what was timed on it is found again."""
        return self.gpu_type or UNNAMED


@dataclass(frozen=True)
class NodeType:
    """Machines that the autoscaler may bring; `most` of them at once."""

    name: str
    cpus: float
    gpus: float
    most: int
    gpu_type: str | None = None


@dataclass(frozen=True)
class MachineGroup:
    """`count` machines that take `packs` packs each at once and have `gpus` GPUs and `cpus` cores each.
    `gpu_type`: see `Node`."""

    count: int
    packs: int
    gpus: float
    cpus: float = math.inf
    gpu_type: str | None = None


@dataclass(frozen=True)
class Site:
    """Where packs go. `nodes`: up now and in use; `fleet`: what there is when all have come, largest first.

    `avoid`: node id of the head where packs stay off it.
    """

    resources: Resources
    fleet: tuple[MachineGroup, ...]
    nodes: tuple[Node, ...] = ()
    avoid: str | None = None
    gpu_type: str | None = None

    @property
    def gpu_up(self) -> str | None:
        """The name of the GPU of the first machine that is up; None where none is."""
        return next((node.gpu_name for node in self.nodes), None)

    @property
    def slots(self) -> int:
        """Packs that run at once when all machines have come."""
        return sum(group.count * group.packs for group in self.fleet)

    @property
    def most_nodes(self) -> int:
        return sum(group.count for group in self.fleet)

    @property
    def others(self) -> bool:
        """Whether machines beside the head's train, or may."""
        return self.most_nodes > 1 or self.avoid is not None


def choose_site(
    nodes: Sequence[Node],
    types: Sequence[NodeType],
    *,
    cpus_per_pack: float,
    gpus_per_pack: float | None,
    gpu_type: str | None = None,
    use_head: bool = False,
    most: int | None = None,
) -> Site:
    """Where the packs of a sweep go on this cluster. `gpus_per_pack`: None takes one where there are any.

    `most`: machines that the autoscaler may bring, of all types together. Raises InputError where no
    machine, up or to come, can take a pack.
    """
    head = next((node for node in nodes if node.head), None)
    if use_head and head is not None and not head.cpus:
        raise InputError(
            "--use-head: the head lends Ray no CPU (it was started with --num-cpus=0, as cluster.yaml says); "
            "leave the option out, or start it with some."
        )
    alone = len(nodes) == 1 and not types
    usable = [node for node in nodes if node.cpus and (use_head or alone or not node.head)]
    if not usable and not types:
        raise InputError(
            "the cluster has no machine but its head. Start workers or wait for them to join, and run again"
            + ("." if head is None or not head.cpus else "; --use-head trains on the head.")
        )
    machines: list[Node | NodeType] = [*usable, *types]
    if gpu_type is not None:
        machines = [machine for machine in machines if _same_type(machine.gpu_type, gpu_type)]
        if not machines:
            raise InputError(_no_such_type(gpu_type, [*usable, *types]))
        gpus_per_pack = 1.0 if gpus_per_pack is None else gpus_per_pack
    share = gpus_per_pack
    if share is None:
        share = 1.0 if any(machine.gpus for machine in machines) else 0.0
    resources = Resources(cpus_per_pack, share, "cuda" if share else "cpu")
    fitting = [machine for machine in machines if packs_on(machine, resources)]
    if not fitting:
        raise InputError(_nothing_fits(resources, machines))
    return Site(
        resources,
        _fleet(fitting, resources, most),
        nodes=tuple(machine for machine in fitting if isinstance(machine, Node)),
        avoid=head.node_id if head is not None and head not in usable else None,
        gpu_type=_spelling(gpu_type, fitting),
    )


def packs_on(machine: Node | NodeType, resources: Resources) -> int:
    """Packs that fit on one machine at once; a pack never lies across two."""
    return packs_at_once(resources, machine.cpus, machine.gpus)


def _fleet(
    machines: Sequence[Node | NodeType], resources: Resources, most: int | None
) -> tuple[MachineGroup, ...]:
    """What there is when all have come, most packs a machine first; `most` caps what may come."""
    coming = sorted(
        (machine for machine in machines if isinstance(machine, NodeType)),
        key=lambda machine: -packs_on(machine, resources),
    )
    fleet, left = [], math.inf if most is None else most
    for machine in coming:
        count = int(min(machine.most, left))
        left -= count
        fleet.append(_group(count, machine, resources))
    # The autoscaler's machines that are up already are counted in the most of their type.
    up = [machine for machine in machines if isinstance(machine, Node) and (machine.head or not coming)]
    fleet += [_group(1, machine, resources) for machine in up]
    return tuple(sorted((group for group in fleet if group.count), key=lambda group: -group.packs))


def _group(count: int, machine: Node | NodeType, resources: Resources) -> MachineGroup:
    packs = packs_on(machine, resources)
    return MachineGroup(count, packs, machine.gpus, machine.cpus, machine.gpu_type)


def coming_type(site: Site) -> str | None:
    """The type of the GPU that a machine has which comes; None where it may have one or another."""
    types = {group.gpu_type for group in site.fleet if group.gpus}
    return types.pop() if len(types) == 1 else None


@dataclass(frozen=True)
class Bill:
    """What a plan takes. `gpu_hours` are of whole machines, which is what is paid for."""

    nodes: int
    node_hours: float
    gpu_hours: float
    money: float | None


def bill(site: Site, seconds: float, packs: int, price: float | None = None) -> Bill:
    """What `packs` packs cost whose makespan is `seconds`; `price` in money per GPU-hour.

    Machines are counted from the beginning to the end: the last packs keep theirs, and how soon idle
    ones are let go is the cluster's affair.
    """
    nodes, gpus = 0, 0.0
    for group in site.fleet:
        count = min(group.count, math.ceil(max(0, packs) / group.packs))
        nodes, gpus, packs = nodes + count, gpus + count * group.gpus, packs - count * group.packs
    hours = seconds / 3600
    return Bill(nodes, nodes * hours, gpus * hours, None if price is None else gpus * hours * price)


def _same_type(have: str | None, asked: str) -> bool:
    return have is not None and have.casefold() == asked.casefold()


def _spelling(asked: str | None, machines: Sequence[Node | NodeType]) -> str | None:
    """Ray's own spelling of the type, which its resource needs."""
    return next((m.gpu_type for m in machines if asked and _same_type(m.gpu_type, asked)), None)


def _no_such_type(asked: str, machines: Sequence[Node | NodeType]) -> str:
    there = sorted({machine.gpu_type for machine in machines if machine.gpu_type})
    return (
        f"--gpu-type {asked}: no machine of this cluster has one. "
        f"{'It has ' + ', '.join(there) if there else 'None has a GPU whose type Ray knows'}; "
        "name one of these, leave the option out, or add a node type to the cluster file."
    )


def _nothing_fits(resources: Resources, machines: Sequence[Node | NodeType]) -> str:
    largest = max(machines, key=lambda machine: (machine.gpus, machine.cpus))
    each = f"{resources.cpus:g} CPU{'' if resources.cpus == 1 else 's'}" + (
        f" and {resources.gpus:g} GPU" if resources.gpus else ""
    )
    has = f"{largest.cpus:g} CPUs and {largest.gpus:g} GPU"
    if resources.gpus > largest.gpus:
        remedy = (
            "Use --gpus-per-pack 0, without --packs-per-gpu, to train on the CPU, or a cluster with GPUs."
        )
    else:
        remedy = "Lower --cpus-per-pack."
    return f"a pack asks for {each}; the largest machine of the cluster ({largest.name}) has {has}. {remedy}"
