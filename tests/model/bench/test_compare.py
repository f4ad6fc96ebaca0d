"""The comparison of variants: what it tries and in what order, what it says. No time is asserted."""

import json
import subprocess
import sys

import pytest
import torch

from model.bench import __main__ as bench
from model.bench import compare
from model.bench.compare import Comparison, line, side_by_side, winners
from model.bench.throughput import Measurement
from model.bench.variants import Case, Missing, Variant, schedule, variants
from model.training.calibrate import noise
from tests.helpers import ROOT
from tests.helpers.cells import spec

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def row(convolution, rate, precision="fp32", pack=5):
    return Measurement(
        "bn", None, 2, pack, rate, rate, rate, 10.0, rate / 10, 1.0, "x", precision, "nhwc", convolution
    )


def test_every_variant_is_tried_once_and_layouts_in_both_orders():
    found = [variant for _, variant in variants(CUDA, "bn", 5, 10_240, compiled=True)]
    assert len(set(found)) == len(found) == 3 * 6 + 3
    for precision in ("fp32", "tf32", "bf16"):
        mine = {(v.convolution, v.layout) for v in found if v.precision == precision and not v.compiled}
        both = {(name, layout) for name in ("grouped", "streams") for layout in ("nhwc", "nchw")}
        assert mine == both | {("matmul", "nhwc"), ("triton", "nchw")}


def test_one_replica_has_no_streams_and_a_cpu_no_tf32():
    assert "streams" not in {
        variant.convolution for _, variant in variants(CUDA, "gn", 1, 2048, compiled=False)
    }
    found = [variant for _, variant in variants(CPU, "bn", 5, 10_240, compiled=False)]
    assert {variant.precision for variant in found} == {"fp32", "bf16"}
    assert found[0] == Variant("grouped", layout="nhwc")


def test_all_cells_of_a_variant_come_before_the_next_and_small_batches_first():
    specs = [
        spec(norm=norm, groups=groups, batch_size=b)
        for norm, groups in (("bn", None), ("gn", 8))
        for b in (32, 2)
    ]
    cases = schedule(specs, [1, 5], CUDA, 1024, compiled=True)
    first = [(case.spec.norm, case.spec.batch_size, case.pack) for case in cases[:8]]
    assert first[:4] == [("bn", 2, 5), ("gn", 2, 5), ("bn", 2, 1), ("gn", 2, 1)]
    assert len(set(first)) == 8
    assert {case.variant.convolution for case in cases[:8]} == {"grouped"}
    assert [case.variant.compiled for case in cases] == sorted(case.variant.compiled for case in cases)
    assert len(set(cases)) == len(cases) == 4 * (18 + 12 + 2 * 3)


def comparison(said, seconds):
    return Comparison(noise(32, 8), CPU, said.append, block=0.01, blocks=2, seconds=seconds)


def test_a_variant_that_fails_is_a_row_and_the_next_goes_on(monkeypatch):
    said = []
    real = compare.measure

    def measure(*arguments, **options):
        if options["variant"].convolution == "matmul":
            raise RuntimeError("no kernel\nand a long story")
        return real(*arguments, **options)

    monkeypatch.setattr(compare, "measure", measure)
    cases = [Case(spec(batch_size=2), 2, Variant(name)) for name in ("grouped", "matmul", "streams")]
    found = comparison(said, 1000).run(cases)
    assert [type(one) for one in found] == [Measurement, Missing, Measurement]
    assert found[1].error == "RuntimeError: no kernel"
    assert [one.convolution for one in found] == ["grouped", "matmul", "streams"]
    assert "no kernel" in said[2]


def test_out_of_time_is_said_of_every_variant_left():
    said = []
    found = comparison(said, 0).run([Case(spec(batch_size=2), 2, Variant())] * 2)
    assert [one.error for one in found] == ["not measured: out of time"] * 2
    assert winners(found) == ["2 ways without a measurement"]


def test_the_winner_is_named_beside_the_default():
    rows = [row("grouped", 100), row("matmul", 250), row("streams", 200), row("grouped", 5, "bf16")]
    assert winners(rows) == ["best of bn batch 2 pack 5 fp32: matmul nhwc, 2.50 times grouped nhwc"]
    assert "  250 " in line(rows[1])
    assert line(rows[1]).endswith("25.00")


def test_side_by_side_counts_the_images_of_all_packs(monkeypatch):
    monkeypatch.setattr(compare, "steps_for", lambda run, block, most: 3)
    monkeypatch.setattr(compare, "timed", lambda run, steps: run(steps) or 2.0)
    rate = side_by_side(spec(batch_size=4), 2, 3, noise(32, 8), CPU, 0.01, 1)
    assert rate == 3 * 4 * 2 * 3 / 2.0


@pytest.mark.slow
def test_json_of_a_comparison_has_a_row_for_every_variant(capsys):
    threads = torch.get_num_threads()
    arguments = ["--compare", "--quick", "--json", "--norms", "bn", "--batch-sizes", "2", "--packs", "2"]
    try:
        assert bench.main([*arguments, "--dataset", "digits"]) == 0
    finally:
        torch.set_num_threads(threads)
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 2 * 5  # fp32 and bf16
    assert {r["convolution"] for r in rows} == {"grouped", "matmul", "streams"}
    assert all(r["images_per_second"] > 0 and r["ratio"] > 0 for r in rows)


def test_the_benchmark_needs_no_ray_pydantic_or_plotly():
    """A machine that is lent for half an hour has torch, torchvision and numpy."""
    program = (
        "import sys\n"
        "for name in ('ray', 'pydantic', 'plotly', 'pandas', 'sklearn', 'scipy', 'rich', 'fsspec', 'yaml', 'filelock'):\n"
        "    sys.modules[name] = None\n"
        "from model.bench import __main__ as bench\n"
        "every = bench.schedule\n"
        "bench.schedule = lambda *cells, **how: list(every(*cells, **how))[:1]\n"
        "sys.exit(bench.main(sys.argv[1:]))\n"
    )
    arguments = ["--compare", "--quick", "--norms", "bn", "--batch-sizes", "2", "--packs", "1"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=200, check=False,
        cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "grouped fp32 nhwc" in done.stdout
    assert "limit: matrix products" in done.stdout
