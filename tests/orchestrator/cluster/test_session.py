"""A joined cluster of several nodes: who trains, who may not, and what is said where no Ray is."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.results.store import Store
from tests.helpers.no_device import NO_DEVICE
from tests.helpers.processes import descendants
from tests.helpers.servers import free_port, listens
from tests.helpers.tiny import GRID
from tests.helpers.waiting import HANGS, until

#: Loaded by every Python process of one node: its torch is another one, or it lacks the product.
OTHER_TORCH = """\
import importlib.metadata as metadata
real = metadata.version
metadata.version = lambda name: "1.2.3" if name == "torch" else real(name)
"""
NO_PRODUCT = """\
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("orchestrator", "model"):
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Hide())
"""

#: Loaded by every Python process of one node: it cannot write there while a file says so.
NO_STORAGE = """\
import os, sys
class Break:
    def find_spec(self, name, path=None, target=None):
        if name == "orchestrator.execution.trainable":
            from orchestrator.results.files import Files
            real = Files.write
            def write(self, *arguments, **options):
                if os.path.exists({flag!r}):
                    self._patiently(fail)
                return real(self, *arguments, **options)
            def fail():
                raise OSError(112, "Host is down")
            Files.write = write
sys.meta_path.insert(0, Break())
"""

#: Where it does not matter what is trained.
SHORT = ["--epochs", "1", "--batch-sizes", "8", "--seeds", "1"]


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


@pytest.fixture
def command(tmp_path, images):
    grid = tmp_path / "tiny.yaml"
    grid.write_text(GRID.replace("epochs: 2", "epochs: 12"))
    return ["--grid", str(grid), "--data-dir", str(images), "--pack", "1", "--norms", "bn", "--seeds", "4"]


def run(command, out, *more, seconds=HANGS, **environment):
    """The command line in a process of its own, as a person starts it: exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.run", *command, "--results", str(out), *more],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout + done.stderr


def trained(store, process):
    """Whether an epoch is over; what the process said where it has ended before."""
    assert process.poll() is None, process.stdout.read()
    return any(state.epochs for state in store.scan().values())


def node_with(cluster, tmp_path, source, **environment):
    """A node whose Python processes load `source` first."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(source)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": path, **environment})


@pytest.mark.xdist_group("nodes")
@pytest.mark.slow
def test_packs_spread_over_the_nodes_and_stay_off_the_head(cluster, command, tmp_path):
    """The workers' parents are raylets, one a node: every node has trained, the head has not."""
    for _ in range(2):
        cluster.add_node(num_cpus=2)
    head = cluster.head_node.all_processes["raylet"][0].process.pid
    raylets = {n.all_processes["raylet"][0].process.pid for n in cluster.list_all_nodes()} - {head}
    parents, stop = {}, threading.Event()

    def watch():
        while not stop.is_set():
            for entry in Path("/proc").glob("[0-9]*/stat"):
                try:
                    stat = entry.read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(entry.parent.name)] = int(stat[1])
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code, output = run(command, tmp_path / "out", "--address", cluster.address)
    stop.set()
    watcher.join()
    assert code == 0, output
    assert "4 at a time" in output
    assert "2 machines" in output
    store = Store(str(tmp_path / "out"))
    states = store.scan()
    workers = {i: int(state.result["worker"].rpartition("/")[2]) for i, state in states.items()}
    where = Counter(parents[pid] for pid in workers.values())
    assert set(where) == raylets, "both workers' nodes and no other"
    assert not list((tmp_path / "out").glob(".probe*"))


