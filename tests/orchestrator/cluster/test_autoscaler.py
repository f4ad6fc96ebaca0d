"""What the autoscaler may bring, from each place where that is said."""

import pytest
import yaml
from ray.autoscaler._private.kuberay import node_provider
from ray.core.generated import autoscaler_pb2

from orchestrator.cluster import autoscaler
from orchestrator.cluster.autoscaler import node_types
from orchestrator.planning.resources import NodeType
from tests.helpers import ROOT

SPOT = NodeType("spot", 8.0, 1.0, 3, "A10G")
RESOURCES = {"CPU": 8, "GPU": 1, "accelerator_type:A10G": 1}
UP = {
    "max_workers": 3,
    "head_node_type": "head",
    "available_node_types": {
        "head": {"resources": {"CPU": 0}},
        "spot": {"resources": RESOURCES, "max_workers": 5},
        "none": {"resources": {"CPU": 4}, "max_workers": 0},
    },
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_CLUSTER_NAME", raising=False)
    return tmp_path


def ray_up(home):
    (home / "ray_bootstrap_config.yaml").write_text(yaml.safe_dump(UP))


def published(*groups):
    """What a platform tells through Ray, in Ray's own words."""
    return autoscaler_pb2.ClusterConfig(
        node_group_configs=[
            autoscaler_pb2.NodeGroupConfig(name=name, max_count=count, resources=RESOURCES)
            for name, count in groups
        ]
    )


def test_nobody_says(home):
    assert node_types() == ([], None)
    (home / "ray_bootstrap_config.yaml").write_text("- no\n- cluster")
    assert node_types() == ([], None)


def test_of_ray_up(home):
    ray_up(home)
    assert node_types() == ([SPOT], 3)


def test_of_ray_itself_before_the_file(home, monkeypatch):
    ray_up(home)
    config = published(("big", 2), ("unlimited", -1), ("none", 0))
    monkeypatch.setattr("ray._private.state.state.get_cluster_config", lambda: config)
    types, most = node_types()
    assert types == [NodeType("big", 8.0, 1.0, 2, "A10G"), NodeType("unlimited", 8.0, 1.0, 1000, "A10G")]
    assert most == 1002
    monkeypatch.setattr("ray._private.state.state.get_cluster_config", published)
    assert node_types() == ([SPOT], 3), "a record that names no machines says nothing"


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_of_the_store_of_a_real_ray(ray_address):
    import ray
    from ray.experimental import internal_kv

    key, namespace = (
        ray._raylet.GCS_AUTOSCALER_CLUSTER_CONFIG_KEY.encode(),
        ray._raylet.GCS_AUTOSCALER_STATE_NAMESPACE.encode(),
    )
    with ray.init(ray_address, log_to_driver=False, configure_logging=False):
        assert node_types() == ([], None)
        config = published(("spot", 3)).SerializeToString()
        internal_kv._internal_kv_put(key, config, namespace=namespace)
        try:
            assert node_types() == ([SPOT], 3)
        finally:
            internal_kv._internal_kv_del(key, namespace=namespace)


class Kubernetes:
    """An API server, as far as `requests.get` is it."""

    def __init__(self, raycluster, status=200):
        self.raycluster, self.status_code, self.asked = raycluster, status, []

    def get(self, url, headers, **_):
        self.asked.append((url, headers))
        return self

    def raise_for_status(self):
        raise node_provider.requests.HTTPError(f"{self.status_code} Forbidden")

    def json(self):
        return self.raycluster


@pytest.fixture
def pod(home, monkeypatch):
    """As in the head's container that KubeRay started."""
    for name, content in (("namespace", "lab"), ("token", "secret"), ("ca.crt", "")):
        (home / name).write_text(content)
    monkeypatch.setattr(autoscaler, "_NAMESPACE", str(home / "namespace"))
    monkeypatch.setattr(node_provider, "IN_CLUSTER_TOKEN_PATH", str(home / "token"))
    monkeypatch.setenv("RAY_CLUSTER_NAME", "normsweep")
    cluster = yaml.safe_load((ROOT / "deploy/kubernetes/raycluster.yaml").read_text())
    cluster["metadata"]["namespace"] = "lab"

    def serve(status=200, **spec):
        server = Kubernetes({**cluster, "spec": {**cluster["spec"], **spec}}, status)
        monkeypatch.setattr(node_provider.requests, "get", server.get)
        return server

    return serve


def test_of_kuberay(pod):
    server = pod()
    assert node_types() == ([NodeType("gpu", 40.0, 4.0, 8)], 8)
    ((url, headers),) = server.asked
    assert url.endswith("/apis/ray.io/v1/namespaces/lab/rayclusters/normsweep")
    assert headers == {"Authorization": "Bearer secret"}


@pytest.mark.parametrize(
    "spec", [{"enableInTreeAutoscaling": False}, {"status": 403}], ids=["fixed", "forbidden"]
)
def test_of_kuberay_without_an_autoscaler_or_a_right_to_ask(pod, spec):
    pod(**spec)
    assert node_types() == ([], None)
