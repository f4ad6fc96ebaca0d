"""A sweep on separate hosts, as the README tells a user: `ray up`, `ray job submit`, hosts lost and added.

A head and two workers come up from the generated cluster file; the sweep is submitted from a laptop, stopped,
submitted again, and loses both workers, one behind a cut cable, after a third has come. Every number must
be that of a run on one machine. The tests go in order: each finds the cluster as the one before left it.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from hosts import Network, obstacle
from numbers_of import numbers
from tiny import make_images

from model.errors import InputError
from orchestrator.run import main
from orchestrator.status import status
from orchestrator.store import Store

for module in ("s3fs", "moto", "aiohttp_cors"):
    pytest.importorskip(module, reason="needs the extras s3 and cluster, and moto")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(obstacle() is not None, reason=f"separate hosts: {obstacle()}"),
]

PROJECT = Path(__file__).parent.parent.parent
RESULTS = "s3://bucket/some/prefix"
EPOCHS = 30
GRID = f"""\
blocks:
  - {{dataset: imagefolder, norm: bn,            batch_size: 4, epochs: {EPOCHS}, seeds: 4}}
  - {{dataset: imagefolder, norm: gn, groups: 4, batch_size: 4, epochs: {EPOCHS}, seeds: 4}}
"""
PACK = ["--pack", "2"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Four hosts that have images in their homes, and a copy of the project to sync."""
    folder = tmp_path_factory.mktemp("net")
    images = make_images(folder / "images")
    for package in ("orchestrator", "model", "analysis"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, folder / "project" / package, ignore=ignore)
    shutil.copy(PROJECT / "pyproject.toml", folder / "project")
    (folder / "grid.yaml").write_text(GRID)
    with Network(folder) as network:
        network.add("laptop", {"PATH": f"{sys.prefix}/bin:$PATH", "RAY_AUTH_MODE": "token"})
        for name in ("head", "w1", "w2"):
            shutil.copytree(images, network.add(name, {}).home / "images")
        yield network


@pytest.fixture(scope="module")
def undisturbed(network, tmp_path_factory):
    """The same grid in this process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    grid, images = str(network.folder / "grid.yaml"), str(network.folder / "images")
    command = ["--grid", grid, "--data-dir", images, *PACK, "--executor", "inline"]
    assert main([*command, "--results", str(folder)]) == 0
    found = numbers(folder)
    assert len(found) == 8
    return found


@pytest.fixture(scope="module")
def bucket(network):
    """A bucket that every host reaches, and this process too."""
    import fsspec
    import s3fs

    endpoint = f"http://{network.gateway}:5000"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", network.gateway, "-p", "5000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_PROFILE", raising=False)
        s3fs.S3FileSystem.clear_instance_cache()
        try:
            until(lambda: _answers(endpoint), 60, "the bucket's server answers")
            fsspec.filesystem("s3").mkdir("bucket")
            yield endpoint
        finally:
            server.kill()
            server.wait(30)


class Cluster:
    """What a person at the laptop does."""

    def __init__(self, network, endpoint):
        self.network, self.laptop = network, network.hosts["laptop"]
        self.endpoint = endpoint
        credentials = "[default]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
        (self.laptop.home / "credentials").write_text(credentials)
        shutil.copy(network.folder / "grid.yaml", self.laptop.home)
        self.laptop.run("ray get-auth-token --generate > /dev/null; chmod 600 ~/.ray/auth_token")

    def describe(self, *workers):
        """Write cluster.yaml, in which hosts have two cores, whatever this machine has."""
        addresses = ",".join(self.network.hosts[name].address for name in ("head", *workers))
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "OMP_NUM_THREADS": "1",
            "RAY_JOB_STOP_WAIT_TIME_S": "120",
        }
        made = self.laptop.run(
            f"cd {self.network.folder}/project && python -m orchestrator.onprem --hosts {addresses} "
            f"--user root --key {self.network.key} --results {RESULTS} --venv {sys.prefix} "
            f"--aws-credentials ~/credentials "
            + " ".join(f"--env {name}={value}" for name, value in variables.items())
        ).stdout
        start = "ray start --address=$RAY_HEAD_IP:6379"
        assert start in made
        (self.laptop.home / "cluster.yaml").write_text(made.replace(start, f"{start} --num-cpus=2"))

    def up(self, *options):
        self.laptop.run(f"ray up -y {' '.join(options)} cluster.yaml")

    def tunnel(self):
        """`ray dashboard`, which holds the tunnel that jobs go through."""
        self.laptop.start("ray dashboard cluster.yaml", self.network.folder / "tunnel.log")
        until(lambda: self.http("/api/version")[0] == 200, 60, "the dashboard answers")

    def http(self, path, header="Authorization: Bearer $(cat ~/.ray/auth_token)"):
        """The status code and body of a request through the tunnel."""
        (self.laptop.home / "request.py").write_text(_REQUEST)
        done = self.laptop.run(f'python request.py {path} "{header}"')
        code, _, body = done.stdout.partition("\n")
        return int(code), body

    def alive(self):
        """Names of the hosts whose Ray is alive, as the head sees it."""
        nodes = json.loads(self.http("/api/v0/nodes")[1])["data"]["result"]["result"]
        names = {host.address: name for name, host in self.network.hosts.items()}
        return {names[node["node_ip"]] for node in nodes if node["state"] == "ALIVE"}

    def job(self, command, name):
        return self.laptop.run(
            f"ray job {command} --address http://127.0.0.1:8265 {name}", check=False
        ).stdout

    def state_of(self, name):
        return json.loads(self.http(f"/api/jobs/{name}")[1])["status"]

    def submit(self, name):
        home = self.network.home
        self.laptop.run(f"ray rsync-up cluster.yaml grid.yaml {home}/grid.yaml")
        self.laptop.run(
            f"ray job submit --address http://127.0.0.1:8265 --submission-id {name} --no-wait -- "
            f"python -m orchestrator.run --grid {home}/grid.yaml --data-dir {home}/images {' '.join(PACK)} "
            f"--results {RESULTS}"
        )

    def wait_for(self, name, seconds, condition):
        """Until the job's sweep satisfies a condition of its trials' states; gives them."""

        def trials():
            assert self.state_of(name) in {"PENDING", "RUNNING", "SUCCEEDED"}, self.job("logs", name)
            with contextlib.suppress(InputError):  # not declared yet
                found = status(RESULTS)["trials"]
                return found if condition(found) else None
            return None

        return until(trials, seconds, f"{name} got there", lambda: self.job("logs", name))


_REQUEST = """
import sys, urllib.error, urllib.request
name, _, value = sys.argv[2].partition(": ")
request = urllib.request.Request("http://127.0.0.1:8265" + sys.argv[1], headers={name: value} if value else {})
try:
    answer = urllib.request.urlopen(request, timeout=20)
