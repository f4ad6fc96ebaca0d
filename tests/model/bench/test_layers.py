"""Where a step's time goes: every kind once, sums that add up, bounds by hand. No time is asserted."""

import pytest

from model.bench import layers
from model.bench.survey_rows import cell
from model.data.dataset import DataInfo
from model.training.calibrate import noise


@pytest.mark.parametrize("norm", ["gn", "bn"])
def test_every_kind_has_a_time_and_a_bound(norm, monkeypatch):
    monkeypatch.setattr(layers, "_TRIES", 1)
    monkeypatch.setattr(layers, "_TRY", 0.0)
    monkeypatch.setattr(layers, "_ROUNDS", 2)
    data = noise(8, 4, DataInfo("noise", 8, 4, 3, 8, 8, ("a", "b", "c"), "0" * 12))
    found = layers.kinds(cell(norm, 2), 2, data)
    names = [
        "convolution",
        "gradient of input",
        "gradient of weights",
        "norm",
        "ReLU and addition",
        "optimiser",
    ]
    assert [kind.name for kind in found] == [*names, "all else", "step"]
    assert len(found) == layers.COUNT
    assert all(kind.bound > 0 for kind in found[:6])
    assert found[-1].bound == pytest.approx(sum(kind.bound for kind in found[:-1]))
    assert found[-1].milliseconds == pytest.approx(sum(kind.milliseconds for kind in found[:-1]))
    assert len(list(layers.lines(found))) == layers.COUNT + 1


def test_a_bound_is_the_larger_of_arithmetic_and_memory(monkeypatch):
    monkeypatch.setattr(layers, "_flop_rate", lambda: 1e9)
    compute = layers._kind("convolution", 0.004, memory=0.001, flops=2e6)
    memory = layers._kind("norm", 0.004, memory=0.003)
    assert (compute.bound, compute.limit, compute.share) == (2.0, "arithmetic", 0.5)
    assert (memory.bound, memory.limit) == (3.0, "memory")
