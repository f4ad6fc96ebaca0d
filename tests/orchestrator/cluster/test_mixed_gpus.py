"""A cluster with GPUs of several types, whose machines Ray names in any order: a sweep goes by one of them."""

from itertools import permutations

import pytest

from orchestrator.cluster.kernels import as_before, known_kernels
from orchestrator.planning.options import Options
from orchestrator.planning.packs_per_gpu import kind
from orchestrator.planning.plan import Pack, Plan
from orchestrator.planning.resources import MachineGroup, Node, Resources, Site
from tests.helpers.tiny import trial

NODES = [Node(name, name, 4.0, 1.0, gpu_type=name) for name in ("A10G", "H100", "L4")]
ONE = trial(batch_size=8)
PLAN = Plan((ONE,), (Pack((ONE,)),), frozenset(), frozenset(), (), (900.0,))
RUN = {"kernels": {"device": "H100", "chosen": {kind(ONE.spec): "torch"}, "rates": {}}}


@pytest.mark.parametrize("order", [*permutations(NODES)])
def test_kernels_are_those_of_the_gpu_that_an_earlier_run_asked_whatever_machine_comes_first(order):
    site = as_before(
        Site(Resources(1.0, 1.0, "cuda"), (MachineGroup(3, 1, 1.0, 4.0),), tuple(order)), [RUN, {}]
    )
    assert site.nodes[0].gpu_type == "H100", "what is timed beside is timed there too"
    known = known_kernels(PLAN, {}, site, Options("out", address="x"), [RUN, {}], joined=True)
    assert (known.device, known.of(ONE.spec)) == ("H100", "torch")


def test_without_an_earlier_timing_or_such_a_machine_they_stay_as_they_are():
    site = Site(Resources(1.0, 1.0, "cuda"), (MachineGroup(3, 1, 1.0, 4.0),), tuple(NODES))
    gone = {"sharing": {"device": "T4", "gains": {"1": 1.0}, "end": None, "cells": []}}
    assert as_before(site, [RUN, gone]).nodes[0].gpu_type == "H100", "the latest of those that are up"
    assert as_before(site, []) == as_before(site, [{}, {"kernels": {}}]) == as_before(site, [gone]) == site
