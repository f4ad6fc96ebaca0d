"""--pack auto."""

import pytest

from model.data.dataset import DataInfo
from orchestrator.planning.packing import Memory, choose, shorter
from tests.helpers.tiny import trial


def info(size):
    return DataInfo("x", 1000, 100, 3, size, size, ("a", "b"), "0")


@pytest.mark.parametrize(
    ("size", "batch_size", "expected"),
    [(8, 2, 5), (8, 32, 5), (32, 2, 5), (32, 4, 5), (32, 8, 4), (32, 16, 2), (32, 32, 1), (64, 8, 1)],
)
def test_small_steps_are_packed_on_a_cpu(size, batch_size, expected):
    spec = trial(batch_size=batch_size).spec
    assert choose(spec, 5, info(size), device="cpu", cells=[5] * 10, slots=2).size == expected


def test_no_worker_is_left_without_a_pack():
    choice = choose(trial(batch_size=2).spec, 5, info(8), device="cpu", cells=[5], slots=4)
    assert choice.size == 1
    assert choose(trial(batch_size=2).spec, 5, info(8), device="cpu", cells=[5, 5], slots=4).size == 4
    assert "4 workers" in choice.reason


def test_a_pack_has_as_many_replicas_as_memory_holds():
    """Half of 8 GiB and 1 GiB each: four."""
    spec = trial(batch_size=2).spec
    known = {"device": "cuda", "cells": [8] * 4, "slots": 1}
    choice = choose(spec, 8, info(32), **known, memory=Memory(8 * 2**30, 2**30))
    assert (choice.size, choice.reason) == (4, "as many as 8.0 GiB a pack hold")
    assert choose(spec, 8, info(32), **known, memory=Memory(80 * 2**30, 2**30)).size == 8
    assert choose(spec, 8, info(32), **known, memory=Memory(2**20, 2**30)).size == 1, "the least there is"


def chosen(cells, slots):
    """The sizes of packs of these cells (batch size -> seeds) on 32×32 images, before and after `shorter`."""
    seeds = {trial(batch_size=size).spec: count for size, count in cells.items()}
    before = {
        spec: choose(spec, count, info(32), device="cpu", cells=seeds.values(), slots=slots)
        for spec, count in seeds.items()
    }
    after = shorter(before, seeds, {"imagefolder": info(32)}, device="cpu", slots=slots)
    return [tuple(choices[spec].size for spec in seeds) for choices in (before, after)], after


def test_nobody_waits_for_the_longest_pack():
    """By hand, of 1,000 images three times, in images: at batch size 2 a pack of eight takes 1,500 · (2 + 8 · 2.9)
    = 37,800, one of four 20,400; at 32 a pack of one takes 96 · 34.9 = 3,350. Eight of the first and sixty of the
    second leave each of eight workers 29,850, and those of eight end last. Halves leave it 30,225."""
    (before, after), choices = chosen({2: 8, 32: 60}, 8)
    assert before == (8, 1)
    assert after[0] < 8
    assert after[1] == 1
    assert "longest pack" in next(iter(choices.values())).reason


@pytest.mark.parametrize(("cells", "slots"), [({2: 100, 32: 100}, 2), ({2: 8}, 1), ({2: 1}, 50)])
def test_packs_are_left_where_no_end_comes_sooner(cells, slots):
    (before, after), _ = chosen(cells, slots)
    assert before == after


def test_the_reckoning_is_of_measured_steps():
    """Times of steps against the tables of docs/performance.md (a core, bn) and docs/gpu.md (an H200, five)."""
    core = {(1, 32): 616, (1, 8): 487, (1, 2): 290, (5, 8): 545, (5, 4): 510, (5, 2): 414}
    for (replicas, size), rate in core.items():
        said = 1.47e-3 * (2.0 + replicas * (0.9 + size))
        assert said == pytest.approx(replicas * size / rate, rel=0.15), (replicas, size)
    gpu = {2: 770, 4: 950, 8: 1373, 16: 2066, 32: 3088}
    for size, micros in gpu.items():
        assert 16 * (38.0 + 5 * size) == pytest.approx(micros, rel=0.1), size
