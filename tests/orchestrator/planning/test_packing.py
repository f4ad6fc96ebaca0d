"""--pack auto."""

import pytest

from model.data.dataset import DataInfo
from orchestrator.planning.packing import Memory, choose
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