@pytest.mark.xdist_group("nodes")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "said"),
    [
        (OTHER_TORCH, "has torch 1.2.3, the driver's has"),
        (NO_PRODUCT, "does not have this product installed"),
    ],
    ids=["torch", "product"],
)
def test_a_node_that_disagrees_is_named_before_anything_trains(cluster, command, tmp_path, source, said):
    cluster.add_node(num_cpus=1)
    node_with(cluster, tmp_path, source)
    code, output = run(command, tmp_path / "out", "--address", cluster.address)
    assert code == 2, output
    assert said in output
    assert socket.gethostname() in output
    assert "Traceback" not in output
    assert not (tmp_path / "out" / "trials").exists()
    assert not (tmp_path / "out" / "sweep.json").exists()
    assert not list((tmp_path / "out").glob(".probe*"))


@pytest.mark.xdist_group("nodes")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "said"),
    [
        (OTHER_TORCH, "which joined while the sweep ran) has torch 1.2.3"),
        (NO_PRODUCT, "which joined while the sweep ran) does not have this product installed"),
    ],
    ids=["torch", "product"],
)
def test_a_node_that_disagrees_and_comes_late_stops_the_sweep(cluster, command, tmp_path, source, said):
    good = cluster.add_node(num_cpus=1)
    more = ["--results", str(tmp_path / "out"), "--address", cluster.address, "--epochs", "60"]
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.run", *command, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    store = Store(str(tmp_path / "out"))
    until(lambda: trained(store, process), what="an epoch is over")
    node_with(cluster, tmp_path, source)
    cluster.remove_node(good, allow_graceful=False)
    output, _ = process.communicate(timeout=HANGS)
    assert process.returncode == 1, output
    assert said in output, output
    assert not any((state.failure or {}) for state in store.scan().values()), "no trial is to blame"
    assert not list((tmp_path / "out").glob(".probe*"))


@pytest.mark.xdist_group("nodes")
@pytest.mark.slow
@pytest.mark.parametrize("sound", [True, False], ids=["beside a sound one", "alone"])
def test_a_node_that_cannot_compute_is_left_out(cluster, command, tmp_path, sound):
    """No trial is to blame; where another machine computes, all is done there."""
    node_with(cluster, tmp_path, NO_DEVICE)
    if sound:
        cluster.add_node(num_cpus=1)
    more = [*SHORT, "--seeds", "3", "--address", cluster.address]
    code, output = run(command, tmp_path / "out", *more, NORMSWEEP_DEVICE_PATIENCE="5")
    states = Store(str(tmp_path / "out")).scan()
    assert code == (0 if sound else 1), output
    assert output.count(f"left out: node {socket.gethostname()}: a stand-in says so") == (
        1 if sound else 2
    ), output
    assert ("no other machine trains" in output) is not sound
    assert sum(state.finished for state in states.values()) == (3 if sound else 0)
    assert not any(state.failure for state in states.values())


@pytest.mark.xdist_group("nodes")
@pytest.mark.slow
@pytest.mark.parametrize("passes", [True, False], ids=["for a while", "for good, and alone"])
def test_a_node_that_cannot_write_the_results(cluster, command, tmp_path, passes):
    """Its packs go to others, and it takes some again when it can; no trial is to blame."""
    flag, out = tmp_path / "flag", tmp_path / "out"
    node_with(cluster, tmp_path, NO_STORAGE.format(flag=str(flag)), NORMSWEEP_STORAGE_PATIENCE="1")
    if passes:
        cluster.add_node(num_cpus=1)
    more = ["--results", str(out), "--epochs", "100", "--batch-sizes", "8", "--address", cluster.address]
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.run", *command, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NORMSWEEP_DEVICE_PATIENCE": "3"},
    )
    store = Store(str(out))
    until(lambda: trained(store, process), what="an epoch is over")
    flag.touch()
    said = ""
    while "left out: node" not in said and (line := process.stdout.readline()):
        said += line
    if passes:
        flag.unlink()
    output, _ = process.communicate(timeout=HANGS)
    said += output
    states = store.scan()
    assert process.returncode == (0 if passes else 1), said
    assert ("no longer left out: node" in said) is passes, said
    assert ("and no other machine trains" in said) is not passes, said
    assert all(state.finished for state in states.values()) is passes
    assert not any(state.failure for state in states.values())


