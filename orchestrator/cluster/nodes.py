"""The machines of the cluster that this process has joined: which are up, and how a task gets to one."""

from collections.abc import Callable, Mapping

import ray
from ray.remote_function import RemoteFunction
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.planning.resources import Node, Site

_GPU_TYPE = "accelerator_type:"
_HEAD = "node:__internal_head__"


def nodes_up() -> list[Node]:
    """The machines that are up."""
    nodes = []
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        resources = node["Resources"]
        name = node["NodeManagerHostname"]
        if node["NodeManagerAddress"] not in (name, "127.0.0.1"):
            name = f"{name} ({node['NodeManagerAddress']})"
        nodes.append(
            Node(
                node["NodeID"],
                name,
                resources.get("CPU", 0.0),
                resources.get("GPU", 0.0),
                head=_HEAD in resources,
                gpu_type=gpu_type_of(resources),
            )
        )
    return nodes


def gpu_type_of(resources: Mapping[str, float]) -> str | None:
    """Ray's name of a machine's accelerator, which it keeps as a resource."""
    return next((name.removeprefix(_GPU_TYPE) for name in resources if name.startswith(_GPU_TYPE)), None)


def this_node() -> NodeAffinitySchedulingStrategy:
    """A scheduling strategy: on the driver's own machine or not at all."""
    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def on_node(
    node_id: str, function: Callable[..., object], cpus: float = 0, gpus: float = 0
) -> RemoteFunction:
    """The function as a task on that node or nowhere, tried once."""
    here = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0, scheduling_strategy=here)(function)


def bundle(site: Site) -> dict[str, float]:
    """What a pack asks of Ray."""
    resources = {"CPU": site.resources.cpus, "GPU": site.resources.gpus}
    if site.gpu_type:
        resources[f"{_GPU_TYPE}{site.gpu_type}"] = 0.001
    return resources


def elsewhere(site: Site) -> list[dict[str, str]] | None:
    """The labels of machines that a bundle may be put on, for a placement group: all but the one to avoid."""
    return None if site.avoid is None else [{"ray.io/node-id": f"!{site.avoid}"}]
