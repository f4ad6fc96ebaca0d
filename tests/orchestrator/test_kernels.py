"""`--kernels auto` from the command line. The GPU and the timing are stand-ins; packs train on the CPU."""

import json

import pytest

from model.training.training import Training
from orchestrator.cluster import kernels, sharing
from orchestrator.evaluate import main as evaluate
from orchestrator.planning import packs_per_gpu
from orchestrator.planning.kernel_timing import in_time
from orchestrator.planning.kernels import Timings
from orchestrator.planning.packs_per_gpu import Ladder, kind
from orchestrator.planning.resources import MachineGroup, Resources, Site
from orchestrator.planning.side_by_side import climb
from orchestrator.results.files import Files
from orchestrator.run import main
from tests.helpers.processes import interrupt
from tests.helpers.tiny import GRID, trial

#: By norm and batch size, of kernels of ours, of torch's, and of ours with weights' gradients aside.
RATES = {
    ("bn", 8): (100.0, 150.0, 0.0),
    ("gn", 8): (200.0, 100.0, 240.0),
    ("bn", 2): (300.0, 100.0, 300.0),
    ("gn", 2): (300.0, 290.0, 310.0),
}
WAYS = {"ours": 0, "torch": 1, "aside": 2}


class Machine:
    """With a GPU of that name. `timed`: cells by what; `trained`: whose kernels each cell was given; `judged`:
    the same of each pack, with its size."""

    def __init__(self):
        self.name, self.timed, self.trained, self.judged, self.ladders = "a stand-in", [], {}, [], []

    def site(self, options):
        return Site(Resources(1.0, options.share or 1.0, "cpu"), (MachineGroup(1, 1, 1.0, 16.0),))

    def time(self, infos, device, threads, cells, ways, seconds, ended):
        self.timed.append((len(cells), ways))
        return Timings([{way: RATES[c.norm, c.batch_size][WAYS[way]] for way in ways} for c, _ in cells])

    def climb(self, packs, infos, device, threads, counts, chosen, ended):
        self.ladders.append({spec.name: chosen.of(spec, alone=False) for spec, _ in packs})
        return Ladder({1: 1.0, 2: self.gain})

    gain = 1.0


@pytest.fixture
def machine(monkeypatch, tmp_path):
    found = Machine()
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kernels, "time_here", found.time)
    monkeypatch.setattr(sharing, "climb_here", found.climb)
    for module in (kernels, sharing):
        monkeypatch.setattr(module, "gpu_name", lambda: found.name)
    monkeypatch.setattr("model.net.convolution.why_not_triton", lambda device, precision: None)
    monkeypatch.setattr("orchestrator.scheduling.refuse_precision", lambda *_, **__: None)  # it asks the GPU
    for place in ("scheduling", "driver"):
        monkeypatch.setattr(f"orchestrator.{place}.local_site", found.site)
    monkeypatch.setattr(packs_per_gpu, "_SHORT", 0.0)
    begin = Training.__init__

    def noting(self, specs, seeds, data, *rest, **how):
        begin(self, specs, seeds, data, *rest, **how)
        if data.info.name != "noise":  # the calibration
            found.trained[self.spec.name] = how["kernels"]
            found.judged.append((self.spec.name, len(seeds), how["kernels"]))

    monkeypatch.setattr(Training, "__init__", noting)
    return found


@pytest.fixture
def run(images, tmp_path):
    grid = tmp_path / "tiny.yaml"
    grid.write_text(GRID)
    command = ["--grid", str(grid), "--data-dir", str(images), "--executor", "inline", "--pack", "2"]

    def go(folder, *more):
        return main([*command, "--epochs", "1", "--results", str(tmp_path / folder), *more])

    return go


def declared(folder):
    return json.loads((folder / "sweep.json").read_text())


ALONE = {"bn, batch 8": "torch", "gn G=4, batch 8": "aside", "bn, batch 2": "ours", "gn G=4, batch 2": "ours"}
SHARED = {**ALONE, "gn G=4, batch 8": "ours"}