except urllib.error.HTTPError as error:
    answer = error
except OSError:
    print(0)
    raise SystemExit
print(answer.status)
print(answer.read().decode())
"""


@pytest.fixture(scope="module")
def cluster(network, bucket):
    cluster = Cluster(network, bucket)
    cluster.describe("w1", "w2")
    cluster.up()
    cluster.tunnel()
    until(lambda: cluster.alive() == {"head", "w1", "w2"}, 180, "the workers joined")
    return cluster


def test_without_the_token_nobody_gets_in(cluster):
    assert cluster.http("/api/jobs/", header="")[0] == 401
    assert cluster.http("/api/jobs/", header=f"Authorization: Bearer {'0' * 64}")[0] in {401, 403}
    assert cluster.http("/api/jobs/")[0] == 200
    head = cluster.network.hosts["head"]
    token = head.home / ".ray" / "auth_token"
    assert token.stat().st_mode & 0o77 == 0
    stranger = cluster.laptop.run(
        f"mv .ray away; RAY_AUTH_MODE=disabled timeout 60 ray status --address {head.address}:6379; "
        "code=$?; mv away .ray; exit $code",
        check=False,
    )
    assert stranger.returncode != 0, stranger.stdout
    assert "Active" not in stranger.stdout


def test_stopped_and_submitted_again(cluster):
    cluster.submit("first")
    cluster.wait_for("first", 180, lambda trials: any(trial["epoch"] >= 2 for trial in trials))
    cluster.job("stop", "first")
    log = cluster.job("logs", "first")
    assert "Interrupted" in log, log
    assert "To go on, run again" in log
    assert all(trial["state"] == "waiting" for trial in status(RESULTS)["trials"])


def test_hosts_lost_and_another_come(cluster, undisturbed):
    network = cluster.network
    cluster.submit("second")
    half = EPOCHS // 2

    def under_way(trials):
        at_half = {(trial["worker"] or "").partition("/")[0] for trial in trials if trial["epoch"] >= half}
        return {"w1", "w2"} <= at_half

    cluster.wait_for("second", 180, under_way)
    network.hosts["w1"].lose(silently=True)
    shown = cluster_status()
    assert shown["held_by"]["host"] == "head"
    assert {trial["state"] for trial in shown["trials"]} <= {"running", "done", "waiting"}

    shutil.copytree(network.folder / "images", network.add("w3", {}).home / "images")
    cluster.describe("w1", "w2", "w3")
    cluster.up("--no-restart")
    cluster.laptop.run("ray exec cluster.yaml 'ray get-worker-ips ~/ray_bootstrap_config.yaml'")
    until(lambda: "w3" in cluster.alive(), 120, "the new host joined")
    network.hosts["w2"].lose(silently=False)

    cluster.wait_for("second", 300, lambda trials: {trial["state"] for trial in trials} == {"done"})
    until(lambda: cluster.state_of("second") == "SUCCEEDED", 60, "the job ended")
    log = cluster.job("logs", "second")
    assert "retrying" in log
    assert "Traceback" not in log
    assert f"Report: {RESULTS}/report.html" in log
    assert numbers(RESULTS) == undisturbed
    assert {"w1", "w2", "w3"} == trained_on()


def test_down(cluster):
    cluster.laptop.run("ray down -y cluster.yaml")
    for name in ("head", "w3"):
        until(lambda name=name: not rays(cluster.network.hosts[name]), 90, f"no Ray is left on {name}")


def rays(host):
    return host.run("pgrep -f '[r]aylet|[g]cs_server'", check=False).stdout.split()


def cluster_status():
    """As a user sees it, from this machine."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.status", RESULTS, "--json"],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def trained_on():
    """Names of the hosts that trained an epoch that counts."""
    states = Store(RESULTS).scan(history=True).values()
    entries = [entry for state in states for entry in state.history["epochs"]]
    return {entry["worker"].partition("/")[0] for entry in entries}


def until(condition, seconds, what, explain=lambda: ""):
    """What the condition gives once it gives something true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}\n{explain()}")
        time.sleep(0.3)
    return found


def _answers(url):
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(url, timeout=2).status == 200
    return False
