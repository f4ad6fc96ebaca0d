"""A sweep on code of the user's own, from the folder that it lies in: on this machine's Ray, and on a cluster."""

import os
import subprocess
import sys

import pytest

from orchestrator.results.store import Store
from tests.helpers.waiting import HANGS

DATA = """\
import numpy as np

def shades():
    labels = np.arange(16) % 2
    images = np.full((16, 8, 8), 90, np.uint8) * labels[:, None, None].astype(np.uint8)
    return {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
"""
GRID = """\
blocks:
  - {dataset: "lab_data:shades", norm: bn, batch_size: 8, epochs: 1, seeds: 2}
"""
#: Loaded by every Python process of a node: what lies below a folder is not there.
HIDE = """\
from importlib.machinery import PathFinder
real = PathFinder.find_spec
def find_spec(name, path=None, target=None):
    spec = real(name, path, target)
    return None if spec and str(spec.origin).startswith({folder!r}) else spec
PathFinder.find_spec = staticmethod(find_spec)
"""


@pytest.fixture
def lab(tmp_path):
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "lab_data.py").write_text(DATA)
    (folder / "mine.yaml").write_text(GRID)
    return folder


def run(lab, *more):
    """As a person runs it who is in that folder."""
    command = ["-m", "orchestrator.run", "--grid", "mine.yaml", "--pack", "1", "--results", "out", *more]
    done = subprocess.run(
        [sys.executable, *command], cwd=lab, capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Store(str(lab / "out")).scan()


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_on_this_machine_the_workers_find_the_file(lab):
    states = run(lab)
    assert len(states) == 2
    assert all(state.finished for state in states.values())


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_node_that_cannot_see_the_folder_is_sent_the_file(lab, tmp_path):
    from ray.cluster_utils import Cluster

    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(HIDE.format(folder=str(lab)))
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    cache = str(tmp_path / "cache")
    head = {"num_cpus": 2, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": path, "NORMSWEEP_CACHE": cache})
        states = run(lab, "--address", cluster.address)
    finally:
        cluster.shutdown()
    assert len(states) == 2
    assert all(state.finished for state in states.values()), "the head trains nothing, the node all"
    assert list((tmp_path / "cache").glob("code-*/lab_data.py"))
