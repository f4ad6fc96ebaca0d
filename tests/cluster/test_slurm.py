"""`deploy/slurm/normsweep.sbatch` on a real Slurm of two nodes: stopped by its notice, requeued, requeued without a
word, and finished; every number and the weights' bytes are those of a run on one machine."""

import re
import shutil
import sys

import pytest

from orchestrator.results.store import Store
from orchestrator.run import main
from orchestrator.status import status
from tests.helpers import ROOT
from tests.helpers.hosts import Network, obstacle
from tests.helpers.numbers_of import numbers
from tests.helpers.slurm import Slurm, lacking
from tests.helpers.tiny import make_images
from tests.helpers.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

SCRIPT = ROOT / "deploy/slurm/normsweep.sbatch"
EPOCHS = 60  # so many that a poll meets it half trained
GRID = f"""\
blocks:
  - {{dataset: imagefolder, norm: bn,            batch_size: 4, epochs: {EPOCHS}, seeds: 4}}
  - {{dataset: imagefolder, norm: gn, groups: 4, batch_size: 4, epochs: {EPOCHS}, seeds: 4}}
"""
SWEEP = "--grid grid.yaml --data-dir images --pack 2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the nodes share: the folder in which jobs are submitted."""
    if (reason := obstacle() or lacking()) is not None:
        pytest.skip(f"a Slurm: {reason}")
    folder = tmp_path_factory.mktemp("shared")
    make_images(folder / "images")
    (folder / "grid.yaml").write_text(GRID)
    shutil.copy(SCRIPT, folder)
    return folder


@pytest.fixture(scope="module")
def slurm(folder):
    exports = {"PATH": f"{sys.prefix}/bin:$PATH", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with Network(folder) as network:
        for name in ("login", "n1", "n2"):
            network.add(name, exports)
        yield Slurm(network, control="login")


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*SWEEP.split(), "--executor", "inline", "--results", str(place)]) == 0
    found = numbers(place)
    assert len(found) == 8
    return found


def submit(slurm, folder, name, options, sweep):
    printed = slurm.run(
        f"cd {folder} && sbatch --parsable --output={folder}/{name}.out {options} normsweep.sbatch {sweep}"
    )
    return int(printed.strip())


def epochs(results):
    """Trained so far, of all trials together."""
    states = Store(str(results)).scan().values()
    return sum(EPOCHS if state.finished else max(state.epochs, default=0) for state in states)


@pytest.mark.timeout(1500)  # on a busy machine Ray takes minutes to start, thrice
def test_noticed_requeued_killed_and_finished(slurm, folder, undisturbed):
    results, out = folder / "results", folder / "job.out"
    options = "--nodes=2 --cpus-per-task=1 --gpus-per-node=0 --time=60"
    job = submit(slurm, folder, "job", options, f"{SWEEP} --results {results}")

    def explain():
        return (out.read_text() if out.exists() else "no output\n") + slurm.logs()

    def state(restarts, *states):
        shown = slurm.shown(job)
        return int(shown["Restarts"]) == restarts and shown["JobState"] in states

    until(lambda: results.exists() and epochs(results) > 8, 240, "it trains", explain=explain)
    slurm.run(f"scancel --batch --signal=USR1 {job}")  # as Slurm does before the limit
    until(lambda: state(1, "PENDING", "RUNNING"), 60, "it is back in the queue", explain=explain, every=0.5)
    assert status(str(results))["held_by"] is None, "the sweep ended by itself"
    before = epochs(results)

    until(lambda: epochs(results) > before + 8, 240, "it goes on", explain=explain)
    slurm.run(f"scontrol requeue {job}")  # without a word: all of it is killed
    until(lambda: state(2, "COMPLETED", "FAILED"), 480, "it ends", explain=explain, every=0.5)
    assert slurm.shown(job)["JobState"] == "COMPLETED", explain()
    assert numbers(results) == undisturbed
    hosts = {state.result["provenance"]["host"] for state in Store(str(results)).scan().values()}
    assert hosts == {"n1", "n2"}, "both nodes trained"
    for node in slurm.nodes:
        assert "No such file" in node.run("ls -d /tmp/normsweep-* || true").stdout, "Ray's folder is gone"
    assert not re.search("[0-9a-f]{64}", out.read_text()), "the token is nobody else's"
