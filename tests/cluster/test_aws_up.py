"""`ray up cluster.yaml` against moto's EC2, with hosts that obey: what is asked of AWS, and of the machines.

Ray's launcher, its AWS provider and its docker runner are the real ones; see aws_account for the rest.
"""

import base64
import copy
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestrator.cluster.aws import Provider
from tests.helpers import hosts
from tests.helpers.aws_account import FILE, IMAGE, TOKEN, account, bring_up, launch_policy
from tests.helpers.iam import allows
from tests.helpers.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """An account as the comment in cluster.yaml prepares it."""
    folder = tmp_path_factory.mktemp("aws")
    with account(folder, "127.0.0.1", "127.0.0.1") as made:
        yield made


@pytest.fixture(scope="module")
def up(cloud):
    """A filled-in cluster.yaml, brought up."""
    return bring_up(cloud)


def test_a_file_that_nobody_filled_in_launches_nothing(cloud):
    before = len(cloud.machines())
    done = cloud.ray("up", "--yes", "--no-config-cache", cloud.file("bare.yaml", {}))
    assert done.returncode != 0
    assert "Failed to detect a security group" in done.stdout + done.stderr
    assert len(cloud.machines()) == before


def test_the_head_is_what_the_file_says(cloud, up):
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


def test_nothing_was_opened_to_the_world(cloud, up):
    groups = cloud.client("ec2").describe_security_groups()["SecurityGroups"]
    ranges = [
        source["CidrIp"]
        for group in groups
        for rule in group["IpPermissions"]
        for source in rule.get("IpRanges", [])
    ]
    assert ranges == ["198.51.100.7/32"]
    assert sorted(group["GroupName"] for group in groups) == ["default", "normsweep"]


