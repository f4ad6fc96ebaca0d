"""cluster.yaml: Ray's own validation, what that misses, and what travels to the nodes."""

import dataclasses
import gzip
import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import moto
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.helpers import ROOT
from tests.helpers import cluster_checks as checks
from tests.helpers.aws_account import launch_policy, preparation
from tests.helpers.iam import allows

FILE = ROOT / "cluster.yaml"

Config = dict[str, Any]


def read():
    return yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="session")
def known():
    """Instance types that botocore knows, with the sizes that moto keeps."""
    table = Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz"
    sizes = json.loads(gzip.decompress(table.read_bytes()))
    names = botocore.session.get_session().get_service_model("ec2").shape_for("InstanceType").enum
    machines = {name: _size(sizes[name]) for name in names if name in sizes}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return checks.Known(
        machines=machines,
        dependencies=tuple(project["dependencies"]),
        pins=tuple(project["optional-dependencies"]["cluster"]),
        python=project["requires-python"],
    )


def _size(facts):
    return facts["VCpuInfo"]["DefaultVCpus"], sum(
        g["Count"] for g in facts.get("GpuInfo", {}).get("Gpus", [])
    )


def test_ray_accepts_it():
    prepared = prepare_config(read())
    validate_config(prepared)
    # Nothing of Ray's own defaults is left in what the nodes run.
    for where in ("head", "worker"):
        own = f"{where}_setup_commands"
        assert prepared[own] == [*read()["setup_commands"], *read()[own]]


def test_our_checks_find_nothing(known):
    assert checks.complaints(read(), known, checks.EVERYWHERE + checks.ON_AWS) == []
    assert checks.pins_agree(known) == []


def _without(path):
    *parents, last = path.split("/")

    def change(config):
        for key in parents:
            config = config[key]
        del config[last]

    return change


def _with(path, value):
    *parents, last = path.split("/")

    def change(config):
        for key in parents:
            config = config[key]
        config[last] = value

    return change


def _in_commands(key, old, new):
    def change(config):
        assert any(old in line for line in config[key])
        config[key] = [line.replace(old, new) for line in config[key]]

    return change


def _docker(key, old, new):
    return lambda config: _in_commands(key, old, new)(config["docker"])


HEAD, WORKER = "available_node_types/head", "available_node_types/gpu_worker"
NIGHTLY = (
    "pip install -U https://s3-us-west-2.amazonaws.com/ray-wheels/latest/ray-3.0.0.dev0-cp310-cp310-linux.whl"
)

