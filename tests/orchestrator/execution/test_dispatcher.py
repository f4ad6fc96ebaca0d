"""Which pack a worker gets, and which GPU. Pure: no Ray is started."""

from dataclasses import replace

import pytest

from orchestrator.execution.dispatcher import LATER, Dispatcher
from orchestrator.planning.resources import Resources, packs_at_once
from tests.helpers.assignments import assignment


@pytest.fixture
def dispatcher(tmp_path):
    return Dispatcher([assignment(tmp_path / str(i), tmp_path, device="cuda") for i in range(6)])


def test_packs_in_order_and_the_same_again_after_a_loss(dispatcher):
    assert [dispatcher.take(name)[0] for name in ("a", "b", "a", "c", "b")] == [0, 1, 0, 2, 1]


def test_there_is_an_end(dispatcher):
    assert [dispatcher.take(str(i)) is None for i in range(8)] == [False] * 6 + [True] * 2


def test_nothing_after_a_stop(dispatcher):
    dispatcher.take("a")
    dispatcher.stop()
    assert dispatcher.take("b") is None
    assert dispatcher.take("a") is None


def test_halves_of_two_gpus_never_share_one_while_the_other_idles(dispatcher):
    gpus = [dispatcher.take(name, "node", 2)[1].gpu for name in "abcd"]
    assert gpus == [0, 1, 0, 1]
    dispatcher.release("b")
    dispatcher.release("d")
    assert [dispatcher.take(name, "node", 2)[1].gpu for name in "ef"] == [1, 1]


def test_nodes_are_balanced_by_themselves(dispatcher):
    assert dispatcher.take("a", "one", 2)[1].gpu == 0
    assert dispatcher.take("b", "two", 2)[1].gpu == 0
    assert dispatcher.take("c", "one", 2)[1].gpu == 1


def test_a_lost_worker_gives_its_share_back(dispatcher):
    dispatcher.take("a", "one", 2)
    dispatcher.take("b", "one", 2)
    assert dispatcher.take("a", "two", 2)[1].gpu == 0
    assert dispatcher.take("c", "one", 2)[1].gpu == 0, "what a had on the lost node is free"


def test_one_visible_gpu_is_the_one_that_ray_gave(dispatcher):
    assert dispatcher.take("a", "node", 1)[1].gpu == 0


def test_a_pack_that_was_lost_twice_gets_a_process_of_its_own(tmp_path):
    """It may be what ended the one that it shared with others."""
    packs = [assignment(tmp_path / str(i), tmp_path) for i in range(2)]
    dispatcher = Dispatcher([replace(given, beside_others=True) for given in packs])
    shared = []
    for _ in range(3):
        shared.append(dispatcher.take("a")[1].beside_others)
        dispatcher.lost("a")
    assert shared == [True, True, False]
    assert dispatcher.take("b")[1].beside_others


@pytest.mark.parametrize(
    ("share", "gpus", "fit"),
    [(0.2, 1, 5), (0.1, 1, 10), (0.2, 2, 10), (0.6, 2, 2), (1, 3, 3), (2, 5, 2), (0, 0, 16), (0.5, 2, 4)],
)
def test_packs_at_once(share, gpus, fit):
    assert packs_at_once(Resources(1.0, share, "cuda" if share else "cpu"), 16, gpus) == fit


# -- packs that wait for others ----------------------------------------------------------------------


@pytest.fixture
def family(tmp_path):
    """Pack 2 starts from the weights of packs 0 and 1."""
    return Dispatcher([assignment(tmp_path / str(i), tmp_path) for i in range(3)], [(), (), {0, 1}])


def test_a_child_is_given_when_all_its_parents_are_trained(family):
    assert [family.take(name)[0] for name in "ab"] == [0, 1]
    assert family.take("c") == LATER
    family.ended("a", trained=True)
    assert family.take("c") == LATER
    family.ended("b", trained=True)
    assert family.take("c")[0] == 2
    assert family.take("d") is None


def test_a_child_is_never_given_when_a_parent_failed(family):
    family.take("a")
    family.take("b")
    family.ended("b", trained=False)
    assert family.take("c") is None
    family.ended("a", trained=True)
    assert family.take("c") is None


