"""deploy/skypilot/normsweep.yaml: SkyPilot's own parser takes it, and what its machines run is run on two hosts."""

import subprocess
import sys

import pytest
import yaml

from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers import ROOT
from tests.helpers.hosts import Network, obstacle
from tests.helpers.numbers_of import numbers
from tests.helpers.tiny import GRID, make_images

FILE = ROOT / "deploy/skypilot/normsweep.yaml"
GIVEN = {"NORMSWEEP_RESULTS": "s3://bucket/prefix"}
TOKEN = {"RAY_AUTH_TOKEN": "0" * 64}


def read():
    return yaml.safe_load(FILE.read_text())


def test_skypilot_takes_it():
    sky = pytest.importorskip("sky", reason="needs SkyPilot: pip install skypilot")
    task = sky.Task.from_yaml_config(read(), env_overrides=GIVEN, secrets_overrides=TOKEN)
    assert task.num_nodes == 2
    assert all(resources.use_spot for resources in task.resources)
    assert {count for resources in task.resources for count in resources.accelerators.values()} == {4}
    with pytest.raises(ValueError, match="NORMSWEEP_RESULTS"):
        sky.Task.from_yaml_config(read(), secrets_overrides=TOKEN)


@pytest.mark.parametrize("part", ["setup", "run"])
def test_the_commands_are_bash(part):
    done = subprocess.run(["bash", "-n"], input=read()[part], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_user_gives_is_asked_for():
    """Without a value SkyPilot refuses; the token is no variable that its dashboard shows."""
    task = read()
    assert [name for name, value in task["envs"].items() if value is None] == [*GIVEN]
    assert task["secrets"] == {"RAY_AUTH_TOKEN": None}
    head, sep, rest = FILE.read_text().partition("name: normsweep")
    assert sep
    assert rest
    assert all(f"{name}=" in head for name in (*GIVEN, *TOKEN))


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_two_machines_run_it(tmp_path):
    """By the variables that SkyPilot sets; each ends by itself, with the sweep's exit code and the inline numbers."""
    if (reason := obstacle()) is not None:
        pytest.skip(f"separate hosts: {reason}")
    make_images(tmp_path / "images")
    (tmp_path / "grid.yaml").write_text(GRID)
    sweep = f"--grid {tmp_path}/grid.yaml --data-dir {tmp_path}/images --pack 2"
    assert main([*sweep.split(), "--executor", "inline", "--results", str(tmp_path / "inline")]) == 0
    exports = {
        "PATH": f"{sys.prefix}/bin:$PATH",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "RAY_gcs_rpc_server_reconnect_timeout_s": "5",  # for which a worker waits for a head that is gone
    }
    with Network(tmp_path) as network:
        hosts = [network.add(name, exports) for name in ("m0", "m1")]
        given = {
            **TOKEN,
            "NORMSWEEP_RESULTS": str(tmp_path / "results"),
            "SWEEP": f"'{sweep}'",
            "SKYPILOT_NUM_NODES": "2",
            "SKYPILOT_NUM_GPUS_PER_NODE": "0",
            "SKYPILOT_NODE_IPS": "$'" + "\\n".join(host.address for host in hosts) + "'",
        }
        (tmp_path / "run.sh").write_text(read()["run"])
        running = []
        for rank, host in enumerate(hosts):
            (host.home / "normsweep-venv/bin").mkdir(parents=True)
            (host.home / "normsweep-venv/bin/activate").touch()
            variables = " ".join(f"{name}={value}" for name, value in given.items())
            line = f"export {variables} SKYPILOT_NODE_RANK={rank}; bash {tmp_path}/run.sh"
            running.append(host.start(line, tmp_path / f"{host.name}.log"))
        codes = [process.wait(400) for process in running]
        logs = "\n".join((tmp_path / f"{host.name}.log").read_text() for host in hosts)
    assert codes == [0, 0], logs
    assert numbers(tmp_path / "results/grid") == numbers(tmp_path / "inline")
    states = Store(str(tmp_path / "results/grid")).scan().values()
    assert {state.result["provenance"]["host"] for state in states} == {"m0", "m1"}
