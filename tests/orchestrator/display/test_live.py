"""The report is made while the sweep runs, and trouble with it stops nothing."""

import threading
import time

from orchestrator.display.live import refreshing


def test_made_again_and_again_until_the_end():
    twice = threading.Event()
    calls = []

    def make():
        calls.append(threading.current_thread().name)
        if len(calls) == 2:
            twice.set()
        raise RuntimeError("a page that cannot be made")

    with refreshing(make, seconds=0.001):
        assert twice.wait(10)
    assert set(calls) == {"live report"}


def test_the_end_waits_for_the_page_that_is_being_made_and_none_follows():
    """The page is under way as the block ends; whatever is written at the end comes after it."""
    making, events = threading.Event(), []

    def make():
        making.set()
        time.sleep(0.2)  # the block is over long before the page is
        events.append("made")

    with refreshing(make, seconds=0.001):
        assert making.wait(10)
    events.append("over")
    assert events == ["made", "over"]
    assert not any(thread.name == "live report" for thread in threading.enumerate())


def test_a_short_run_makes_none():
    calls = []
    with refreshing(lambda: calls.append(1), seconds=60):
        pass
    assert calls == []
