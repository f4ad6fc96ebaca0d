"""A sweep on separate hosts, as the README tells a user: `ray up`, `ray job submit`, hosts lost and added.

A head and two workers come up from the generated cluster file; the sweep is submitted from a laptop, stopped,
submitted again, and loses both workers, one behind a cut cable, after a third has come. Every number must
be that of a run on one machine. The tests go in order: each finds the cluster as the one before left it.
"""

import importlib.util
import json
import shutil
import subprocess
import sys

import pytest

from model.errors import InputError
from orchestrator.results.store import Store
from orchestrator.run import main
from orchestrator.status import status
from tests.helpers import ROOT
from tests.helpers.hosts import TIED, Network, obstacle
from tests.helpers.no_device import NO_DEVICE
from tests.helpers.numbers_of import numbers
from tests.helpers.servers import CREDENTIALS, aws
from tests.helpers.tiny import make_images
from tests.helpers.waiting import HANGS, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

PROJECT = ROOT
PLACE = "s3://bucket/some/prefix"
RESULTS = f"{PLACE}/grid"  # as the grid's file is called
EPOCHS = 100  # so many that a poll through the bucket meets it half trained
GRID = f"""\
blocks:
  - {{dataset: imagefolder, norm: bn,            batch_size: 4, epochs: {EPOCHS}, seeds: 6}}
  - {{dataset: imagefolder, norm: gn, groups: 4, batch_size: 4, epochs: {EPOCHS}, seeds: 6}}
"""
PACK = ["--pack", "3"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Four hosts that have images in their homes, and a copy of the project to sync."""
    if (reason := obstacle() or missing()) is not None:
        pytest.skip(f"separate hosts: {reason}")
    folder = tmp_path_factory.mktemp("net")
    images = make_images(folder / "images")
    for package in ("orchestrator", "model", "analysis"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, folder / "project" / package, ignore=ignore)
    shutil.copy(PROJECT / "pyproject.toml", folder / "project")
    (folder / "grid.yaml").write_text(GRID)
    with Network(folder) as network:
        exports = {"RAY_AUTH_MODE": "token", "RAY_API_SERVER_ADDRESS": "http://127.0.0.1:8265"}
        network.add("laptop", {"PATH": f"{sys.prefix}/bin:$PATH", **exports})
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
    assert len(found) == 12
    return found


@pytest.fixture(scope="module")
def bucket(network):
    """A bucket that every host reaches, and this process too."""
    import fsspec
    import s3fs

    with aws(network.gateway, prefix=TIED) as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in {"AWS_ENDPOINT_URL": endpoint, **CREDENTIALS}.items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        s3fs.S3FileSystem.clear_instance_cache()
        fsspec.filesystem("s3").mkdir("bucket")
        yield endpoint


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
        """Write cluster.yaml. Its hosts have two cores, the head too, whatever this machine has."""
        addresses = ",".join(self.network.hosts[name].address for name in ("head", *workers))
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "OMP_NUM_THREADS": "1",
            "RAY_health_check_timeout_ms": "2000",  # by default a silent host counts as lost after 65 s
        }
        made = self.laptop.run(
            f"cd {self.network.folder}/project && python -m orchestrator.onprem --hosts {addresses} "
            f"--user root --key {self.network.key} --results {PLACE} --venv {sys.prefix} "
            f"--aws-credentials ~/credentials "
            + " ".join(f"--env {name}={value}" for name, value in variables.items())
        ).stdout
        for start, changed in (
            ("--num-cpus=0 --num-gpus=0", "--num-cpus=2"),
            ("ray start --address=$RAY_HEAD_IP:6379", "ray start --address=$RAY_HEAD_IP:6379 --num-cpus=2"),
        ):
            assert made.count(start) == 1, made
            made = made.replace(start, changed)
        (self.laptop.home / "cluster.yaml").write_text(made)

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

    def submit(self, name, pack=PACK):
        home = self.network.home
        self.laptop.run(f"ray rsync-up cluster.yaml grid.yaml {home}/grid.yaml")
        self.laptop.run(
            f"ray job submit --submission-id {name} --no-wait -- "
            f"python -m orchestrator.run --grid {home}/grid.yaml --data-dir {home}/images {' '.join(pack)}"
        )

    def told(self, name, line):
        """Until the job has said so."""
        until(
            lambda: line in self.job("logs", name), what=line, explain=lambda: self.job("logs", name), every=1
        )

    def wait_for(self, name, seconds, condition):
        """Until the job's sweep satisfies a condition of its trials' states; gives them."""

        def trials():
            try:
                found = status(RESULTS)["trials"]
            except InputError:  # not declared yet
                assert self.state_of(name) in {"PENDING", "RUNNING"}, self.job("logs", name)
                return None
            return found if condition(found) else None

        return until(trials, seconds, f"{name} got there", explain=lambda: self.job("logs", name), every=0.3)


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
    until(lambda: cluster.alive() == {"head", "w1", "w2"}, what="the workers joined")
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
    cluster.wait_for("first", HANGS, lambda trials: any(trial["epoch"] >= 2 for trial in trials))
    shown = as_a_user_sees_it()
    assert shown["held_by"]["host"] == "head"
    cluster.job("stop", "first")
    log = cluster.job("logs", "first")
    assert "4 packs, 4 at a time" in log, "two workers of two cores; the head has two more"
    assert "To resume, run again" in log
    assert all(trial["state"] == "waiting" for trial in as_a_user_sees_it()["trials"])


def test_hosts_lost_lying_cut_off_and_late(cluster, undisturbed):
    """Of two hosts one falls silent and one goes, and of three that come late one alone is sound."""
    network = cluster.network
    cluster.submit("second", ["--pack", "1"])
    trials = cluster.wait_for("second", HANGS, half_trained)
    # The cable is cut: only silence tells, and its packs cannot go on for half a minute.
    lost = half_trained(trials)
    network.hosts[lost].lose(silently=True)
    half = {trial["trial_id"] for trial in trials if place(trial) == lost}

    liar = network.add("liar", {"PYTHONPATH": f"{network.home}/site"})
    (liar.home / "site").mkdir()
    (liar.home / "site" / "sitecustomize.py").write_text(NO_DEVICE)
    apart = network.add("apart", {"NORMSWEEP_STORAGE_PATIENCE": "2"})
    apart.run(f"ip route add unreachable {network.gateway}/32")  # where the bucket is
    for host in (liar, apart, network.add("w3", {})):
        shutil.copytree(network.folder / "images", host.home / "images")
    cluster.describe("w1", "w2", "liar", "apart", "w3")
    cluster.up("--no-restart")
    # A head that runs reads its list of hosts again when a command of Ray's reads the file there.
    until(lambda: cluster.alive() >= {"liar", "apart", "w3"}, what="the new hosts joined")
    for name in ("liar", "apart"):
        cluster.told("second", f"left out: node {name}")
    apart.run(f"ip route delete unreachable {network.gateway}/32")
    network.hosts[({"w1", "w2"} - {lost}).pop()].lose(silently=False)

    cluster.wait_for("second", HANGS, lambda trials: {trial["state"] for trial in trials} == {"done"})
    until(lambda: cluster.state_of("second") == "SUCCEEDED", what="the job ended")
    log = cluster.job("logs", "second")
    assert "retrying" in log
    assert "Traceback" not in log
    assert f"Report: {RESULTS}/report.html" in log
    assert numbers(RESULTS) == undisturbed
    hosts = {trial_id: trained_on(state) for trial_id, state in Store(RESULTS).scan(history=True).items()}
    assert {"w1", "w2", "w3"} <= set.union(*hosts.values()) <= {"w1", "w2", "w3", "apart"}, (
        "neither the head nor the liar"
    )
    assert all(hosts[trial_id] > {lost} for trial_id in half), "what was half trained went on elsewhere"


def test_the_report_is_fetched(cluster, tmp_path):
    page = tmp_path / "report.html"
    command = [sys.executable, "-m", "analysis.report", RESULTS, "--out", str(page)]
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    assert "</html>" in page.read_text(encoding="utf-8")


def test_down(cluster):
    """The workers' Ray ends a minute after the head's."""
    cluster.laptop.run("ray down -y cluster.yaml")
    until(lambda: not rays(cluster.network.hosts["head"]), 30, "no Ray is left on the head")


def half_trained(trials):
    """A host that trains a pack and is half through it, or None."""
    span = range(EPOCHS // 2, EPOCHS - 4)
    return next((place(t) for t in trials if t["state"] == "running" and t["epoch"] in span), None)


def place(trial):
    """The host that trained a trial's last epoch."""
    return (trial["worker"] or "").partition("/")[0]


def trained_on(state):
    return {entry["worker"].partition("/")[0] for entry in state.history["epochs"]}


def missing():
    modules = [name for name in ("s3fs", "moto", "aiohttp_cors") if importlib.util.find_spec(name) is None]
    return f"{', '.join(modules)} not installed; pip install '.[test,cluster]'" if modules else None


def rays(host):
    return host.run("pgrep -f '[r]aylet|[g]cs_server'", check=False).stdout.split()


def as_a_user_sees_it():
    """`orchestrator.status`, from this machine."""
    command = [sys.executable, "-m", "orchestrator.status", RESULTS, "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout)
