"""What a worker hears of its end while it trains: from the driver, and from its machine."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.cluster.spot.amazon import Amazon
from orchestrator.cluster.spot.google import Google
from orchestrator.execution import watch as watching
from orchestrator.execution.signals import MOMENT
from orchestrator.execution.watch import Watch, no_service
from tests.helpers import metadata as stand_ins
from tests.helpers.metadata import metadata, serving
from tests.helpers.waiting import until


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(watching, "_LOOK", 0.02)
    monkeypatch.setattr(watching, "_LONG", 0.0)


@pytest.fixture
def machine():
    with metadata() as server:
        yield server


def in_seconds(seconds):
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return {"action": "terminate", "time": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def test_a_notice_while_a_pack_trains(machine):
    with Watch(lambda: False, lambda: Amazon(machine.url)) as watch:
        until(lambda: machine.asked > 2, 30, "it looks")
        assert (watch.until(), watch.trouble()) == (None, None)
        machine.notice = in_seconds(120)
        until(lambda: watch.trouble() is not None, 30, "it has seen the notice")
        assert watch.until() - time.monotonic() == pytest.approx(75, abs=10)
        trouble = watch.trouble()
        assert "it will terminate at" in trouble.said
        assert (trouble.gpu, trouble.well) == (False, None)


def test_a_notice_that_leaves_no_time_to_end_an_epoch():
    """Google's half a minute is less than what is kept for saving: the pack leaves at its next step."""
    with serving(stand_ins.Google()) as machine, Watch(lambda: False, lambda: Google(machine.url)) as watch:
        machine.says(b"TRUE")
        until(lambda: watch.trouble() is not None, 30, "it has seen the notice")
        assert watch.until() < time.monotonic()
        assert "it will stop at" in watch.trouble().said


def test_the_driver_is_asked_where_a_pack_has_said_nothing_for_long(monkeypatch):
    answers = iter([False, True])
    watch = Watch(lambda: next(answers), no_service)
    monkeypatch.setattr(watching, "_LONG", 3600.0)
    watch.look()
    monkeypatch.setattr(watching, "_LONG", -1.0)
    watch.look()
    assert watch.until() is None, "asked once by now"
    for _ in range(3):
        watch.look()
        assert watch.until() - time.monotonic() == pytest.approx(MOMENT, abs=10)
    assert next(answers, "none left") == "none left"
    assert watch.trouble() is None


def test_what_cannot_be_asked_fails_nothing():
    tries = []

    class Broken:
        def notice(self):
            tries.append("notice")
            raise OSError("no route to host")

    def stopping():
        tries.append("stopping")
        raise RuntimeError("the driver is gone")

    with Watch(stopping, Broken) as watch:
        until(lambda: tries.count("notice") > 2 and tries.count("stopping") > 2, 30, "it has tried")
        assert (watch.until(), watch.trouble()) == (None, None)


def test_a_service_that_cannot_be_found_hides_nothing():
    def broken():
        raise RuntimeError("no such thing")

    with Watch(lambda: True, broken) as watch:
        until(lambda: watch.until() is not None, 30, "it has heard that the sweep is to end")


def test_a_watch_ends_with_its_pack(machine):
    with Watch(lambda: False, lambda: Amazon(machine.url)):
        until(lambda: machine.asked > 0, 30, "it looks")
        assert "watch" in [thread.name for thread in threading.enumerate()]
    until(lambda: "watch" not in [thread.name for thread in threading.enumerate()], 30, "it has ended")