@pytest.mark.xdist_group("nodes")
@pytest.mark.slow
def test_a_cluster_of_heads_alone_and_a_type_that_nobody_has(cluster, command, tmp_path):
    code, output = run(
        command, tmp_path / "a", "--address", cluster.address, "--gpu-type", "H100", "--dry-run"
    )
    assert code == 2
    assert "no machine of this cluster has one" in output
    cluster.add_node(num_cpus=0)
    code, output = run(command, tmp_path / "b", "--address", cluster.address, "--dry-run")
    assert code == 2
    assert "no machine but its head" in output
    code, output = run(command, tmp_path / "c", "--address", cluster.address, "--dry-run", "--use-head")
    assert code == 0, output
    assert "2 at a time" in output


def test_something_else_listens_at_the_address(command, tmp_path):
    """A port that takes connections and says nothing: Ray itself would wait for minutes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        code, output = run(command, tmp_path / "out", "--address", address, seconds=40)
    assert code == 2, output
    assert f"no Ray cluster answers at {address}" in output
    assert not (tmp_path / "out" / "sweep.json").exists()


@pytest.mark.parametrize("address", ["ray://127.0.0.1:10001", "http://127.0.0.1:8265"])
def test_an_address_of_another_kind_is_refused_with_the_way_out(command, tmp_path, address):
    code, output = run(command, tmp_path / "out", RAY_ADDRESS=address)
    assert code == 2
    assert "ray job submit" in output
    assert "HOST:PORT" in output


def test_what_only_a_cluster_has_needs_an_address(command, tmp_path):
    code, output = run(command, tmp_path / "out", "--gpu-type", "A10G", RAY_ADDRESS="")
    assert code == 2
    assert "give its --address" in output


def test_a_finished_sweep_needs_no_cluster(command, tmp_path):
    assert run([*command, *SHORT], tmp_path / "out", "--executor", "inline")[0] == 0
    code, output = run([*command, *SHORT], tmp_path / "out", "--address", "127.0.0.1:1")
    assert code == 0, output


def test_results_go_where_the_environment_says(command, tmp_path, images, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_RESULTS", str(tmp_path / "bucket"))
    from orchestrator.run import main

    assert main([*command, *SHORT, "--executor", "inline"]) == 0
    assert (tmp_path / "bucket" / "tiny" / "report.html").is_file()


def test_the_plan_tells_what_it_costs(command, tmp_path):
    code, output = run(command, tmp_path / "out", "--dry-run", "--price-per-gpu-hour", "2", RAY_ADDRESS="")
    assert code == 0, output
    assert "node-hours" in output


def test_the_plan_can_be_timed_elsewhere(tmp_path):
    """fig1 by hand: 100 epochs of 50,000 images at 1,000 a second, and a test set that adds a fifteenth."""
    rows = [
        {"norm": norm, "batch_size": size, "pack": 1, "images_per_second": 1000.0}
        for norm in ("bn", "gn")
        for size in (32, 16, 8, 4, 2)
    ]
    (tmp_path / "bench.json").write_text(json.dumps(rows))
    fig1 = [
        "--grid",
        "fig1",
        "--seeds",
        "1",
        "--executor",
        "inline",
        "--dry-run",
        "--price-per-gpu-hour",
        "2",
    ]
    code, output = run(fig1, tmp_path / "out", "--pace-from", str(tmp_path / "bench.json"))
    assert code == 0, output
    hours = 10 * 100 * 50_000 * (1 + 10_000 / 150_000) / 1000 / 3600
    assert f"about {hours:.3g} node-hours" in output, output
    assert f"by {tmp_path}/bench.json" in output
    (tmp_path / "bench.json").write_text(json.dumps(rows[:3]))
    code, output = run(fig1, tmp_path / "out", "--pace-from", str(tmp_path / "bench.json"))
    assert code == 2
    assert "has no time of bn at batch size 4" in output


@pytest.mark.xdist_group("nodes")
def test_a_cluster_that_asks_for_a_token(command, tmp_path):
    """A head with a token of its own: a client that has none is told what to do."""
    home = tmp_path / "home"
    (home / ".ray").mkdir(parents=True)
    (home / ".ray" / "auth_token").write_text("a" * 64)
    port = free_port()
    start = [
        "ray",
        "start",
        "--head",
        "--block",
        f"--port={port}",
        "--num-cpus=1",
        "--include-dashboard=false",
    ]
    start += ["--object-store-memory=80000000", "--node-ip-address=127.0.0.1"]
    environment = {**os.environ, "HOME": str(home), "RAY_AUTH_MODE": "token"}
    head = subprocess.Popen(start, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: listens("127.0.0.1", port), what="the head listens")
        address = f"127.0.0.1:{port}"
        bare = {"HOME": str(tmp_path), "RAY_AUTH_MODE": ""}
        code, output = run(command, tmp_path / "out", "--address", address, **bare)
        assert code == 2, output
        assert "asks for a token" in output
        assert "Traceback" not in output
        (tmp_path / "old").write_text("b" * 64)
        rotated = {**bare, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(tmp_path / "old")}
        code, output = run(command, tmp_path / "out", "--address", address, **rotated)
        assert code == 2, output
        assert f"takes another token than that of {tmp_path}/old" in output
        assert "Traceback" not in output
        able = {"HOME": str(home), "RAY_AUTH_MODE": "token"}
        code, output = run(command, tmp_path / "out", "--address", address, "--dry-run", **able)
        assert code == 0, output
    finally:
        for pid in [head.pid, *descendants(head.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        head.wait()


@pytest.mark.xdist_group("nodes")
@pytest.mark.slow
def test_fractions_of_gpus_spread_evenly(cluster, tmp_path):
    """Twelve halves over three machines of two GPUs: four each, and two on each GPU. The GPUs are only counted."""
    code = f"""
