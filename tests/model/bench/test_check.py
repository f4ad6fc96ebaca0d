"""The check of a device: it passes here, and can fail."""

import json

import pytest
import torch

from model.bench import __main__ as bench
from model.bench import check
from model.bench.check import checks
from model.bench.variants import COMPUTATIONS
from model.net.convolution import grouped


@pytest.mark.slow
def test_every_variant_trains_as_the_cpu_does_on_a_cpu():
    said = []
    found = checks(torch.device("cpu"), said.append)
    assert {(c.norm, c.convolution, c.layout) for c in found} == {
        (norm, name, layout)
        for norm in ("bn", "gn")
        for name in COMPUTATIONS
        for layout in ("nhwc", "nchw")
        if name != "triton"  # float32 alone, which the survey compares
    }
    assert all(c.passed for c in found), said


@pytest.mark.slow
def test_a_wrong_variant_and_one_that_raises_fail_and_the_exit_code_says_so(monkeypatch, capsys):
    def wrong(x, weight, stride, replicas):
        if not x.is_contiguous(memory_format=torch.channels_last):
            raise RuntimeError("no such kernel")
        return 1.001 * grouped(x, weight + 1e-3, stride, replicas)

    monkeypatch.setattr("model.bench.steps.matmul", wrong)
    threads = torch.get_num_threads()
    try:
        arguments = ["--check", "--compare", "--quick", "--json", "--minutes", "0", "--dataset", "digits"]
        assert bench.main([*arguments, "--norms", "bn"]) == 1
    finally:
        torch.set_num_threads(threads)
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("check")]
    assert all(("WRONG" in line) == ("matmul" in line) for line in lines)
    assert any("no such kernel" in line for line in lines)
    assert {row["error"] for row in json.loads(captured.out)} == {"not measured: out of time"}


def test_not_a_number_is_no_pass():
    assert not check.Check("bn", "grouped", "nhwc", float("nan")).passed
