"""How many packs share a GPU: the decision, what it does to a plan, and the timing against stand-ins."""

import threading
from dataclasses import replace

import pytest

from model.errors import InputError
from orchestrator.arguments import run as parser
from orchestrator.planning.arguments import options_of
from orchestrator.planning.options import Options
from orchestrator.planning.packs_per_gpu import (
    Ladder,
    decide,
    of_one_gpu,
    record_of,
    remembered,
    rungs,
    shared,
)
from orchestrator.planning.plan import Pack, Plan
from orchestrator.planning.resources import MachineGroup, Resources, Site
from orchestrator.planning.side_by_side import climb, how_many, paces
from tests.helpers.tiny import trial

H200 = {1: 1.0, 2: 1.36, 4: 1.97, 8: 2.03}


@pytest.mark.parametrize(
    ("gains", "end", "packs", "reason"),
    [
        (H200, None, 4, "4 packs on each GPU: 1.97 times the images of one after another; 8 gained 3% more"),
        ({1: 1.0, 2: 1.03}, None, 1, "1 pack on each GPU; 2 gained 3% more"),
        ({1: 1.0, 2: 0.9, 4: 0.8}, None, 1, "1 pack on each GPU; 2 gained nothing"),
        (
            {1: 1.0, 2: 1.02, 4: 1.5},
            None,
            4,
            "4 packs on each GPU: 1.50 times the images of one after another",
        ),
        (
            {1: 1.0, 2: 1.04, 4: 1.08},
            None,
            4,
            "4 packs on each GPU: 1.08 times the images of one after another",
        ),
        (
            {1: 1.0, 2: 1.5},
            "4 do not fit into its memory",
            2,
            "2 packs on each GPU: 1.50 times the images of one after another; 4 do not fit into its memory",
        ),
        ({1: 1.0}, "2 do not fit into its memory", 1, "1 pack on each GPU; 2 do not fit into its memory"),
    ],
)
def test_what_pays_is_taken_and_said(gains, end, packs, reason):
    chosen = decide(Ladder(gains, end))
    assert (chosen.packs, chosen.reason) == (packs, reason)


def site(gpus=1, cpus=16, each=1.0):
    return Site(Resources(each, 1.0, "cuda"), (MachineGroup(1, gpus, gpus, cpus),))


def test_the_site_that_shares():
    assert (shared(site(), 4).slots, shared(site(), 4).resources.gpus) == (4, 0.25)
    assert shared(site(2, 16), 6).slots == 12
    assert shared(site(2, 8), 6).slots == 8, "cores are what is short"
    for packs in range(1, 33):
        resources = shared(site(), packs).resources
        assert resources.packs_per_gpu == packs
        assert packs * round(resources.gpus * 10_000) <= 10_000, "as Ray counts"


@pytest.mark.parametrize(
    ("gpus", "cpus", "packs", "counts"),
    [
        (1, 16, 10, (1, 2, 4, 8)),
        (1, 16, 3, (1, 2, 3)),
        (4, 16, 50, (1, 2, 4)),
        (2, 64, 5, (1, 2, 3)),
        (1, 16, 1, (1,)),
        (1, 1, 9, (1,)),
    ],
)
def test_no_more_packs_are_timed_than_there_are_or_cores_have_room_for(gpus, cpus, packs, counts):
    assert rungs(site(gpus, cpus), packs) == counts


PACKS = [Pack((trial(seed=s, batch_size=b),)) for b in (2, 4, 8, 16) for s in (1, 2)]


def test_what_one_of_two_gpus_begins_with():
    assert [spec.batch_size for spec, _ in of_one_gpu(PACKS, 2, 3)] == [2, 4, 8]


def test_packs_of_every_precision_are_timed_side_by_side():
    """As the sweep has them: captured steps take no settings of the process."""
    mixed = [Pack((trial(precision=p, batch_size=b),)) for b in (2, 4) for p in ("fp32", "tf32", "bf16")]
    assert [spec.precision for spec, _ in of_one_gpu(mixed, 1, 4)] == ["fp32", "tf32", "bf16", "fp32"]


def test_what_was_kept_is_taken_where_it_has_as_many_packs():
    kept = Ladder({1: 1.0, 2: 1.5, 4: 1.97}, source="as timed earlier on this machine")
    sharing, timed = decided(planned(packs=PACKS[:4]), site(), kept=kept)
    assert (sharing.packs, timed) == (4, [])
    assert sharing.reason.endswith("as timed earlier on this machine")
    assert decided(planned(), site(), kept=kept)[1] == [(1, 2, 4, 8)], "eight were not timed"
    said = Ladder({1: 1.0, 2: 1.1}, source="by survey.jsonl")
    assert decided(planned(), site(), known=said, kept=kept)[0].reason.endswith("by survey.jsonl")


# -- who decides -------------------------------------------------------------------------------------


def planned(seconds=1000.0, packs=PACKS):
    return Plan((), tuple(packs), frozenset(), frozenset(), (), (seconds,) * len(packs))


def decided(plan, where, options=None, runs=(), known=None, kept=None, fails=None):
    """The decision, and what was timed for it."""
    timed = []

    def stand_in(packs, counts):
        timed.append(counts)
        if fails is not None:
            raise fails
        return Ladder({count: H200[count] for count in counts})

    options = options or Options("somewhere")
    return how_many(plan, where, options, runs, known=known, kept=kept, device="H200", climb=stand_in), timed


def test_without_a_gpu_nothing_is_timed():
    where = Site(Resources(1.0, 0.0, "cpu"), (MachineGroup(1, 16, 0, 16),))
    assert decided(planned(), where) == (None, [])