import collections, pathlib, time, uuid
import ray
from orchestrator.cluster.nodes import nodes_up, this_node
from orchestrator.cluster.session import cluster
from orchestrator.execution.tune import _placement, tune
from orchestrator.execution.dispatcher import Dispatcher
from orchestrator.planning.resources import choose_site

def pack(config, dispatcher):
    me, node = tune.get_context().get_trial_id(), ray.get_runtime_context().get_node_id()
    index, assignment = ray.get(dispatcher.take.remote(me, node, 2))
    tune.report({{"at": (node, assignment.gpu)}})
    together = pathlib.Path({str(tmp_path / "together")!r})
    (together / str(uuid.uuid4())).touch()
    while len(list(together.iterdir())) < 12:
        time.sleep(0.1)

with cluster({cluster.address!r}):
    site = choose_site(nodes_up(), [], cpus_per_pack=0.1, gpus_per_pack=0.5)
    assert site.slots == 12, site
    from orchestrator.execution.assignment import Assignment
    from orchestrator.planning.plan import Pack
    assignments = [Assignment(Pack(()), "x", None, 0, "cuda", 1, 1)] * 12
    dispatcher = ray.remote(num_cpus=0, scheduling_strategy=this_node())(Dispatcher).remote(assignments)
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(pack, dispatcher=dispatcher), _placement(site)),
        param_space={{"turn": tune.grid_search(list(range(12)))}},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(name="t", storage_path={str(tmp_path)!r}, verbose=0),
    )
    at = collections.Counter(tuple(result.metrics["at"]) for result in tuner.fit())
    assert len(at) == 6 and set(at.values()) == {{2}}, at
    print("evenly")
"""
    (tmp_path / "together").mkdir()
    for _ in range(3):
        cluster.add_node(num_cpus=2, num_gpus=2)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=HANGS, check=False, cwd=tmp_path
    )
    assert "evenly" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
