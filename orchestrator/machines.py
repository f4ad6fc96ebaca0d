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
from orchestrator.execution import Resources, packs_at_once


@dataclass(frozen=True)
class Node:
    """A machine that is up. `gpu_type`: Ray's name of its accelerator, such as A10G; None without one."""

    node_id: str
    name: str
    cpus: float
    gpus: float
    head: bool = False
    gpu_type: str | None = None


@dataclass(frozen=True)
class NodeType:
    """Machines that the autoscaler may bring; `most` of them at once."""

    name: str
    cpus: float
    gpus: float
    most: int
    gpu_type: str | None = None


@dataclass(frozen=True)
class Site:
    """Where packs go. `nodes`: up now and in use; `slots`: packs that run at once when all have come.

    `most_nodes`: machines when all have come. `avoid`: node id of the head where packs stay off it.
    """

    resources: Resources
    slots: int
    nodes: tuple[Node, ...] = ()
    most_nodes: int = 1
    gpus_per_node: float = 0.0
    avoid: str | None = None
    gpu_type: str | None = None


def choose_site(
    nodes: Sequence[Node],
    types: Sequence[NodeType],
    *,
    cpus_per_pack: float,
    gpus_per_pack: float | None,
    gpu_type: str | None = None,
    use_head: bool = False,
) -> Site:
    """Where the packs of a sweep go on this cluster. `gpus_per_pack`: None takes one where there are any.

    Raises InputError where no machine, up or to come, can take a pack.
    """
    alone = len(nodes) == 1 and not types
    usable = [node for node in nodes if use_head or alone or not node.head]
    if not usable and not types:
        raise InputError(
            "the cluster has no machine but its head. Start workers, or add --use-head to train on the head."
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
    up = [machine for machine in fitting if isinstance(machine, Node)]
    coming = [machine for machine in fitting if isinstance(machine, NodeType)]
    # The autoscaler's machines that are up already are counted in the most of their type.
    counts: list[tuple[Node | NodeType, int]] = [(machine, machine.most) for machine in coming]
    counts += [(machine, 1) for machine in up if machine.head or not coming]
    head = next((node for node in nodes if node.head), None)
    return Site(
        resources,
        slots=sum(count * packs_on(machine, resources) for machine, count in counts),
        nodes=tuple(up),
        most_nodes=sum(count for _, count in counts),
        gpus_per_node=max((machine.gpus for machine in fitting), default=0.0),
        avoid=head.node_id if head is not None and head not in usable else None,
        gpu_type=_spelling(gpu_type, fitting),
    )


def packs_on(machine: Node | NodeType, resources: Resources) -> int:
    """Packs that fit on one machine at once; a pack never lies across two."""
    return packs_at_once(resources, machine.cpus, machine.gpus)


@dataclass(frozen=True)
class Bill:
    """What a plan takes. `gpu_hours` are of whole machines, which is what is paid for."""

    node_hours: float
    gpu_hours: float
    money: float | None


def bill(site: Site, seconds: float, packs: int, price: float | None = None) -> Bill:
    """What `packs` packs cost whose makespan is `seconds`; `price` in money per GPU-hour.

    Machines are counted from the beginning to the end: the last packs keep theirs, and how soon idle
    ones are let go is the cluster's affair.
    """
    per_node = max(1, round(site.slots / site.most_nodes))
    nodes = min(site.most_nodes, math.ceil(packs / per_node))
    node_hours = nodes * seconds / 3600
    gpu_hours = node_hours * site.gpus_per_node
    return Bill(node_hours, gpu_hours, None if price is None else gpu_hours * price)


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
    each = f"{resources.cpus:g} CPUs" + (f" and {resources.gpus:g} GPU" if resources.gpus else "")
    has = f"{largest.cpus:g} CPUs and {largest.gpus:g} GPU"
    if resources.gpus > largest.gpus:
        remedy = "Use --gpus-per-pack 0 to train on the CPU, or a cluster with GPUs."
    else:
        remedy = "Lower --cpus-per-pack."
    return f"a pack asks for {each}; the largest machine of the cluster ({largest.name}) has {has}. {remedy}"