def test_the_faster_ones_are_taken_told_written_down_and_kept(machine, run, tmp_path, capsys):
    assert run("out", "--dry-run", "--until-ci", "9", "--max-seeds", "4") == 0
    assert machine.timed == [(4, ("ours", "torch")), (3, ("ours", "aside"))], (
        "though it plans the most seeds too"
    )
    assert machine.ladders[0] == SHARED, "packs that are beside others"
    output = " ".join(capsys.readouterr().out.split())
    for part in (
        "2 cells by kernels of ours (1 to 3 times as fast as cuDNN's, timed here)",
        "1 cell by kernels of ours, weights' gradients on a stream of their own (1.2 times as fast as on one stream",
        "1 cell by cuDNN's (1.5 times as fast as ours, timed here)",
    ):
        assert part in output
    assert not (tmp_path / "out").exists()

    machine.timed.clear()
    assert run("out") == 0
    assert (machine.timed, machine.trained) == ([], ALONE), "what the dry run timed is kept"
    (first,) = declared(tmp_path / "out")["runs"]
    name = kind(trial(norm="bn", batch_size=8).spec)
    assert first["kernels"]["device"] == "a stand-in"
    assert first["kernels"]["chosen"][name] == "torch"
    assert first["kernels"]["rates"][name] == {"ours": 100.0, "torch": 150.0}

    (tmp_path / "cache/kernels.json").unlink()
    machine.trained.clear()
    assert run("out", "--seeds", "3", "--packs-per-gpu", "2") == 0
    assert (machine.timed, machine.trained) == ([], SHARED), "nothing aside, whatever the first run chose"
    assert "as an earlier run timed it" in " ".join(capsys.readouterr().out.split())
    assert declared(tmp_path / "out")["runs"][1]["kernels"] == first["kernels"]

    machine.name = "another"
    assert run("out", "--seeds", "4", "--dry-run") == 0
    assert machine.timed[0] == (4, ("ours", "torch"))


def test_where_packs_share_a_gpu_nothing_aside_is_timed(machine, run):
    machine.gain = 1.5
    assert run("shared", "--dry-run") == 0
    assert machine.timed == [(4, ("ours", "torch"))]


def test_a_log_says_what_a_run_is_timing_and_only_then(machine, run, tmp_path, capsys):
    words = ["Timing kernels …", "Timing packs side by side …"]

    def said():
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("Timing")]

    assert [run("dry", "--dry-run"), said()] == [0, []]
    for kept in (tmp_path / "cache").glob("*.json"):
        kept.unlink()
    assert [run("out"), said()] == [0, words]
    assert [run("other"), said()] == [0, words[1:]], "whose kernels are the faster ones was kept"


@pytest.mark.parametrize("place", ["kernels", "packs"])
def test_ctrl_c_while_it_is_timed_here_ends_the_run_before_the_next_timing(
    machine, run, tmp_path, capsys, monkeypatch, place
):
    """A minute and a half may be left of it, and nothing was begun."""
    begun = []

    def kernels_of_cells(infos, device, threads, cells, ways, seconds, ended):
        return Timings(in_time(cells, pressed if place == "kernels" else pace, seconds, ended=ended))

    def pace(spec, replicas):
        return {"ours": 1.0, "torch": 1.0}

    def pressed(spec, replicas):
        begun.append(spec)
        interrupt()
        return {"ours": 1.0, "torch": 1.0}

    def ladder(packs, infos, device, threads, counts, chosen, ended):
        return climb((1, 2), begun.append, lambda count: True, alone, ended=ended)

    def alone(packs, seconds):
        interrupt()
        return [1.0] * len(packs)

    monkeypatch.setattr(kernels, "time_here", kernels_of_cells)
    monkeypatch.setattr(sharing, "climb_here", ladder)
    assert run("out") == 130
    assert "Interrupted while it was planned: nothing was begun." in capsys.readouterr().err
    assert len(begun) == 1
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_somebody_says_whose(machine, run, tmp_path, capsys):
    assert run("torch", "--kernels", "torch") == 0
    assert (machine.timed, {*machine.trained.values()}) == ([], {"torch"})
    assert "4 cells by cuDNN's, as --kernels says" in " ".join(capsys.readouterr().out.split())
    assert "kernels" not in declared(tmp_path / "torch")["runs"][0], "as in an older version's"
    assert run("torch", "--seeds", "3") == 0
    assert [len(machine.timed), "kernels" in declared(tmp_path / "torch")["runs"][1]] == [2, True]


def test_networks_are_judged_by_the_kernels_that_trained_them(machine, run, tmp_path, images):
    """Those of a cell in two groups, where they had different ones; the other cells were trained on a CPU."""
    assert run("judged") == 0
    said = {("bn", 1): "nchw, grouped convolutions", ("bn", 2): "nchw, triton convolutions"}
    for folder in (tmp_path / "judged/trials").iterdir():
        result = json.loads((folder / "result.json").read_text())
        if words := said.get((result["norm"], result["seed"])):
            provenance = {**result["provenance"], "kernels": words}
            Files(str(folder)).write_json("result.json", {**result, "provenance": provenance})
    machine.judged.clear()
    assert evaluate([str(tmp_path / "judged"), "--data-dir", str(images)]) == 0
    expected = [(f"bn, batch {size}", 1, kernels) for size in (8, 2) for kernels in ("torch", "ours")]
    expected += [(f"gn G=4, batch {size}", 2, None) for size in (8, 2)]
    assert sorted(machine.judged, key=str) == sorted(expected, key=str)


def test_kernels_of_ours_are_refused_where_no_gpu_trains(run, capsys):
    assert run("none", "--kernels", "ours") == 2
    assert "--kernels ours: they are for GPUs" in capsys.readouterr().err
    assert run("none", "--kernels", "torch", "--dry-run") == 0
