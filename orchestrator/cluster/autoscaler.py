"""What the autoscaler of the cluster may bring: asked of Ray first, then of whatever started it.

Ray tells a driver what its cluster is. What it may become a platform can say through Ray, where Ray's own
libraries read it; KubeRay says it in the RayCluster, by which its autoscaler goes too; and `ray up` in a
file on the head.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ray
import yaml

from orchestrator.cluster.nodes import gpu_type_of
from orchestrator.planning.resources import NodeType

_BOOTSTRAP = "~/ray_bootstrap_config.yaml"
_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
#: Of what Ray's own record says has no limit.
_UNLIMITED = 1000


def node_types() -> tuple[list[NodeType], int | None]:
    """The kinds of machines that may come, and how many in all; ([], None) where nobody says."""
    sources: tuple[Callable[[], Mapping[str, Any] | None], ...] = (_of_ray, _of_kuberay, _of_ray_up)
    for source in sources:
        try:
            if config := source():
                return _types(config)
        except Exception:  # no autoscaler is no error, and each of these has errors of its own
            continue
    return [], None


def _of_ray() -> Mapping[str, Any] | None:
    """The cluster's configuration in Ray's own store, in the words of a cluster file."""
    config = ray._private.state.state.get_cluster_config()
    if config is None or not config.node_group_configs:
        return None
    kinds = {
        group.name: {
            "resources": dict(group.resources),
            "max_workers": _UNLIMITED if group.max_count < 0 else group.max_count,
        }
        for group in config.node_group_configs
    }
    return {"available_node_types": kinds, "max_workers": sum(kind["max_workers"] for kind in kinds.values())}


def _of_kuberay() -> Mapping[str, Any] | None:
    """The RayCluster that this pod belongs to, as Ray's autoscaler reads it. Its service account may."""
    name = os.environ.get("RAY_CLUSTER_NAME")
    if not name or not os.path.exists(_NAMESPACE):
        return None
    from ray.autoscaler._private.kuberay.autoscaling_config import (
        _derive_autoscaling_config_from_ray_cr,
    )
    from ray.autoscaler._private.kuberay.node_provider import KubernetesHttpApiClient

    namespace = Path(_NAMESPACE).read_text().strip()
    found = KubernetesHttpApiClient(namespace=namespace).get(f"rayclusters/{name}")
    if not found["spec"].get("enableInTreeAutoscaling"):
        return None
    config: Mapping[str, Any] = _derive_autoscaling_config_from_ray_cr(found)
    return config


def _of_ray_up() -> Mapping[str, Any] | None:
    config = yaml.safe_load(Path(_BOOTSTRAP).expanduser().read_text())
    return config if isinstance(config, dict) else None


def _types(config: Mapping[str, Any]) -> tuple[list[NodeType], int]:
    most = int(config.get("max_workers", 0))
    kinds = dict(config["available_node_types"])
    kinds.pop(config.get("head_node_type"), None)
    types = [
        NodeType(
            name,
            float(kind["resources"].get("CPU", 0)),
            float(kind["resources"].get("GPU", 0)),
            min(most, int(kind.get("max_workers", most))),
            gpu_type_of(kind["resources"]),
        )
        for name, kind in kinds.items()
    ]
    return [kind for kind in types if kind.most], most
