"""Which pack goes first where some wait for others, and how long all take."""

import itertools
import random

import pytest

from orchestrator.planning.order import Queue, longest_first, makespan


def test_without_waiting_the_longest_first():
    assert longest_first([2.0, 9.0, 5.0, 9.0], [()] * 4) == [1, 3, 2, 0]


def test_what_others_wait_for_comes_before_them_and_by_the_whole_way():
    #        0 waits for 1, 2 for 0: the way from 1 takes 1 + 2 + 3 seconds, 3 alone 5
    assert longest_first([2.0, 1.0, 3.0, 5.0], [{1}, (), {0}, ()]) == [1, 0, 3, 2]
    assert longest_first([0.0, 0.0], [{1}, ()]) == [1, 0], "also where nothing takes any time"


def test_makespan_by_hand():
    assert makespan([4.0, 1.0, 2.0], 2, [(), (), {1}]) == 4.0  # 1 and then 2 beside 0
    assert makespan([4.0, 1.0, 2.0], 2, [(), (), {0}]) == 6.0  # the second worker waits for 0
    assert makespan([1.0, 1.0, 1.0], 3, [(), {0}, {1}]) == 3.0
    assert makespan([], 2) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_no_order_is_better_than_what_no_schedule_beats(seed):
    """Held to the two bounds of a schedule, the longest way and the work by worker; and on one worker it is
    the sum, whatever waits."""
    draw = random.Random(seed)
    count = draw.randint(1, 9)
    seconds = [draw.uniform(1, 9) for _ in range(count)]
    after = [{j for j in range(i) if draw.random() < 0.3} for i in range(count)]
    order = longest_first(seconds, after)
    place = {number: i for i, number in enumerate(order)}
    assert all(place[before] < place[number] for number in range(count) for before in after[number])
    cut, behind = [seconds[i] for i in order], [{place[b] for b in after[i]} for i in order]
    ways: list[float] = []
    for number in range(count):
        ways.append(seconds[number] + max((ways[b] for b in after[number]), default=0.0))
    for slots in (1, 2, 3):
        took = makespan(cut, slots, behind)
        assert took >= max(*ways, sum(seconds) / slots) - 1e-9
        assert took <= sum(seconds) / slots + max(ways) + 1e-9, "Graham 1969, for any list schedule"
    assert makespan(cut, 1, behind) == pytest.approx(sum(seconds))


def test_a_queue_gives_each_once_and_none_before_its_time():
    for ends in itertools.permutations(range(3)):
        queue, running, seen = Queue(6, [(), (), (), {0, 1}, {2}, {3, 4}]), [], []
        while (number := queue.take()) is not None:
            running.append(number)
        assert running == [0, 1, 2]
        assert queue.waits
        for number in ends:
            queue.ended(number)
            while (number := queue.take()) is not None:
                seen.append(number)
        assert sorted(seen) == [3, 4]
        queue.ended(3)
        assert queue.take() is None
        queue.ended(4)
        assert queue.take() == 5
        assert not queue.waits


def test_what_waits_for_a_failure_never_comes():
    queue = Queue(4, [(), {0}, {1}, {0, 1}])
    assert queue.take() == 0
    queue.ended(0, well=False)
    assert queue.take() is None
    assert not queue.waits
