"""Whether a run waits for a machine: only where packs are to be timed, and nobody knows yet what that gives."""

import math

import pytest

from model.data.dataset import DataInfo
from orchestrator.cluster.sharing import untimed
from orchestrator.planning import ladders
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.options import Options
from orchestrator.planning.packs_per_gpu import Ladder, Sharing, record_of
from orchestrator.planning.plan import Pack, Plan
from orchestrator.planning.resources import MachineGroup, Node, Resources, Site
from tests.helpers.tiny import trial

PACKS = tuple(Pack((trial(seed=seed, batch_size=batch),)) for batch in (2, 4) for seed in (1, 2))
PLAN = Plan((), PACKS, frozenset(), frozenset(), (), (math.inf,) * 4)
INFOS = {"imagefolder": DataInfo("imagefolder", 20, 8, 3, 8, 8, ("a", "b"), "0" * 12)}
LADDER = Ladder({1: 1.0, 2: 1.3, 4: 1.5})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path))


def site(*nodes, gpus=1.0, machines=1, gpu_type="A10G", share=1.0):
    fleet = (MachineGroup(machines, 1, gpus, 8.0, gpu_type),)
    return Site(Resources(1.0, share, "cuda" if share else "cpu"), fleet, nodes)


def asked(where, options=None, runs=()):
    return untimed(PLAN, where, options or Options("x", address="y"), runs, INFOS, Chosen())


def test_it_waits_where_packs_would_be_timed_and_none_is_up():
    assert asked(site())
    assert not asked(site(Node("n", "name", 8.0, 1.0)))


def test_it_does_not_where_there_is_nothing_to_time():
    assert not asked(site(share=0.0, gpus=0.0)), "no GPU is asked for"
    assert not asked(site(share=2.0)), "a pack has several"
    assert not asked(site(machines=4)), "each GPU has one pack anyway"


def test_it_does_not_where_somebody_said():
    for said in ({"packs_per_gpu": 4}, {"gpus_per_pack": 0.25}, {"throughput_from": "survey.jsonl"}):
        assert not asked(site(), Options("x", address="y", **said))


def test_it_does_not_where_it_was_timed_before():
    record = record_of(Sharing(2, "", LADDER, "A10G"), {pack.spec for pack in PACKS})
    assert not asked(site(), runs=[{"sharing": record}])
    ladders.keep(ladders.key("A10G", PACKS, INFOS, Chosen()), LADDER)
    assert not asked(site())
    assert asked(site(gpu_type="H100")), "on another GPU"
    assert asked(site(gpu_type=None)), "on who knows which"
    mixed = (*site().fleet, *site(gpu_type="H100").fleet)
    assert asked(Site(site().resources, mixed)), "on one or the other"


def test_a_ladder_of_fewer_packs_is_not_enough():
    ladders.keep(ladders.key("A10G", PACKS, INFOS, Chosen()), Ladder({1: 1.0, 2: 1.3}))
    assert asked(site())