def test_where_somebody_says_nothing_is_timed():
    where = shared(site(), 4)
    for options in (Options("x", packs_per_gpu=4), Options("x", gpus_per_pack=0.25)):
        sharing, timed = decided(planned(), where, options)
        assert (sharing.packs, sharing.reason, timed) == (4, "", [])


def test_what_is_over_at_once_is_not_timed():
    sharing, timed = decided(planned(10.0), site())
    assert (sharing.packs, timed) == (1, [])
    assert "over before" in sharing.reason


def test_what_cannot_be_timed_trains_a_pack_at_a_time():
    sharing, _ = decided(planned(), site(), fails=RuntimeError("no machine\nis up"))
    assert sharing.reason == (
        "1 pack on each GPU: more could not be timed (RuntimeError: no machine is up); --packs-per-gpu says how many"
    )
    with pytest.raises(InputError):
        decided(planned(), site(), fails=InputError("a wrong cell"))


def test_a_later_run_takes_what_was_timed_unless_device_or_cells_are_others():
    first, timed = decided(planned(), site())
    assert (first.packs, timed) == (4, [(1, 2, 4, 8)])
    run = {"gpus_per_pack": 0.25, "sharing": record_of(first, {pack.spec for pack in PACKS})}
    fewer = planned(packs=PACKS[:3])
    again, timed = decided(fewer, site(), runs=[run, {}])
    assert timed == []
    assert again.reason.startswith("2 packs on each GPU: 1.36 times")
    assert again.reason.endswith("as an earlier run timed it")
    assert decided(planned(packs=[Pack((trial(batch_size=5),))] * 8), site(), runs=[run])[1]
    other = {**run["sharing"], "device": "A10G"}
    assert decided(planned(), site(), runs=[{**run, "sharing": other}])[1]
    assert remembered([run], None, {PACKS[0].spec}) is not None, "no machine is up to be asked"


def test_a_forged_record_is_none():
    """None of a GPU with no packs, of more than there are streams, and of a gain that there cannot be."""
    gains = ({"x": 2.0}, {"0": 5.0, "1": 1.0}, {"1": 1.0, "9" * 5000: 2.0}, {"1": 1.0, "2": 1e300})
    for record in ({}, {"device": "H200"}, *({"device": "H200", "gains": one, "cells": []} for one in gains)):
        assert remembered([{"sharing": record}], "H200", []) is None


def test_what_is_known_from_elsewhere_is_not_timed():
    known = Ladder({1: 1.0, 2: 1.5}, source="by survey.jsonl")
    sharing, timed = decided(planned(), site(), known=known)
    assert (
        sharing.reason == "2 packs on each GPU: 1.50 times the images of one after another; by survey.jsonl"
    )
    assert timed == []


# -- the timing --------------------------------------------------------------------------------------


class Stub:
    """A pack whose pace is given; `fails`: what it raises when it trains."""

    def __init__(self, number, fails=None):
        self.number, self.fails = number, fails


def stub_pace(packs, _):
    """Alone pack n has 100·(n + 1) images a second, beside others half."""
    for pack in packs:
        if pack.fails:
            raise pack.fails
    return [100.0 * (pack.number + 1) / (2 if len(packs) > 1 else 1) for pack in packs]


def test_the_gain_is_of_each_pack_over_itself():
    assert climb((1, 2, 4), Stub, lambda count: True, stub_pace) == Ladder({1: 1.0, 2: 1.0, 4: 2.0})


def test_memory_ends_the_ladder():
    assert climb((1, 2, 4), Stub, lambda count: count < 4, stub_pace) == Ladder(
        {1: 1.0, 2: 1.0}, "4 do not fit into its memory"
    )
    full = RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
    ladder = climb((1, 2), lambda n: Stub(n, full if n else None), lambda count: True, stub_pace)
    assert ladder == Ladder({1: 1.0}, "2 do not fit into its memory")


def test_an_error_of_several_ends_the_ladder_and_of_one_is_raised():
    broken = ValueError("broken")
    ladder = climb((1, 2), lambda n: Stub(n, broken if n else None), lambda count: True, stub_pace)
    assert ladder.end == "2 could not be timed (ValueError: broken)"
    with pytest.raises(ValueError, match="broken"):
        climb((1, 2), lambda n: Stub(n, broken), lambda count: True, stub_pace)


def test_each_pack_is_timed_as_long_as_it_has_company():
    """A clock that a block moves on, of whichever pack: two packs, of which one has 10 images a block."""
    lock, now, blocks = threading.Lock(), [0.0], {1: 0, 10: 0}

    class Block:
        def __init__(self, images):
            self.images = images

        def block(self):
            with lock:
                now[0] += 0.1
                blocks[self.images] += 1
            return self.images

    rates = paces([Block(1), Block(10)], 2.0, lambda: now[0])
    assert all(rate > 0 for rate in rates)
    assert all(count >= 1 for count in blocks.values())
    assert paces([Block(10)], 2.0, lambda: now[0]) == pytest.approx([100.0])


# -- as it is said -----------------------------------------------------------------------------------


def options(*words):
    return options_of(parser().parse_args(["--grid", "demo", *words]), "demo")


def test_as_a_person_says_it():
    assert options().share is None
    assert options("--packs-per-gpu", "auto").share is None
    assert options("--packs-per-gpu", "4").share == 0.25
    assert options("--gpus-per-pack", "0.25").share == 0.25
    with pytest.raises(InputError, match="give one of them"):
        options("--packs-per-gpu", "4", "--gpus-per-pack", "0.5")
    assert replace(options(), packs_per_gpu=3).share == 0.3333


@pytest.mark.parametrize("words", ["0", "33", "half", "-1"])
def test_numbers_that_are_none(words, capsys):
    with pytest.raises(SystemExit):
        options("--packs-per-gpu", words)
    assert "--packs-per-gpu" in capsys.readouterr().err
