"""deploy/kubernetes: what KubeRay's types, Kubernetes' client and Ray's own autoscaler say of it. No cluster has."""

import copy
import re
import tomllib

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr

from tests.helpers import ROOT
from tests.helpers.kuberay import SCHEMA, strange

FOLDER = ROOT / "deploy/kubernetes"
PINS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def read(name):
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


@pytest.fixture
def cluster():
    (found,) = read("raycluster.yaml")
    return found


@pytest.fixture
def job():
    (found,) = read("rayjob.yaml")
    return found


def groups(cluster):
    return [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]


def test_kuberay_takes_them(cluster, job):
    for resource in (cluster, job):
        jsonschema.validate(resource, SCHEMA)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("enableInTreeAutoscalling",), True),
        (("authOptions", "mode"), "password"),
        (("autoscalerOptions", "version"), 2),
        (("headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("workerGroupSpecs", 0, "maxReplicas"), "8"),
    ],
)
def test_what_kuberay_would_refuse_is_seen(cluster, place, value):
    broken = copy.deepcopy(cluster)
    inner = broken["spec"]
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_kubernetes_knows_every_field_of_the_pods(cluster):
    pytest.importorskip("kubernetes", reason="needs Kubernetes' own client: pip install kubernetes")
    for group in groups(cluster):
        assert strange(group["template"], "V1PodTemplateSpec") == []
    options = cluster["spec"]["autoscalerOptions"]
    assert strange(options["securityContext"], "V1SecurityContext") == []
    for account in read("service-accounts.yaml"):
        assert strange(account, "V1ServiceAccount") == []
    pod = groups(cluster)[0]["template"]
    pod["spec"]["containers"][0]["volumeMount"] = []
    pod["spec"]["securityContext"]["runAsUser"] = "1000"
    assert len(strange(pod, "V1PodTemplateSpec")) == 2


def test_ray_scales_it_from_none_and_leaves_the_head_alone(cluster):
    cluster["metadata"]["namespace"] = "lab"
    config = _derive_autoscaling_config_from_ray_cr(cluster)
    head, worker = (config["available_node_types"][name] for name in ("headgroup", "gpu"))
    assert head["resources"]["CPU"] == 0
    assert (worker["min_workers"], worker["max_workers"]) == (0, 8)
    assert (worker["resources"]["CPU"], worker["resources"]["GPU"]) == (40, 4)


def test_the_job_has_the_same_cluster(cluster, job):
    assert job["spec"]["rayClusterSpec"] == cluster["spec"]


def test_nobody_is_root_and_accounts_exist(cluster):
    accounts = {account["metadata"]["name"] for account in read("service-accounts.yaml")}
    for group in groups(cluster):
        pod = group["template"]["spec"]
        assert pod["serviceAccountName"] in accounts
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
    workers = cluster["spec"]["workerGroupSpecs"]
    assert all(not group["template"]["spec"]["automountServiceAccountToken"] for group in workers)


def test_the_image_has_what_runs(cluster):
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    (ray,) = [pin.partition("==")[2] for pin in PINS["cluster"] if pin.startswith("ray[")]
    assert cluster["spec"]["rayVersion"] == ray
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    assert all((ROOT / name).exists() for name in copied)
    assert {"orchestrator", "model", "analysis", "pyproject.toml"} <= set(copied)
    (extras,) = [line.partition("=")[2] for line in lines if line.startswith("ARG EXTRAS")]
    assert set(extras.split(",")) <= set(PINS)
    (user,) = {line.split()[1] for line in lines if line.startswith("USER")}
    assert int(user) == groups(cluster)[0]["template"]["spec"]["securityContext"]["runAsUser"]
    assert re.search(r"apt-get install .*\bwget\b", "\n".join(lines)), "KubeRay's probes call it"
    assert re.search(r"apt-get install .*\bgcc\b.*\blibc6-dev\b", "\n".join(lines)), "Triton calls it"
