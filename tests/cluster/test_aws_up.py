"""`ray up cluster.yaml` against moto's EC2, with hosts that obey: what is asked of AWS, and of the machines.

moto launches nothing, so `ssh` and `rsync` are scripts that write down what they were told and answer as a
fresh machine with docker would. Ray's launcher itself, its AWS provider and its docker runner are the real
ones. Everything listens on loopback; the home, keys and caches are the test's own.
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

FILE = Path(__file__).parents[2] / "cluster.yaml"
REGION = "us-west-2"
TOKEN = "f1e2d3c4" * 8
IMAGE = "rayproject/ray:2.60.0-py311-cpu"

pytestmark = pytest.mark.slow

SSH = """\
#!/bin/bash
command="${@: -1}"
printf '%s\\0' "$command" >> "$TOLD"
case "$command" in
  *State.Running*) [ ! -e "$TOLD.up" ] || echo true ;;
  *"docker run"*) touch "$TOLD.up" ;;
  *"printenv HOME"*) echo /home/ray ;;
  *.Config.Env*) echo '["HOME=/home/ray"]' ;;
  *.Runtimes*) echo 'map[nvidia:{nvidia-container-runtime}]' ;;
  *"command -v docker"*) echo /usr/bin/docker ;;
  *meminfo*) echo "MemAvailable: 16000000 kB" ;;