def test_who_waits_takes_the_pack_of_a_lost_worker(family):
    """Whose own place may be gone with its machine: it would be waited for without end."""
    family.take("a")
    family.take("b")
    assert family.take("c") == LATER
    family.lost("a")
    assert family.take("c")[0] == 0
    assert family.take("a") == LATER, "come back, it waits in turn"
    family.ended("c", trained=True)
    family.ended("b", trained=True)
    assert family.take("a")[0] == 2


def test_nothing_is_waited_for_after_a_stop(family):
    family.take("a")
    family.take("b")
    family.stop()
    assert family.take("c") is None


def test_a_lost_worker_keeps_its_pack_where_nobody_waits(dispatcher):
    dispatcher.take("a")
    dispatcher.lost("a")
    assert dispatcher.take("b")[0] == 1
    assert dispatcher.take("a")[0] == 0


# -- nodes that cannot compute -----------------------------------------------------------------------


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def watched(tmp_path, now):
    """Three packs; five minutes until a node that is left out, and alone, is told so."""
    packs = [assignment(tmp_path / str(i), tmp_path, device="cuda") for i in range(3)]
    return Dispatcher(packs, alone=300.0, clock=lambda: now[0])


def test_the_pack_of_a_node_that_is_left_out_goes_to_another(watched):
    assert watched.take("bad")[0] == 0
    watched.leave_out("bad")
    assert [watched.take(name)[0] for name in ("good", "better")] == [0, 1]


def test_a_node_that_is_left_out_stays_while_others_train_and_is_let_go_when_they_idle(watched, now):
    watched.take("bad")
    watched.leave_out("bad")
    watched.take("good")
    now[0] = 1000.0
    assert watched.left_out() == "stay"
    watched.ended("good", trained=True)
    now[0] = 1020.0
    assert watched.left_out() == "stay", "another may be about to ask"
    now[0] = 1031.0
    assert watched.left_out() == "leave", "packs are left, and this place may be a sound machine's"
    assert [watched.take(name)[0] for name in ("good again", "bad anew")] == [1, 2]
    assert watched.left_out() == "stay"
    watched.ended("good again", trained=True)
    watched.ended("bad anew", trained=False)
    assert watched.left_out() == "over"


def test_a_node_that_is_left_out_and_alone_is_told_so(watched, now):
    watched.take("bad")
    watched.leave_out("bad")
    assert watched.left_out() == "stay"
    now[0] = 301.0
    assert watched.left_out() == "alone"


def test_a_bad_node_that_is_placed_anew_again_and_again_is_told_too(watched, now):
    """Each time it takes a pack and fails; the five minutes are counted from the first time."""
    said = []
    while "alone" not in said and now[0] < 2000:
        watched.take("bad")
        watched.leave_out("bad")
        while (verdict := watched.left_out()) == "stay":
            now[0] += 1.0
        said.append(verdict)
    assert said == ["leave"] * 9 + ["alone"]
    assert 300 <= now[0] < 310


def test_where_machines_have_trained_they_are_waited_for_longer(watched, now):
    watched.take("good")
    watched.ended("good", trained=True)
    watched.take("bad")
    watched.leave_out("bad")
    now[0] = 1199.0
    assert watched.left_out() == "leave"
    now[0] = 1200.0
    assert watched.left_out() == "alone"


def test_a_node_left_out_in_the_middle_of_a_pack_has_trained(watched, now):
    """The clock starts with its own trouble, and not with an earlier one's."""
    watched.take("bad")
    watched.leave_out("bad")
    watched.take("good")
    now[0] = 5000.0
    watched.leave_out("good", gpu=False, worked=True)
    now[0] = 5010.0
    assert watched.left_out() == "stay"
    now[0] = 6200.0
    assert watched.left_out() == "alone"


def test_trouble_of_storage_is_none_of_the_gpu(dispatcher):
    assert dispatcher.take("a", "node", 2)[1].gpu == 0
    dispatcher.leave_out("a", gpu=False)
    assert dispatcher.take("b", "node", 2)[1].gpu == 0


def test_a_node_that_is_left_out_ends_with_the_sweep(watched):
    watched.take("bad")
    watched.leave_out("bad")
    watched.stop()
    assert watched.left_out() == "over"


def test_a_broken_gpu_is_given_last(dispatcher):
    assert dispatcher.take("a", "node", 2)[1].gpu == 0
    dispatcher.leave_out("a")
    assert [dispatcher.take(name, "node", 2)[1].gpu for name in "bc"] == [1, 1]
    assert dispatcher.take("d", "other", 2)[1].gpu == 0
