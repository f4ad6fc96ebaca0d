"""Workers from none up: the sweep asks the autoscaler for what its plan needs, and lets go at the end.

Ray's own autoscaler decides, over Ray's provider for one machine whose nodes are processes. The head has
cores to spare, as a careless one has, and must not be trained on.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import ray
import yaml

from orchestrator.results.store import Store
from tests.helpers.processes import descendants
from tests.helpers.servers import free_port
from tests.helpers.tiny import make_images
from tests.helpers.waiting import HANGS, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

HEAD_ID = "fffffffffffffffffffffffffffffffffffffffffffffffffff00000"
GRID = """\
blocks:
  - {dataset: imagefolder, norm: bn, batch_size: 4, epochs: 40, seeds: 2}
"""
ASK = """\
import json, ray
ray.init("{address}", log_to_driver=False, configure_logging=False)
print(json.dumps([n["NodeID"] for n in ray.nodes() if n["Alive"]]))
"""


WATCH = """\
import ray, time
ray.init("{address}", log_to_driver=False, configure_logging=False)
while True:
    print("up", sum(n["Alive"] for n in ray.nodes()), flush=True)
    time.sleep(0.2)
"""


#: Loaded by every Python process: packs that get a GPU train on the CPU, and two of them gain half as much again.
STAND_INS = """\
import sys
class StandIns:
    def find_spec(self, name, path=None, target=None):
        if name == "orchestrator.cluster.session":
            from dataclasses import replace
            from orchestrator.planning import resources
            real = resources.choose_site
            def choose_site(*nodes, **asked):
                site = real(*nodes, **asked)
                return replace(site, resources=replace(site.resources, device="cpu"))
            resources.choose_site = choose_site
        if name == "orchestrator.cluster.calibration":
            from orchestrator.planning import kernel_timing, kernels, packs_per_gpu, side_by_side
            kernel_timing.time_here = lambda *_: kernels.Timings([])
            side_by_side.climb_here = lambda *_: packs_per_gpu.Ladder({1: 1.0, 2: 1.5})
            packs_per_gpu._SHORT = 0.0
sys.meta_path.insert(0, StandIns())
"""


@pytest.fixture
def head(tmp_path):
    """A head with an autoscaler that may start two workers of one core: its address and the driver's home."""
    with started(tmp_path, {"CPU": 1}, idle_minutes=0.1) as (address, home):
        yield address, home


