"""The survey: in time, whatever fails, and its file gives a plan its times."""

import json
import math

import pytest
import torch

from model.bench import __main__ as bench
from model.bench.survey import HUNG, Entry, Survey
from model.bench.survey_summary import summary
from model.bench.throughput import BATCH_SIZES
from model.data.registry import describe
from model.errors import InputError
from orchestrator.planning.measured import of
from tests.helpers.cells import spec

CPU = torch.device("cpu")


def timed_row(norm, size, rate, **more):
    facts = {
        "norm": norm,
        "batch_size": size,
        "pack": 5,
        "us_per_step": 1e6 * 5 * size / rate,
        "way": "usual fp32",
    }
    return {"row": "pace", **facts, "images_per_second": rate, **more}


@pytest.mark.slow
def test_a_short_survey_on_the_cpu_writes_every_row_and_gives_times(tmp_path, capsys):
    """Half a minute where the machine has nothing else to do; where it has, the last rows say so."""
    out = tmp_path / "survey.jsonl"
    threads = torch.get_num_threads()
    try:
        assert bench.main(["--survey", "2", "--device", "cpu", "--out", str(out)]) == 0
    finally:
        torch.set_num_threads(threads)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows[0]["row"] == "environment"
    assert {row["row"] for row in rows} >= {"pace", "profile", "plain loop", "way", "side by side, batch 2"}
    measured = [row for row in rows if not row.get("error")]
    assert {row["error"] for row in rows if row not in measured} <= {
        "CUDA alone",
        "not measured: out of time",
    }
    assert {row["precision"] for row in measured if row["row"] == "way"} <= {"fp32", "bf16"}
    assert all(row["gain"] > 0 for row in measured if str(row["row"]).startswith("side by side"))
    assert [row["passed"] for row in measured if row["row"] == "check"][:2] == [True, True]
    said = capsys.readouterr().out.splitlines()
    assert "without a measurement" in said[-1]
    times = of(str(out))
    assert times(spec(batch_size=2), 5, describe("digits")) > 0
    with pytest.raises(InputError, match="no time of bn at batch size 4"):
        times(spec(batch_size=4), 5, describe("digits"))


def test_without_time_every_row_says_so_and_one_that_fails_ends_nothing(tmp_path):
    said = []
    rows = Survey(CPU, 0.0, None, said.append).run()
    assert {row["error"] for row in rows} == {"not measured: out of time"}

    def broken():
        raise RuntimeError("CUDA error:\n operation not permitted")

    measured = Survey(CPU, 1.0, str(tmp_path / "out"), said.append)
    measured.measure(Entry("environment", 0, broken))
    measured.measure(Entry("limits", 0, lambda: {"kernel_us": 1.0}))
    assert measured.rows[0]["error"] == "RuntimeError: CUDA error: operation not permitted"
    assert measured.rows[1]["kernel_us"] == 1.0


def test_the_watchdog_ends_what_hangs(monkeypatch):
    codes = []
    monkeypatch.setattr("os._exit", codes.append)
    hung = Survey(CPU, 1.0, None, lambda line: None)
    hung.watch(0.01)
    assert codes == [HUNG]
    assert hung.rows[-1]["row"] == "watchdog"


def test_the_summary_adds_up_fig1_one_pack_at_a_time_and_side_by_side():
    cells = [(norm, size) for norm in ("bn", "gn") for size in BATCH_SIZES]
    rows = [timed_row(*cell, 10_000.0) for cell in cells] + [
        timed_row(*cell, 5_000.0, beside=10) for cell in cells
    ]
    rows += [{"row": "side by side, batch 2", "packs": n, "images_per_second": 100.0 * n} for n in (1, 4)]
    rows += [{"row": "way", "error": "none such"}]
    chosen = {"precision": "fp32", "kernels": "nchw, triton convolutions"}
    rows += [
        timed_row("ln", 2, 100.0, **chosen),
        {**timed_row("ln", 2, 200.0, **chosen), "row": "way", "way": "grouped fp32"},
    ]
    rows += [
        {**timed_row("ln", 4, rate, **chosen), "row": "way", "way": way}
        for way, rate in (("usual fp32", 100.0), ("usual fp32 aside", 104.0))
    ]
    rows += [
        {**timed_row("ln", 8, rate, **chosen), "row": "way", "way": way}
        for way, rate in (("usual fp32", 100.0), ("usual fp32 aside", 125.0))
    ]
    text = "\n".join(summary(rows))
    assert "weights' gradients on a stream of their own did not win: 0.96 of its time" in text
    assert "weights' gradients on a stream of their own won: 0.80 of its time" in text
    alone = sum(500 * (50_000 // size * size) for _, size in cells) / 10_000 / 3600
    assert f"{alone:.2f} h one pack at a time" in text
    assert "ten side by side, which gains 5.00" in text
    assert f"at most {alone / 5:.2f} h" in text
    assert f"at least {alone / 5:.2f} h" in text
    assert "a sweep takes nchw, triton convolutions in fp32: but grouped fp32 takes 0.50 of its time" in text
    assert "best side by side, batch 2: 4 packs, 400 images/s" in text
    assert text.endswith(f"{len(rows)} rows, 1 without a measurement")
    assert math.isfinite(alone)