# Each is a file that Ray accepts without a word. (check, what was done to it, how)
BROKEN: list[tuple[checks.Check, str, Callable[[Config], None]]] = [
    (checks.lists_are_given, "no initialization_commands", _without("initialization_commands")),
    (checks.lists_are_given, "no worker_start_ray_commands", _without("worker_start_ray_commands")),
    (checks.nothing_moves, "nightly", lambda c: c["setup_commands"].append(NIGHTLY)),
    (checks.nothing_moves, "another torch", lambda c: c["setup_commands"].append("pip install torch==2.6.0")),
    (checks.nothing_moves, "latest", _with("docker/image", "rayproject/ray:latest")),
    (checks.installs, "not installed", _with("head_setup_commands", [])),
    (checks.installs, "without its pins", _in_commands("worker_setup_commands", "[cluster]", "")),
    (checks.installs, "newer", _in_commands("worker_setup_commands", "--constraint", "--quiet")),
    (checks.kernels_compile, "no compiler", _in_commands("worker_setup_commands", "gcc", "make")),
    (checks.head_takes_nothing, "CPUs", _in_commands("head_start_ray_commands", "--num-cpus=0", "")),
    (checks.head_takes_nothing, "GPUs", _in_commands("head_start_ray_commands", "--num-gpus=0", "")),
    (
        checks.head_takes_nothing,
        "no workers",
        _in_commands("head_start_ray_commands", "--autoscaling", "--x"),
    ),
    (checks.head_takes_nothing, "no start", _with("head_start_ray_commands", ["ray stop"])),
    (checks.dashboard_is_private, "open", _in_commands("head_start_ray_commands", "127.0.0.1", "0.0.0.0")),
    (checks.tokens_are_asked_for, "mode", _docker("run_options", "RAY_AUTH_MODE=token", "A=b")),
    (checks.tokens_are_asked_for, "disabled", _docker("run_options", "=token", "=disabled")),
    (checks.tokens_are_asked_for, "no file", lambda c: c["file_mounts"].pop("/home/ray/.ray/auth_token")),
    (checks.tokens_are_asked_for, "readable", _in_commands("setup_commands", "chmod 600", "chmod 644")),
    (checks.a_driver_may_save, "three seconds", _docker("head_run_options", "STOP_WAIT_TIME_S=120", "X=1")),
    (checks.a_driver_may_save, "ten seconds", _docker("head_run_options", "TIME_S=120", "TIME_S=10")),
    (checks.results_are_named_once, "nowhere", _with("docker/head_run_options", [])),
    (
        checks.results_are_named_once,
        "twice",
        lambda c: c["docker"]["run_options"].append("-e NORMSWEEP_RESULTS=s3://other/place"),
    ),
    (checks.results_are_named_once, "no prefix", _docker("head_run_options", "your-bucket/normsweep", "b")),
    (checks.no_secrets, "key id", lambda c: c["docker"]["run_options"].append("-e X=AKIAIOSFODNN7EXAMPLE")),
    (checks.no_secrets, "secret", lambda c: c["setup_commands"].append("export AWS_SECRET_ACCESS_KEY=x")),
    (
        checks.no_secrets,
        "token",
        lambda c: c["docker"]["run_options"].append("-e RAY_AUTH_TOKEN=" + "0f" * 32),
    ),
    (checks.no_secrets, "credentials", _with("provider/aws_credentials", {"aws_access_key_id": "x"})),
    (checks.project_travels, "no project", lambda c: c["file_mounts"].pop("/home/ray/normsweep")),
    (checks.project_travels, "results too", _with("rsync_filter", [])),
    (checks.project_travels, "no commit", lambda c: c["rsync_exclude"].append(".git")),
    (checks.project_travels, "remote URLs", _with("rsync_exclude", ["node_modules"])),
    (checks.project_travels, "no key", lambda c: c["rsync_exclude"].append("*.pem")),
    (checks.counts_agree, "ignored", _with("min_workers", 2)),
    (checks.counts_agree, "heads", _without(f"{HEAD}/max_workers")),
    (checks.counts_agree, "idle", _with(f"{WORKER}/min_workers", 1)),
    (checks.counts_agree, "sum", _with(f"{WORKER}/max_workers", 3)),
    (checks.machines_exist, "bogus", _with(f"{WORKER}/node_config/InstanceType", "g5.13xlarge")),
    (checks.machines_exist, "no type", _without(f"{WORKER}/node_config/InstanceType")),
    (checks.machines_exist, "one GPU", _with(f"{WORKER}/node_config/InstanceType", "g5.xlarge")),
    (checks.machines_exist, "GPUs claimed", _with(f"{WORKER}/resources", {"CPU": 48, "GPU": 8})),
    (checks.machines_exist, "fewer GPUs", _with(f"{WORKER}/node_config/OtherInstanceTypes", ["g5.16xlarge"])),
    (checks.machines_exist, "other GPUs", _with(f"{WORKER}/node_config/OtherInstanceTypes", ["g6.12xlarge"])),
    (checks.machines_exist, "head works", _with(f"{HEAD}/resources", {"CPU": 4, "GPU": 0})),
    (checks.machines_exist, "head's GPUs", _with(f"{HEAD}/node_config/InstanceType", "g5.12xlarge")),
    (checks.image_is_pinned, "old Ray", _with("docker/image", "rayproject/ray:2.49.0-py311-cpu")),
    (checks.image_is_pinned, "old Python", _with("docker/image", "rayproject/ray:2.60.0-py310-cpu")),
    (checks.image_is_pinned, "no tag", _with("docker/image", "rayproject/ray")),
    (checks.image_is_pinned, "two", _with("docker/worker_image", "rayproject/ray:2.60.0-py312-gpu")),
    (checks.workers_are_spot, "on demand", _without(f"{WORKER}/node_config/InstanceMarketOptions")),
    (
        checks.workers_are_spot,
        "typo",
        _with(f"{WORKER}/node_config/InstanceMarketOptions", {"Market": "spot"}),
    ),
    (
        checks.workers_are_spot,
        "head",
        _with(f"{HEAD}/node_config/InstanceMarketOptions", {"MarketType": "spot"}),
    ),
    (checks.defaults_are_overridden, "stopped", _without("provider/cache_stopped_nodes")),
    (checks.defaults_are_overridden, "idle for ever", _with("idle_timeout_minutes", 600)),
    (checks.defaults_are_overridden, "slow", _without("upscaling_speed")),
    (checks.defaults_are_overridden, "old image", _without(f"{WORKER}/node_config/ImageId")),
    (checks.ports_are_closed, "Ray's group", _without(f"{HEAD}/node_config/SecurityGroupIds")),
    (checks.ports_are_closed, "empty group", _with(f"{WORKER}/node_config/SecurityGroupIds", [])),
    (
        checks.ports_are_closed,
        "a rule",
        _with("provider/security_group", {"IpPermissions": [{"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}),
    ),
    (checks.ports_are_closed, "published", lambda c: c["docker"]["run_options"].append("-p 8265:8265")),
    (checks.roles_are_apart, "no role", _without(f"{WORKER}/node_config/IamInstanceProfile")),
    (
        checks.roles_are_apart,
        "one role",
        _with(f"{WORKER}/node_config/IamInstanceProfile", {"Name": "normsweep-head"}),
    ),
    (checks.roles_are_apart, "metadata", _without(f"{WORKER}/node_config/MetadataOptions")),
    (checks.workers_outlive_no_head, "no watch", _without(f"{WORKER}/node_config/UserData")),
    (
        checks.workers_outlive_no_head,
        "kept",
        _without(f"{WORKER}/node_config/InstanceInitiatedShutdownBehavior"),
    ),
    (checks.key_is_its_own, "Ray's", _without("auth/ssh_private_key")),
    (checks.key_is_its_own, "none", _without(f"{WORKER}/node_config/KeyName")),
]


@pytest.mark.parametrize(
    ("check", "change"),
    [pytest.param(check, change, id=f"{check.__name__}: {what}") for check, what, change in BROKEN],
)
def test_each_check_catches_what_ray_misses(known, check, change):
    assert check(read(), known) == []
    broken = read()
    change(broken)
    validate_config(prepare_config(broken))
    assert check(broken, known)


def test_every_check_is_shown_to_catch_something():
    assert {check for check, _, _ in BROKEN} == set(checks.EVERYWHERE + checks.ON_AWS)


@pytest.mark.parametrize(
    "pins",
    [
        ("ray[default]>=2.60", "torch==2.15.0", "torchvision==0.29.2"),
        ("ray[default]==2.60.0", "torch==2.5.0", "torchvision==0.29.2"),
        ("ray[default]==2.60.0", "torch==2.15.0"),
    ],
)
def test_pins_that_do_not_agree_are_caught(known, pins):
    assert checks.pins_agree(dataclasses.replace(known, pins=pins))


def test_yours_to_change_are_marked():
    marked = [
        line for line in FILE.read_text().splitlines() if "CHANGE" in line and "each marked" not in line
    ]
    assert len(marked) == 5
    for word in ("max_workers", "region", "your-bucket"):
        assert any(word in line for line in marked)


def test_the_commands_are_good_shell():
    config = read()
    lists = [value for key, value in config.items() if key.endswith("_commands")]
    for line in [preparation(), *(line for value in lists for line in value)]:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0, line


# An account in place of `aws`: what was made before is refused, as AWS does, and every call is written down.
AWS = """\
#!/bin/bash
printf '%s\\0' "$@" >> "$CALLS"; printf '\\n\\0' >> "$CALLS"
case "$2" in
  mb | create-*) [ -z "$MADE" ] || { echo "it exists already" >&2; exit 254; }; echo sg-1 ;;
  describe-security-groups) echo sg-1 ;;
  describe-vpcs) echo vpc-1 ;;
esac
"""


def prepared(folder, made):
    """The calls of `aws` in an account where all was `made` before (or "", nothing), and what was shown."""
    for name, text in (("aws", AWS), ("curl", "#!/bin/bash\necho 198.51.100.7\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(folder),
        "CALLS": str(folder / "calls"),
        "MADE": made,
    }
    done = subprocess.run(
        ["bash", "-c", preparation().replace("your-bucket", "mine")],
        env=environment, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    calls = [call.split("\0")[:-1] for call in (folder / "calls").read_text().split("\n\0")[:-1]]
    return calls, done.stdout


@pytest.mark.parametrize("made", ["", "before"])
def test_ports_are_opened_in_a_group_that_was_there_before_too(tmp_path, made):
    calls, shown = prepared(tmp_path, made)
    opened = [call for call in calls if "authorize-security-group-ingress" in call]
    assert [call[call.index("--group-id") + 1] for call in opened] == ["sg-1", "sg-1"]
    assert opened[0][-2:] == ["--source-group", "sg-1"]
    assert opened[1][-2:] == ["--cidr", "198.51.100.7/32"]
    assert "security group: sg-1\n" in shown


def test_the_roles_are_no_wider_than_needed(tmp_path):
    """The policies in the comment, as AWS is given them."""
    calls, _ = prepared(tmp_path, "")
    given = {
        (call[call.index("--role-name") + 1], call[1]): json.loads(call[-1])
        for call in calls
        if "policy" in call[-2]
    }
    head, worker = "normsweep-head", "normsweep-worker"
    for name in (head, worker):
        (statement,) = given[name, "create-role"]["Statement"]
        assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}
    bucket, launch = given[worker, "put-role-policy"], given[head, "put-role-policy"]
    assert {s["Resource"] for s in bucket["Statement"]} == {"arn:aws:s3:::mine", "arn:aws:s3:::mine/*"}
    assert "*" not in {action for s in bucket["Statement"] for action in s["Action"]}
    passed = [s for s in launch["Statement"] if s["Action"] == "iam:PassRole"]
    profile = read()["available_node_types"]["gpu_worker"]["node_config"]["IamInstanceProfile"]["Name"]
    assert [s["Resource"] for s in passed] == [f"arn:aws:iam::*:role/{profile}"]
    assert launch == launch_policy()


INSTANCE = "arn:aws:ec2:us-west-2:1:instance/i-1"
OURS, ANOTHERS = {"ray-cluster-name": "normsweep"}, {"ray-cluster-name": "other"}


@pytest.mark.parametrize("verb", ["TerminateInstances", "CreateTags"])
def test_the_head_has_a_say_in_machines_of_its_cluster_alone(verb):
    def may(tags):
        context = {f"ec2:ResourceTag/{name}": value for name, value in tags.items()}
        return allows(launch_policy(), f"ec2:{verb}", INSTANCE, context)

    assert (may(OURS), may(ANOTHERS), may({})) == (True, False, False)
    assert not allows(launch_policy(), f"ec2:{verb}", "arn:aws:ec2:us-west-2:1:volume/vol-1", {})


def test_the_head_starts_machines_of_its_cluster_alone():
    def may(tags):
        context = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
        return allows(launch_policy(), "ec2:RunInstances", INSTANCE, context)

    assert (may(OURS), may(ANOTHERS), may({})) == (True, False, False)
    assert allows(launch_policy(), "ec2:RunInstances", "arn:aws:ec2:us-west-2:1:subnet/subnet-1", {})
    for verb in ("StopInstances", "ModifyInstanceAttribute", "DeleteSecurityGroup"):
        assert not allows(
            launch_policy(), f"ec2:{verb}", INSTANCE, {"ec2:ResourceTag/ray-cluster-name": "normsweep"}
        )


# In the place of the programs: time passes by sleeping alone, and Ray runs for the first forty minutes.
WORLD = """
systemd-run() { while [[ $1 == --* ]]; do shift; done; "$@"; }
sleep() { SECONDS=$((SECONDS + $1)); }
pgrep() { ((SECONDS >= 300 && SECONDS < 2400)); }
shutdown() { echo "$* at $SECONDS"; exit 0; }
export -f systemd-run sleep pgrep shutdown
"""


def test_a_worker_without_a_head_ends_itself_half_an_hour_later():
    """Not while Ray runs, nor while the machine is being set up, though that is without Ray too."""
    script = read()["available_node_types"]["gpu_worker"]["node_config"]["UserData"]
    assert script.startswith("#!/bin/bash\n"), "or cloud-init takes it for no script"
    done = subprocess.run(
        ["bash", "-c", WORLD + script], capture_output=True, text=True, timeout=60, check=True
    )
    what, _, at = done.stdout.strip().rpartition(" at ")
    assert what == "-h now"
    assert 2400 + 1800 - 60 <= int(at) <= 2400 + 1800 + 60


@pytest.mark.skipif(not (shutil.which("rsync") and shutil.which("git")), reason="needs rsync and git")
def test_what_travels_names_its_commit_and_leaves_results_at_home(tmp_path):
    """rsync as Ray calls it (SSHCommandRunner.run_rsync_up), from a folder in use."""
    here, there = tmp_path / "here", tmp_path / "there"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(here)]
    for name in ("orchestrator", "results/fig1", ".venv/bin", "data", "node_modules/axe-core"):
        (here / name).mkdir(parents=True)
        (here / name / "file").write_text("x")
    shutil.copy(ROOT / ".gitignore", here)
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "remote", "add", "origin", "https://me:secret@example.org/x"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    config = read()
    options = [f"--exclude={pattern}" for pattern in config["rsync_exclude"]]
    options += [f"--filter=dir-merge,- {name}" for name in config["rsync_filter"]]
    for source, target in ((here, there), (there, tmp_path / "worker")):  # the head sends it on
        subprocess.run(["rsync", "-az", *options, f"{source}/", f"{target}/"], check=True)
    worker = tmp_path / "worker"
    assert sorted(path.name for path in worker.iterdir()) == [".git", ".gitignore", "orchestrator"]
    commits = {
        subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        ).stdout
        for folder in (here, worker)
    }
    assert len(commits) == 1
    status = ["git", "-C", str(worker), "status", "--porcelain", "--untracked-files=no"]
    assert subprocess.run(status, check=True, capture_output=True, text=True).stdout == ""
    assert not any(b"secret" in path.read_bytes() for path in worker.rglob("*") if path.is_file())