esac
"""
RSYNC = """\
#!/bin/bash
source="${@: -2:1}"; target="${@: -1}"
printf 'rsync %s %s\\0' "$source" "$target" >> "$TOLD"
case "$target" in *ray_bootstrap_config.yaml) cp "$source" "$TOLD.config" ;; esac
"""


@dataclass
class Cloud:
    """An AWS account on loopback, and somebody's laptop."""

    folder: Path
    environment: dict[str, str]
    group: str
    image: str

    def ray(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "ray.scripts.scripts", *arguments],
            cwd=self.folder / "project",
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def machines(self, *states: str) -> list[dict[str, Any]]:
        answer = self.client("ec2").describe_instances()
        found = [machine for group in answer["Reservations"] for machine in group["Instances"]]
        return [
            machine for machine in found if machine["State"]["Name"] in (states or ("pending", "running"))
        ]

    def file(self, name: str, changes: dict[str, str]) -> str:
        text = FILE.read_text()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def told(self) -> list[str]:
        """What the machines were told, in order."""
        path = self.folder / "told"
        return path.read_text().split("\0")[:-1] if path.exists() else []


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An account as the comment in cluster.yaml prepares it."""
    folder = tmp_path_factory.mktemp("aws")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        made = Cloud(folder, _laptop(folder, f"http://{host}:{port}"), "", "")
        made.group, made.image = _prepare(made)
        yield made
    finally:
        server.stop()


def _laptop(folder: Path, endpoint: str) -> dict[str, str]:
    for name, text in (("ssh", SSH), ("rsync", RSYNC)):
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (folder / "home/.ray").mkdir(parents=True)
    (folder / "home/.ray/auth_token").write_text(TOKEN)
    (folder / "home/.ray/auth_token").chmod(0o600)
    (folder / "project").mkdir()
    (folder / "project/pyproject.toml").write_text("")
    return {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder),
        "TOLD": str(folder / "told"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }


def _prepare(cloud: Cloud) -> tuple[str, str]:
    iam, ec2 = cloud.client("iam"), cloud.client("ec2")
    for name in ("normsweep-head", "normsweep-worker"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    group = ec2.create_security_group(GroupName="normsweep", Description="normsweep")["GroupId"]
    within = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.51.100.7/32"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[within, ssh])
    return group, ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]


@pytest.fixture(scope="module")
def up(cloud: Cloud) -> str:
    """A filled-in cluster.yaml, brought up."""
    file = cloud.file(
        "cluster.yaml",
        {
            "ami-00000000000000000": cloud.image,
            "sg-00000000000000000": cloud.group,
            "s3://your-bucket/normsweep": "s3://mine/normsweep",
        },
    )
    done = cloud.ray("up", "--yes", "--no-config-cache", file)
    assert done.returncode == 0, done.stdout + done.stderr
    return file


def test_a_file_that_nobody_filled_in_launches_nothing(cloud: Cloud) -> None:
    before = len(cloud.machines())
    done = cloud.ray("up", "--yes", "--no-config-cache", cloud.file("bare.yaml", {}))
    assert done.returncode != 0
    assert "Failed to detect a security group" in done.stdout + done.stderr
    assert len(cloud.machines()) == before


def test_the_head_is_what_the_file_says(cloud: Cloud, up: str) -> None:
    (machine,) = cloud.machines()
    assert machine["InstanceType"] == "m6i.xlarge"
    assert machine["ImageId"] == cloud.image
    assert "InstanceLifecycle" not in machine  # not spot
    assert machine["IamInstanceProfile"]["Arn"].endswith("instance-profile/normsweep-head")
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    assert [group["GroupId"] for group in machine["SecurityGroups"]] == [cloud.group]
    tags = {tag["Key"]: tag["Value"] for tag in machine["Tags"]}
    assert (tags["ray-node-type"], tags["ray-user-node-type"]) == ("head", "head")
    script = cloud.client("ec2").describe_instance_attribute(
        InstanceId=machine["InstanceId"], Attribute="userData"
    )
    assert not script["UserData"]


def test_nothing_was_opened_to_the_world(cloud: Cloud, up: str) -> None:
    groups = cloud.client("ec2").describe_security_groups()["SecurityGroups"]
    ranges = [
        source["CidrIp"]
        for group in groups
        for rule in group["IpPermissions"]
        for source in rule.get("IpRanges", [])
    ]
    assert ranges == ["198.51.100.7/32"]
    assert sorted(group["GroupName"] for group in groups) == ["default", "normsweep"]


def test_ray_made_no_role_with_the_run_of_the_account(cloud: Cloud, up: str) -> None:
    roles = {role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"]}
    assert "ray-autoscaler-v1" not in roles


def test_the_container_gets_its_environment(cloud: Cloud, up: str) -> None:
    (run,) = [line for line in cloud.told() if "docker run" in line]
    assert f" {IMAGE} " in run
    assert " --net=host " in run
    for option in (
        "RAY_AUTH_MODE=token",
        "NORMSWEEP_RESULTS=s3://mine/normsweep",
        "NVIDIA_VISIBLE_DEVICES=all",
    ):
        assert f" -e {option} " in run
    assert ":/home/ray/.ray/auth_token " in run
    assert ":/home/ray/normsweep " in run


def test_the_node_is_set_up_in_order(cloud: Cloud, up: str) -> None:
    told = cloud.told()
    steps = ["/home/ray/.ray/auth_token", "docker run", "chmod 600", "pip install", "ray stop", "ray start"]
    places = [next(i for i, line in enumerate(told) if step in line) for step in steps]
    assert places == sorted(places)
    start = told[places[-1]]
    assert '{"CPU":0,"GPU":0}' in start
    assert "--num-cpus=0 --num-gpus=0 --dashboard-host=127.0.0.1" in start
    assert not any("nightly" in line or ".whl" in line or "boto3>=" in line for line in told)


def test_the_token_is_in_no_command_and_the_key_is_private(cloud: Cloud, up: str) -> None:
    assert not any(TOKEN in line for line in cloud.told())
    assert TOKEN not in (cloud.folder / "told.config").read_text()
    (key,) = (cloud.folder / "home/.ssh").glob("*.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.fixture
def provider(cloud: Cloud, up: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """EC2 as the head sees it, from the file that it was sent."""
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider

    for name in [name for name in cloud.environment if name.startswith("AWS_")]:
        monkeypatch.setenv(name, cloud.environment[name])
    config = json.loads((cloud.folder / "told.config").read_text())
    return AWSNodeProvider(config["provider"], config["cluster_name"])


def test_the_head_launches_spot_workers_and_ends_them(cloud: Cloud, up: str, provider: Any) -> None:
    config = json.loads((cloud.folder / "told.config").read_text())
    assert config["auth"]["ssh_private_key"] == "~/ray_bootstrap_key.pem"
    kind = config["available_node_types"]["gpu_worker"]
    tags = {"ray-node-type": "worker", "ray-user-node-type": "gpu_worker", "ray-launch-config": "x"}
    (name,) = provider.create_node(kind["node_config"], tags, 1)
    (machine,) = [machine for machine in cloud.machines() if machine["InstanceId"] == name]
    assert machine["InstanceType"] == "g5.12xlarge"
    assert machine["InstanceLifecycle"] == "spot"
    assert machine["ImageId"] == cloud.image
    assert machine["IamInstanceProfile"]["Arn"].endswith("instance-profile/normsweep-worker")
    assert [group["GroupId"] for group in machine["SecurityGroups"]] == [cloud.group]
    # Ray adds the memory and the kind of GPU; what a pack asks for is what the file says.
    assert (kind["resources"]["CPU"], kind["resources"]["GPU"]) == (48, 4)
    provider.terminate_nodes([name])
    assert [m["InstanceId"] for m in cloud.machines("shutting-down", "terminated")] == [name]
    assert cloud.machines("stopping", "stopped") == []


def test_ray_down_leaves_nothing(cloud: Cloud, up: str) -> None:
    done = cloud.ray("down", "--yes", up)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cloud.machines("pending", "running", "stopping", "stopped") == []
