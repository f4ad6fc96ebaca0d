"""`--packs-per-gpu auto` from the command line. The GPU and the timing are stand-ins; packs train on the CPU."""

import json

import pytest

from orchestrator.cluster import kernels, sharing
from orchestrator.planning import packs_per_gpu, side_by_side
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.packs_per_gpu import Ladder
from orchestrator.planning.resources import MachineGroup, Resources, Site
from orchestrator.run import main
from tests.helpers.numbers_of import numbers
from tests.helpers.tiny import GRID


@pytest.fixture
def timed(monkeypatch, tmp_path):
    """A machine with a GPU and an empty cache; gives what was timed on it."""
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    found = []

    def stand_in(packs, infos, device, threads, counts, chosen, ended):
        found.append((len(packs), tuple(counts)))
        return Ladder({1: 1.0, 2: 1.5, 4: 1.53})

    def a_gpu(options):
        return Site(Resources(1.0, options.share or 1.0, "cpu"), (MachineGroup(1, 1, 1.0, 16.0),))

    monkeypatch.setattr(sharing, "climb_here", stand_in)
    for module in (kernels, sharing):
        monkeypatch.setattr(module, "gpu_name", lambda: "a stand-in")
    monkeypatch.setattr("orchestrator.scheduling.refuse_precision", lambda *_, **__: None)  # it asks the GPU
    for place in ("scheduling", "driver"):
        monkeypatch.setattr(f"orchestrator.{place}.local_site", a_gpu)
    monkeypatch.setattr(packs_per_gpu, "_SHORT", 0.0)
    return found


def test_it_is_timed_once_told_and_no_number_depends_on_it(timed, images, tmp_path, capsys):
    grid = tmp_path / "tiny.yaml"
    grid.write_text(GRID)
    command = [
        "--grid",
        str(grid),
        "--data-dir",
        str(images),
        "--executor",
        "inline",
        "--pack",
        "2",
        "--results",
    ]
    assert main([*command, str(tmp_path / "auto"), "--epochs", "1"]) == 0
    assert timed == [(4, (1, 2, 4))]
    output = capsys.readouterr().out
    assert "4 packs, 2 at a time on 0.5 GPU and 1 CPU each" in output
    assert "2 packs on each GPU: 1.50 times the images of one after another; 4 gained 2% more" in output
    (run,) = json.loads((tmp_path / "auto/sweep.json").read_text())["runs"]
    assert (run["slots"], run["gpus_per_pack"], run["sharing"]["device"]) == (2, 0.5, "a stand-in")

    assert main([*command, str(tmp_path / "auto"), "--epochs", "1", "--seeds", "3"]) == 0
    assert len(timed) == 1, "as an earlier run timed it"
    assert "as an earlier run timed it" in capsys.readouterr().out
    assert (
        main([*command, str(tmp_path / "one"), "--epochs", "1", "--seeds", "3", "--packs-per-gpu", "1"]) == 0
    )
    assert len(timed) == 1, "somebody said"
    assert numbers(tmp_path / "auto") == numbers(tmp_path / "one")


def test_a_run_takes_what_its_dry_run_timed(timed, images, tmp_path, capsys):
    grid = tmp_path / "tiny.yaml"
    grid.write_text(GRID)
    command = ["--grid", str(grid), "--data-dir", str(images), "--executor", "inline", "--pack", "2"]
    command += ["--epochs", "1", "--results"]
    assert main([*command, str(tmp_path / "out"), "--dry-run"]) == 0
    assert len(timed) == 1
    assert "as timed earlier" not in capsys.readouterr().out
    assert main([*command, str(tmp_path / "out")]) == 0
    output = capsys.readouterr().out
    assert "2 packs on each GPU: 1.50 times" in output
    assert "4 gained 2% more; as timed earlier on this machine" in output
    (run,) = json.loads((tmp_path / "out/sweep.json").read_text())["runs"]
    assert run["sharing"]["gains"] == {"1": 1.0, "2": 1.5, "4": 1.53}
    assert main([*command, str(tmp_path / "other"), "--dry-run", "--norms", "bn"]) == 0
    assert len(timed) == 2, "other cells"


def test_a_machine_without_a_gpu_times_nothing_and_says_what_it_lacks(images, tmp_path, capsys):
    grid = tmp_path / "tiny.yaml"
    grid.write_text(GRID)
    command = [
        "--grid",
        str(grid),
        "--data-dir",
        str(images),
        "--results",
        str(tmp_path / "out"),
        "--dry-run",
    ]
    assert main([*command, "--packs-per-gpu", "2"]) == 2
    assert "no GPU that torch can use; leave it out" in capsys.readouterr().err


def test_real_packs_are_timed_side_by_side(images, monkeypatch):
    from model.data.registry import describe
    from model.training import calibrate
    from tests.helpers.tiny import trial

    monkeypatch.setattr(calibrate, "free_bytes", lambda device: 2**30)
    monkeypatch.setattr(side_by_side, "_ALONE", 0.02)
    monkeypatch.setattr(side_by_side, "_BESIDE", 0.05)
    cells = [(trial(batch_size=b).spec, 2) for b in (2, 4)]
    infos = {"imagefolder": describe("imagefolder", str(images))}
    ladder = side_by_side.climb_here(cells, infos, "cpu", 1, (1, 2), Chosen())
    assert set(ladder.gains) == {1, 2}
    assert ladder.gains[1] == 1.0
    assert 0 < ladder.gains[2] < 4
    for (cell, replicas), size in zip(cells, (28 + 2 * 20, 28 + 2 * 20), strict=True):
        paced = calibrate.Paced(cell, replicas, infos["imagefolder"], "cpu")
        assert paced.memory == size * 3 * 8 * 8, "the data set, and of each replica an epoch's images"
    monkeypatch.setattr(calibrate, "free_bytes", lambda device: 2)
    assert (
        side_by_side.climb_here(cells, infos, "cpu", 1, (1, 2), Chosen()).end
        == "2 do not fit into its memory"
    )
