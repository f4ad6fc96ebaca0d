"""Which machines take packs. Pure: clusters are lists."""

import pytest

from model.errors import InputError
from orchestrator.planning.resources import Node, NodeType, bill, choose_site

HEAD = Node("h", "head", 8, 0, head=True)
GPU_HEAD = Node("h", "head", 8, 1, head=True, gpu_type="T4")
WORKERS = [Node(f"w{i}", f"worker{i}", 8, 4, gpu_type="A10G") for i in range(2)]
SPOT = NodeType("gpu-spot", 48, 4, 8, "A10G")


def site(nodes, types=(), **options):
    return choose_site(nodes, types, **{"cpus_per_pack": 1.0, "gpus_per_pack": None, **options})


def test_packs_stay_off_the_head_where_there_are_others():
    found = site([HEAD, *WORKERS])
    assert [node.name for node in found.nodes] == ["worker0", "worker1"]
    assert found.avoid == "h"
    assert found.slots == 8, "a GPU each"
    assert found.resources.device == "cuda"


def test_the_head_is_used_when_asked_or_alone():
    asked = site([GPU_HEAD, *WORKERS], use_head=True)
    assert asked.slots == 9
    assert asked.avoid is None
    alone = site([GPU_HEAD])
    assert (alone.slots, alone.avoid) == (1, None)


def test_a_head_whose_workers_are_yet_to_come_is_not_taken_for_a_machine_alone():
    found = site([HEAD], [SPOT])
    assert found.avoid == "h"
    assert found.slots == 32
    assert found.most_nodes == 8
    assert found.nodes == ()


def test_a_machine_without_cores_takes_nothing():
    with pytest.raises(InputError, match=r"no machine but its head.*--use-head trains on the head"):
        site([HEAD, Node("x", "gone", 0, 0)])


def test_a_head_that_lends_nothing_waits_for_its_workers():
    """As on-premises clusters are for half a minute after `ray up`."""
    bare = Node("h", "head", 0, 0, head=True)
    with pytest.raises(InputError, match=r"wait for them to join, and run again\.$"):
        site([bare])
    with pytest.raises(InputError, match="--use-head: the head lends Ray no CPU"):
        site([bare, *WORKERS], use_head=True)


def test_workers_that_are_up_are_counted_once():
    assert site([HEAD, *WORKERS], [SPOT]).slots == 32


def test_the_cluster_files_own_limit_holds_for_all_types_together():
    small = NodeType("small", 8, 1, 8, "T4")
    assert site([HEAD], [small, SPOT], most=10).slots == 8 * 4 + 2 * 1, "the machines with most room first"


def test_fractions_of_a_gpu_do_not_lie_across_machines():
    assert site([HEAD, *WORKERS], gpus_per_pack=0.6, cpus_per_pack=0.1).slots == 8
    odd = [Node("a", "a", 3, 0), Node("b", "b", 3, 0)]
    assert site(odd, cpus_per_pack=2.0).slots == 2, "and neither do cores: 6 of them, but 3 and 3"


def test_a_gpu_type_is_found_whatever_its_case_and_named_as_ray_does():
    found = site([GPU_HEAD, *WORKERS], gpu_type="a10g")
    assert found.gpu_type == "A10G"
    assert found.slots == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gpu_type": "H100"}, "no machine of this cluster has one. It has A10G"),
        ({"gpus_per_pack": 5.0}, r"asks for 1 CPU and 5 GPU; the largest machine of the cluster \(worker"),
        ({"cpus_per_pack": 9.0}, "Lower --cpus-per-pack"),
    ],
)
def test_what_no_machine_has_is_an_error(options, message):
    with pytest.raises(InputError, match=message):
        site([HEAD, *WORKERS], **options)


def test_the_bill_is_of_whole_machines():
    """Ten hours on 8 workers of 4 GPUs, by hand; 5 packs need no more than two of the machines."""
    spot = site([HEAD], [SPOT])
    full = bill(spot, 36_000, 100, price=0.5)
    assert (full.nodes, full.node_hours, full.gpu_hours, full.money) == (8, 80, 320, 160)
    assert bill(spot, 36_000, 5).node_hours == 20
    assert bill(spot, 36_000, 5).money is None


def test_the_bill_of_unlike_machines():
    """An hour of eight with four GPUs and eight with one is 40 GPU-hours; the larger ones come first."""
    mixed = site([HEAD], [SPOT, NodeType("small", 8, 1, 8, "T4")])
    assert bill(mixed, 3600, 100).gpu_hours == 40
    assert bill(mixed, 3600, 33).gpu_hours == 33
