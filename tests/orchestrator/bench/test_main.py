"""The benchmarks run and say what they measured; how fast this machine is, no test asks."""

import json
import mmap
import os
import sys

import pytest

from model.errors import InputError
from orchestrator.bench import __main__ as bench
from orchestrator.bench import scale, tiny_sweep
from orchestrator.bench.__main__ import Measurement, Sizes, main
from orchestrator.bench.scale import summarise
from orchestrator.bench.tiny_sweep import Ran, Sample


@pytest.mark.slow
def test_quick_gives_every_figure_as_json(monkeypatch, capsys):
    monkeypatch.setattr(bench, "QUICK", Sizes(trials=2, plan=30, rerun=6, epochs=2))
    assert main(["--quick", "--json"]) == 0
    out, err = capsys.readouterr()
    rows = [Measurement(**row) for row in json.loads(out)]
    assert all(row.value > 0 and row.target > 0 and row.name in err for row in rows)
    counts = [row.trials for row in rows if row.unit != "MB"]
    assert counts == [0, 0, 0, 6, 30, 6, 2], "commands started, a plan, a rerun, tiny trials"
    if sys.platform == "linux":
        assert sum(row.unit == "MB" for row in rows) == 2


def test_a_sweep_that_fails_is_told(tmp_path):
    grid = tiny_sweep.grid(tmp_path, "broken", 6, epochs=1, sizes=(99,))
    with pytest.raises(InputError, match=r"exit code 2: .*batch size 99"):
        tiny_sweep.run(grid, tmp_path, str(tmp_path / "out"), "--executor", "inline")


# -- how the driver's share grows ------------------------------------------------------------------------


def test_slices_by_hand():
    # Trials end at 10, 11, … 20; each trained 0.4 s on one of two cores. The driver uses 0.25 s of processor a
    # second and a megabyte; it began at 2 and ended at 23.
    trials = [(10.0 + index, 0.4) for index in range(11)]
    samples = tuple(Sample(float(t), 100.0 + t, 150.0, 0.25 * (t - 2), 3.0) for t in range(2, 24))
    size = summarise(Ran(2.0, 21.0, samples), trials[::-1], nodes=3, cores=2, width=5)
    assert (size.trials, size.nodes, size.peak, size.load) == (11, 3, 150.0, 3.0)
    assert (size.start, size.end) == (8.0, 3.0)
    assert size.each == pytest.approx(1000 * (21 - 11 * 0.2) / 11)
    assert size.cpu == pytest.approx(1000 * 0.25 * 21 / 11)
    assert [(part.first, part.last) for part in size.slices] == [(1, 6), (6, 11)]
    for part, memory in zip(size.slices, (115.0, 120.0), strict=True):
        assert part.wall == pytest.approx(1000 * (5 - 5 * 0.2) / 5)
        assert part.cpu == pytest.approx(250)
        assert part.memory == memory


def test_a_driver_that_slows_down_shows():
    # The gap between trials grows: 1, 1, 1, 1, then 2, 2, 2, 2 seconds.
    ends = [0.0, 1, 2, 3, 4, 6, 8, 10, 12]
    size = summarise(Ran(0.0, 12.0, ()), [(end, 0.0) for end in ends], nodes=1, cores=1, width=4)
    assert [part.wall for part in size.slices] == [1000, 2000]
    assert all(part.cpu == part.memory == 0 for part in size.slices), "where the driver cannot be seen"


def test_the_last_slice_has_what_is_left():
    size = summarise(Ran(0.0, 9.0, ()), [(float(i), 0.0) for i in range(8)], nodes=1, cores=1, width=3)
    assert [(part.first, part.last) for part in size.slices] == [(1, 4), (4, 7), (7, 8)]


def test_one_trial_has_no_slice():
    assert summarise(Ran(0.0, 2.0, ()), [(1.0, 0.5)], nodes=1, cores=1).slices == ()


def test_a_process_is_seen_until_it_has_ended():
    assert tiny_sweep.sample(2**22 + 1) is None
    if sys.platform == "linux":
        first = tiny_sweep.sample(os.getpid())
        assert 0 < first.memory <= first.peak
        with mmap.mmap(-1, 64_000_000) as ballast:  # what the heap may not have already
            ballast.write(bytes(64_000_000))
            assert tiny_sweep.sample(os.getpid()).memory > first.memory + 50


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_on_local_nodes(capsys, monkeypatch):
    monkeypatch.setattr(scale, "SLICE", 4)
    assert main(["--nodes", "2", "--trials", "6", "--json"]) == 0
    out, err = capsys.readouterr()
    (size,) = json.loads(out)
    assert (size["trials"], size["nodes"]) == (6, 2)
    assert "6 trials on 2 nodes" in err
    assert size["start"] > 0
    assert size["end"] > 0
    assert size["slices"][0]["first"] == 1
    assert size["slices"][-1]["last"] == 6


@pytest.mark.parametrize(
    "arguments", [["--nodes", "0"], ["--trials", "5"], ["--nodes", "2", "--trials", "x"]]
)
def test_sizes_that_are_none(arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
