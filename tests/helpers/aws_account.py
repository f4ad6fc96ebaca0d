"""An AWS account on loopback (moto, in a process of its own), and a laptop whose hosts obey.

moto launches nothing, so `ssh` and `rsync` are scripts that write down what they were told and answer as a
fresh machine with docker would. The home, the keys and the caches are the test's own.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.helpers import ROOT
from tests.helpers.servers import aws

FILE = ROOT / "cluster.yaml"
REGION = "us-west-2"
TOKEN = "f1e2d3c4" * 8
IMAGE = "rayproject/ray:2.60.0-py311-cpu"

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
CURL = "#!/bin/bash\necho 198.51.100.7\n"  # the address of whoever asks
RSYNC = """\
#!/bin/bash
source="${@: -2:1}"; target="${@: -1}"
printf 'rsync %s %s\\0' "$source" "$target" >> "$TOLD"
case "$target" in *ray_bootstrap_config.yaml) cp "$source" "$TOLD.config" ;; esac
"""


def preparation() -> str:
    """The commands of the file's first comment: what an account needs once."""
    lines = FILE.read_text().split("\ncluster_name")[0].splitlines()
    return "\n".join(line.removeprefix("#   ") for line in lines if line.startswith("#   "))


def launch_policy() -> dict[str, Any]:
    """What the head's role may do with machines, as those commands give it to AWS."""
    commands, _, _ = preparation().partition("\nfor name in")
    lines = [line for line in commands.splitlines() if not line.startswith("aws ")]
    script = "\n".join([*lines, 'printf %s "$launch"'])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    policy: dict[str, Any] = json.loads(done.stdout)
    return policy


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


@contextlib.contextmanager
def account(folder: Path, listen: str, address: str) -> Iterator[Cloud]:
    """An AWS of its own, in a process of its own; it listens at `listen`, and `address` is the way there."""
    with aws(listen, address) as endpoint:
        made = Cloud(folder, _laptop(folder, endpoint), "", "")
        made.group, made.image = _prepare(made)
        yield made


def _laptop(folder: Path, endpoint: str) -> dict[str, str]:
    for name, text in (("ssh", SSH), ("rsync", RSYNC), ("curl", CURL)):
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
        "PYTHONPATH": str(ROOT),  # of the provider that the file names
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
    key = cloud.folder / "home/.ssh/normsweep.pem"
    key.parent.mkdir()
    key.touch(0o600)
    key.write_text(ec2.create_key_pair(KeyName="normsweep")["KeyMaterial"])
    group = ec2.create_security_group(GroupName="normsweep", Description="normsweep")["GroupId"]
    within = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.51.100.7/32"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[within, ssh])
    return group, ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]


def bring_up(cloud: Cloud) -> str:
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