def test_ray_made_no_role_with_the_run_of_the_account(cloud, up):
    roles = {role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"]}
    assert "ray-autoscaler-v1" not in roles


def test_the_container_gets_its_environment(cloud, up):
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


def test_the_node_is_set_up_in_order(cloud, up):
    told = cloud.told()
    steps = ["/home/ray/.ray/auth_token", "docker run", "chmod 600", "pip install", "ray stop", "ray start"]
    places = [next(i for i, line in enumerate(told) if step in line) for step in steps]
    assert places == sorted(places)
    start = told[places[-1]]
    assert '{"CPU":0,"GPU":0}' in start
    assert "--num-cpus=0 --num-gpus=0 --dashboard-host=127.0.0.1" in start
    assert not any("nightly" in line or ".whl" in line or "boto3>=" in line for line in told)


def test_the_token_is_in_no_command_and_the_key_is_private(cloud, up):
    assert not any(TOKEN in line for line in cloud.told())
    assert TOKEN not in (cloud.folder / "told.config").read_text()
    (key,) = (cloud.folder / "home/.ssh").glob("*.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    keys = cloud.client("ec2").describe_key_pairs()["KeyPairs"]
    assert [key["KeyName"] for key in keys] == ["normsweep"], "Ray made none that other clusters share"


@pytest.fixture
def provider(cloud, up, monkeypatch):
    """EC2 as the head sees it, from the file that it was sent."""
    for name in [name for name in cloud.environment if name.startswith("AWS_")]:
        monkeypatch.setenv(name, cloud.environment[name])
    config = json.loads((cloud.folder / "told.config").read_text())
    return Provider(config["provider"], config["cluster_name"])


@pytest.fixture
def requests(provider):
    """What it asks of EC2: the name of each call and its parameters."""
    made = []

    def note(params, model, **_):
        made.append((model.name, copy.deepcopy(params)))

    for client in (provider.ec2.meta.client, provider.ec2_fail_fast.meta.client):
        client.meta.events.register("provide-client-params.ec2", note)
    return made


def test_the_head_launches_spot_workers_and_ends_them(cloud, up, provider, requests):
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
    assert name in provider.non_terminated_nodes({})  # as its autoscaler looks, round by round
    provider.set_node_tags(name, {"ray-node-status": "up-to-date"})
    provider.terminate_nodes([name])
    assert [m["InstanceId"] for m in cloud.machines("shutting-down", "terminated")] == [name]
    assert cloud.machines("stopping", "stopped") == []
    assert machine["KeyName"] == "normsweep"
    client = cloud.client("ec2")
    script = client.describe_instance_attribute(InstanceId=name, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(script).decode() == kind["node_config"]["UserData"]
    ends = client.describe_instance_attribute(InstanceId=name, Attribute="instanceInitiatedShutdownBehavior")
    assert ends["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
    refused = [call for call, params in requests if not _may(call, params)]
    assert {call for call, _ in requests} >= {"RunInstances", "CreateTags", "TerminateInstances"}
    assert refused == [], "the head's role allows what Ray really asks for"


def _may(call, params):
    """Whether the policy of cluster.yaml lets the head do that. The machines it is done to are its cluster's."""
    policy, instance = launch_policy(), "arn:aws:ec2:us-west-2:1:instance/i-1"
    if call.startswith("Describe"):
        return allows(policy, f"ec2:{call}", "*", {})
    ours = {"ec2:ResourceTag/ray-cluster-name": "normsweep"}
    if call != "RunInstances":
        return allows(policy, f"ec2:{call}", instance, ours)
    (tags,) = [tags["Tags"] for tags in params["TagSpecifications"] if tags["ResourceType"] == "instance"]
    context = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
    return all(
        [
            allows(policy, "ec2:RunInstances", instance, context),
            allows(policy, "ec2:RunInstances", "arn:aws:ec2:us-west-2:1:volume/*", context),
            allows(policy, "ec2:CreateTags", instance, {"ec2:CreateAction": "RunInstances"}),
        ]
    )


def test_ray_down_leaves_nothing(cloud, up):
    done = cloud.ray("down", "--yes", up)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cloud.machines("pending", "running", "stopping", "stopped") == []


@pytest.mark.skipif(shutil.which("aws") is None, reason="needs the AWS command line")
def test_the_commands_in_the_file_prepare_an_account(cloud):
    """As _prepare does, under another name; moto has none of AWS's public images, hence not the last one."""
    lines = [line.removeprefix("#   ") for line in FILE.read_text().splitlines() if line.startswith("#   ")]
    assert "ssm get-parameter" in lines[-1]
    script = "\n".join(lines[:-1]).replace("normsweep", "another").replace("your-bucket", "a-bucket")
    environment = {**cloud.environment, "AWS_PAGER": ""}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    groups = cloud.client("ec2").describe_security_groups()["SecurityGroups"]
    mine, expected = (next(g for g in groups if g["GroupName"] == name) for name in ("another", "normsweep"))
    assert mine["GroupId"] in done.stdout
    assert _rules(mine) == _rules(expected)
    profiles = cloud.client("iam").list_instance_profiles()["InstanceProfiles"]
    roles = {p["InstanceProfileName"]: [r["RoleName"] for r in p["Roles"]] for p in profiles}
    assert roles["another-head"] == ["another-head"]
    assert roles["another-worker"] == ["another-worker"]
    policies = {
        name: sorted(cloud.client("iam").list_role_policies(RoleName=name)["PolicyNames"])
        for name in ("another-head", "another-worker")
    }
    assert policies == {"another-head": ["bucket", "launch"], "another-worker": ["bucket"]}


def _rules(group):
    return [
        (
            rule["IpProtocol"],
            rule.get("FromPort"),
            [source["CidrIp"] for source in rule["IpRanges"]],
            [pair["GroupId"] == group["GroupId"] for pair in rule["UserIdGroupPairs"]],
        )
        for rule in group["IpPermissions"]
    ]


@pytest.mark.skipif(hosts.obstacle() is not None, reason=f"hosts: {hosts.obstacle()}")
def test_a_real_head_launches_what_the_work_needs(tmp_path):
    """Ray's head with its autoscaler, in namespaces of its own, from none to the one machine that is needed."""
    with hosts.Network(tmp_path / "net") as network:
        host = network.add("head", {})
        shared = network.folder / "aws"  # what a host sees of this machine's /tmp
        shared.mkdir()
        with account(shared, network.gateway, network.gateway) as cloud:
            bring_up(cloud)
            (head,) = cloud.machines()
            begin = _as_the_head(host, cloud, head["InstanceId"])
            for name in ("told", "told.up"):  # another machine, and no container on it yet
                (cloud.folder / name).unlink()
            config = yaml.safe_load(FILE.read_text())
            host.run(f"{begin} {config['head_start_ray_commands'][-1]}")
            work = "[ray.remote(num_cpus=1, num_gpus=0.5)(int).remote() for _ in range(8)]"
            program = f"import ray, time; ray.init('auto'); work = {work}; time.sleep(600)"
            host.start(f"{begin} {shlex.quote(sys.executable)} -c {shlex.quote(program)}", shared / "log")
            until(lambda: any("ray start --address" in line for line in cloud.told()), 180, "a worker starts")
            launched = [m for m in cloud.machines() if m["InstanceId"] != head["InstanceId"]]
            assert [(m["InstanceType"], m["InstanceLifecycle"]) for m in launched] == [
                ("g5.12xlarge", "spot")
            ]
            (run,) = [line for line in cloud.told() if "docker run" in line]
            assert " -e RAY_AUTH_MODE=token " in run
            assert "NORMSWEEP_RESULTS" not in run
            (start,) = [line for line in cloud.told() if "ray start --address" in line]
            assert f"RAY_HEAD_IP={host.address}" in start
            assert '"GPU":4' in start


def _as_the_head(host, cloud, name):
    """Put onto a host what `ray up` sent to its head; gives its environment, for a shell."""
    sent = (cloud.folder / "told.config").read_text()
    home = host.run("pwd").stdout.strip()
    (host.home / "ray_bootstrap_config.yaml").write_text(sent.replace("/home/ray", home))
    (host.home / "ray_bootstrap_key.pem").write_text("")
    (host.home / "normsweep").mkdir()
    (host.home / ".ray").mkdir()
    (host.home / ".ray/auth_token").write_text(TOKEN)
    variables = {
        **{key: value for key, value in cloud.environment.items() if key not in ("HOME", "TMPDIR")},
        "PATH": f"{cloud.folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_OVERRIDE_RESOURCES": '{"CPU":0,"GPU":0}',
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": name,
        "RAY_NODE_TYPE_NAME": "head",
    }
    return " ".join(f"export {key}={shlex.quote(value)};" for key, value in variables.items())
