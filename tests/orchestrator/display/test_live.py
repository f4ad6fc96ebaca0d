"""The report is made while the sweep runs, and trouble with it stops nothing."""

import threading

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
    count = len(calls)
    assert set(calls) == {"live report"}
    assert not any(thread.name == "live report" for thread in threading.enumerate())
    assert len(calls) == count


def test_a_short_run_makes_none():
    calls = []
    with refreshing(lambda: calls.append(1), seconds=60):
        pass
    assert calls == []
