"""Times from a benchmark's file: of the cells that they are of, and what packs gain side by side."""

import json

import pytest

from model.data.registry import describe
from model.errors import InputError
from orchestrator.planning.measured import of
from orchestrator.planning.order import makespan
from orchestrator.planning.sharing import H200, Gains
from tests.helpers.cells import spec

CIFAR = describe("cifar10")


def pace(norm="bn", size=2, rate=1000.0, **more):
    return {"row": "pace", "norm": norm, "batch_size": size, "pack": 5, "images_per_second": rate, **more}


def file(tmp_path, *rows):
    path = tmp_path / "survey.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return of(str(path))


def test_a_time_is_of_the_cells_that_its_file_says_and_of_all_where_it_says_nothing(tmp_path):
    facts = {"model": "resnet20", "width": 1, "precision": "fp32", "pixels": 1024}
    times = file(tmp_path, pace(**facts), pace(rate=3000.0, **{**facts, "precision": "bf16"}), pace(size=4))
    assert times.training(spec(batch_size=2), 5, CIFAR) == 1000
    assert times.training(spec(batch_size=2, precision="bf16"), 1, CIFAR) == 3000
    for other in ({"model": "resnet32"}, {"width": 2}, {"precision": "tf32"}):
        with pytest.raises(InputError, match="no time of bn at batch size 2"):
            times.training(spec(batch_size=2, **other), 5, CIFAR)
        assert times.training(spec(batch_size=4, **other), 5, CIFAR) == 1000
    with pytest.raises(
        InputError, match="on these images; it has bn 2 resnet20 bf16, bn 2 resnet20 fp32, bn 4"
    ):
        times.training(spec(batch_size=2), 5, describe("digits"))


def test_times_beside_others_say_what_packs_gain_and_are_no_times_of_a_pack_alone(tmp_path):
    alone = [pace(size=2, rate=1000.0), pace(size=4, rate=2000.0)]
    times = file(tmp_path, *alone, pace(size=2, rate=800.0, beside=2), pace(size=4, rate=1000.0, beside=2))
    assert times.training(spec(batch_size=2), 5, CIFAR) == 1000
    assert times.gains.by_packs == pytest.approx({1: 1, 2: 0.8 + 0.5})
    gains = [
        {"row": "side by side", "packs": packs, "gain": gain}
        for packs, gain in ((4, 1.9), (4, 2.1), (1, 0.9))
    ]
    assert file(tmp_path, *alone, *gains).gains.by_packs == {1: 1.0, 4: pytest.approx(2.0)}
    assert file(tmp_path, *alone).gains is None


def test_gains_between_and_beyond_what_was_measured():
    gains = Gains({1: 1.0, 2: 1.5, 4: 2.0})
    assert [gains.of(n) for n in (1, 2, 3, 4, 8)] == [1, 1.5, 1.75, 2, 2]
    assert gains.speed(1, 1) == 1
    assert gains.speed(4, 1) == 0.5
    assert gains.speed(4, 2) == 0.75, "two on each"
    assert gains.speed(1, 2) == 1


def test_packs_that_share_slow_down_and_speed_up_when_others_end():
    """Two of 10 s and 30 s, each at 0.75 while both run: 13.3 s, and then 20 s alone."""
    speed = {1: 1.0, 2: 0.75}.__getitem__
    assert makespan([10, 30], 2, speed=speed) == pytest.approx(10 / 0.75 + 20)
    assert makespan([30, 10], 1, speed=speed) == 40


def test_the_ten_packs_of_fig1_end_when_they_did(tmp_path):
    """An H200's steps alone (docs/gpu.md) and what ten gain: 58 s an epoch, where each to its end beside all
    others would be 154 s."""
    us = {
        "bn": {2: 770, 4: 950, 8: 1373, 16: 2066, 32: 3088},
        "gn": {2: 761, 4: 932, 8: 1319, 16: 1958, 32: 2845},
    }
    alone = [1e-6 * step * (50_000 // size) for own in us.values() for size, step in own.items()]
    alone = sorted(alone, reverse=True)
    found = makespan(alone, 10, speed=lambda running: H200.speed(running, 1))
    assert found == pytest.approx(55.3, rel=0.1), "docs/gpu/h200-after.jsonl, its row epoch"