@contextlib.contextmanager
def started(tmp_path, worker, *, idle_minutes, **environment):
    """`worker`: what each of the two has."""
    port, host = free_port(), ray.util.get_node_ip_address()
    config = {
        "cluster_name": "test",
        "max_workers": 2,
        "idle_timeout_minutes": idle_minutes,
        "upscaling_speed": 10.0,
        "provider": {
            "type": "external",  # by its own name Ray looks for defaults that the wheel lacks
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "gcs_address": f"{host}:{port}",
            "head_node_id": HEAD_ID,
            "launch_multiple": True,
        },
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 2}, "node_config": {}, "max_workers": 0},
            "spot": {
                "resources": {**worker, "object_store_memory": 80_000_000},
                "node_config": {},
                "min_workers": 0,
                "max_workers": 2,
            },
        },
        "head_node_type": "ray.head.default",
        **{name: [] for name in ("setup_commands", "head_setup_commands", "worker_setup_commands")},
        **{name: [] for name in ("initialization_commands", "head_start_ray_commands")},
        "worker_start_ray_commands": [],
        "auth": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
    }
    home = tmp_path / "home"
    home.mkdir()
    # Where `ray up` leaves it on a head.
    (home / "ray_bootstrap_config.yaml").write_text(yaml.safe_dump(config))
    start = ["ray", "start", "--head", "--block", f"--port={port}", f"--node-ip-address={host}"]
    start += ["--num-cpus=2", "--include-dashboard=false", "--object-store-memory=80000000"]
    start += [f"--autoscaling-config={home / 'ray_bootstrap_config.yaml'}", f"--temp-dir={short(tmp_path)}"]
    environment = {
        **os.environ,
        "RAY_FAKE_CLUSTER": "1",
        "RAY_AUTH_MODE": "disabled",  # `ray start` turns it on where it finds a token of this user's
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        **environment,
    }
    with (tmp_path / "head.log").open("wb") as log:
        process = subprocess.Popen(start, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        yield f"{host}:{port}", home
    finally:
        family = [process.pid, *descendants(process.pid)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def short(tmp_path):
    """Sockets have at most 107 characters in their names."""
    link = Path("/tmp") / f"ns-{os.getpid()}"
    link.unlink(missing_ok=True)
    (tmp_path / "ray").mkdir()
    link.symlink_to(tmp_path / "ray")
    return link


def alive(address):
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(address=address)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else []


@contextlib.contextmanager
def watched(address, path):
    """Meanwhile a process writes down how many nodes are up, the head among them: gives a function for the
    most at once. Afterwards would be too late, as idle ones go within seconds."""
    command = [sys.executable, "-c", WATCH.format(address=address)]

    def counts():
        return [int(line[3:]) for line in path.read_text().splitlines() if line.startswith("up ")]

    with path.open("wb") as file, subprocess.Popen(command, stdout=file) as process:
        try:
            until(counts, 60, "the watcher sees the cluster")
            yield lambda: max(counts())
        finally:
            process.kill()


def test_from_none_to_two_and_back(head, tmp_path):
    address, home = head
    until(
        lambda: alive(address) == [HEAD_ID], 90, "the head is up", explain=(tmp_path / "head.log").read_text
    )
    grid = tmp_path / "tiny.yaml"
    grid.write_text(GRID)
    out = tmp_path / "out"
    images = make_images(tmp_path / "images")
    command = ["--grid", str(grid), "--data-dir", str(images), "--pack", "1", "--results", str(out)]
    with watched(address, tmp_path / "up") as most:
        process = subprocess.run(
            [sys.executable, "-m", "orchestrator.run", *command, "--address", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "HOME": str(home)},
        )
    output = process.stdout
    assert process.returncode == 0, output
    assert "2 at a time" in output, "the plan reckons with what may come"
    assert "2 machines, 0 up now; what it costs is not known yet" in output
    workers = {state.result["worker"] for state in Store(str(out)).scan().values()}
    assert len(workers) == 2, "two packs, two workers at once"
    assert most() == 3, "the head and two workers were up at once"
    until(lambda: alive(address) == [HEAD_ID], 120, "the workers went when idle", every=1)


def test_a_run_waits_for_a_gpu_to_time_packs_on_and_the_next_plan_knows(tmp_path):
    """Whose device is a stand-in: Ray is told of it."""
    (tmp_path / "stand_ins").mkdir()
    (tmp_path / "stand_ins" / "sitecustomize.py").write_text(STAND_INS)
    own = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "stand_ins"), os.environ.get("PYTHONPATH", "")])}
    own["NORMSWEEP_CACHE"] = str(tmp_path / "cache")
    gpu = {"CPU": 2, "GPU": 1, "accelerator_type:A10G": 1}
    grid = tmp_path / "tiny.yaml"
    grid.write_text(GRID.replace("epochs: 40, seeds: 2", "epochs: 1, seeds: 4"))
    images = make_images(tmp_path / "images")
    command = [sys.executable, "-m", "orchestrator.run", "--grid", str(grid), "--data-dir", str(images)]
    with started(tmp_path, gpu, idle_minutes=1, **own) as (address, home):
        log = (tmp_path / "head.log").read_text
        until(lambda: alive(address) == [HEAD_ID], 90, "the head is up", explain=log)

        def run(*more):
            return subprocess.run(
                [*command, "--pack", "1", "--address", address, *more],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=HANGS,
                check=False,
                env={**os.environ, **own, "HOME": str(home)},
            )

        dry = run("--results", str(tmp_path / "out"), "--dry-run")
        assert dry.returncode == 0, dry.stdout
        assert "1 pack on each GPU: no machine with a GPU is up, and a run waits for one" in dry.stdout
        assert alive(address) == [HEAD_ID], "a dry run brings none"

        done = run("--results", str(tmp_path / "out"))
        assert done.returncode == 0, done.stdout
        assert "Waiting for a machine with a GPU, to time packs on it" in done.stdout
        assert "2 packs on each GPU: 1.50 times the images of one after another" in done.stdout
        assert "could not be timed" not in done.stdout
        states = Store(str(tmp_path / "out")).scan().values()
        assert [state.status for state in states] == ["done"] * 4

        again = run("--results", str(tmp_path / "other"), "--dry-run")
        assert again.returncode == 0, again.stdout
        assert "one after another; as timed earlier on such a GPU" in again.stdout
