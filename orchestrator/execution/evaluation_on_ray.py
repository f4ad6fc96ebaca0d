"""Stored networks evaluated on Ray: a task for each group, on this machine's cores and GPUs or on a cluster.

Plain tasks and not Tune, which schedules what trains for hours and reports meanwhile: a group takes seconds,
says one thing, and what it wrote is whole. So whatever is lost, a worker or the driver, the same command goes
on from what is there.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

import ray

from model.data.dataset import DataInfo
from model.errors import InputError, first_line
from model.machine import cores
from orchestrator.cluster.preflight import Vetted, check_nodes, read_data
from orchestrator.cluster.session import cluster, joined
from orchestrator.execution.arrival import arrive
from orchestrator.execution.asked import Asked, evaluate_group
from orchestrator.execution.device import device_trouble
from orchestrator.execution.evaluation import Report, threads_of
from orchestrator.grid.own import own_code
from orchestrator.planning.evaluation import Group
from orchestrator.planning.local import local_site
from orchestrator.planning.options import Options
from orchestrator.planning.resources import Site
from orchestrator.results.source import Code, training_code

#: Told of each group when it has ended, in whatever order they end.
Told = Callable[[Group, Report], None]


def evaluate_on_ray(
    groups: Sequence[Group], asked: Asked, infos: Mapping[str, DataInfo], options: Options, told: Told
) -> None:
    """Evaluate every group, where `options` say; `infos`: the facts of the data, by name.

    A group whose worker was lost again and again is told as a problem of its trials. Raises InputError, that
    a node raised too, and StorageError.
    """
    code = own_code([trial for group in groups for trial in group])
    with _place(options, infos, code) as (site, vetted):
        shared = ray.put(replace(asked, device=site.resources.device))
        most = cores() if vetted is None else max((node.cpus for node in site.nodes), default=1.0)
        waiting = {}
        for group in groups:
            cpus = min(float(threads_of(next(iter(group.values())))), most)
            task = _on(site, cpus).remote(shared, group, vetted, training_code(), os.getcwd())
            waiting[task] = group
        while waiting:
            (ready, *_), _ = ray.wait([*waiting], num_returns=1)
            group = waiting.pop(ready)
            told(group, _answer(ready, group))


@contextlib.contextmanager
def _place(
    options: Options, infos: Mapping[str, DataInfo], code: tuple[str, ...]
) -> Iterator[tuple[Site, Vetted | None]]:
    """Ray, joined and its nodes vetted where an address is named, else started on this machine."""
    if options.address:
        with joined(options) as site:
            vetted = check_nodes(site, options, infos, code, left_out=_refuse)
            read_data(vetted, site, _refuse)
            yield site, vetted
        return
    site = local_site(options)
    with cluster(None, cores()):
        yield site, None


def _refuse(text: str) -> None:
    raise InputError(text)


def _on(site: Site, cpus: float) -> ray.remote_function.RemoteFunction:
    """The task, with what it asks of Ray."""
    away = {} if site.avoid is None else {"label_selector": {"ray.io/node-id": f"!{site.avoid}"}}
    return ray.remote(num_cpus=cpus, num_gpus=site.resources.gpus, **away)(_evaluate)


def _evaluate(asked: Asked, group: Group, vetted: Vetted | None, code: Code, started_in: str) -> Report:
    """On a worker. The report comes back without predictions, which are written and which nobody reads there.

    Raises InputError where the node cannot take part.
    """
    if (problem := arrive(vetted, code, started_in)) is not None:
        raise InputError(problem.text)
    if (broken := device_trouble(asked.device)) is not None:
        raise InputError(f"node {socket.gethostname()}: {broken}. Take it out, or say --device cpu")
    report = evaluate_group(asked, group)
    report.written = [{**record, "predictions": ""} for record in report.written]
    return report


def _answer(reference: "ray.ObjectRef[Report]", group: Group) -> Report:
    try:
        return cast(Report, ray.get(reference))
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except (ray.exceptions.RayError, OSError) as error:  # the worker or its node was lost, or its memory
        why = f"its worker was lost ({first_line(error)}): run the same command again"
        return Report(problems={trial.trial_id: why for trial in group})
