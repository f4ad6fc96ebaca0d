"""A cloud's notice that a machine will be taken away, from stand-ins for the clouds' metadata services."""

import time
from datetime import UTC, datetime

import pytest

from orchestrator.cluster.spot import azure, google, service
from orchestrator.cluster.spot.amazon import Amazon
from orchestrator.cluster.spot.azure import Azure
from orchestrator.cluster.spot.google import Google
from orchestrator.cluster.spot.service import metadata_service
from tests.helpers import metadata as stand_ins
from tests.helpers.metadata import metadata, serving
from tests.helpers.servers import free_port

#: As Amazon documents it.
NOTICE = {"action": "terminate", "time": "2017-09-18T08:22:00Z"}
AT = datetime(2017, 9, 18, 8, 22, tzinfo=UTC).timestamp()
#: As Azure documents it.
EVENT = {
    "EventId": "A123BC45-1234-5678-AB90-ABCDEF123456",
    "EventStatus": "Scheduled",
    "EventType": "Preempt",
    "ResourceType": "VirtualMachine",
    "Resources": ["normsweep_0"],
    "NotBefore": "Mon, 18 Sep 2017 08:22:00 GMT",
    "Description": "",
    "EventSource": "Platform",
    "DurationInSeconds": -1,
}


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch):
    """No service anywhere, but for those that a test puts there; and a proxy that must not be asked."""
    nowhere = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://{nowhere}")
    monkeypatch.setenv("GCE_METADATA_HOST", nowhere)
    monkeypatch.setattr(azure, "ENDPOINT", f"http://{nowhere}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    for name in ("AWS_EC2_METADATA_DISABLED", "NO_GCE_CHECK"):
        monkeypatch.delenv(name, raising=False)
    metadata_service.cache_clear()
    yield
    metadata_service.cache_clear()


@pytest.fixture
def amazon(monkeypatch):
    with metadata() as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{server.url}/")
        yield server


@pytest.fixture
def googles(monkeypatch):
    with serving(stand_ins.Google()) as server:
        monkeypatch.setenv("GCE_METADATA_HOST", server.url.removeprefix("http://"))
        yield server


@pytest.fixture
def azures(monkeypatch):
    with serving(stand_ins.Azure()) as server:
        monkeypatch.setattr(azure, "ENDPOINT", server.url)
        yield server


def test_none_and_then_one(amazon):
    here = metadata_service()
    assert here.notice() is None
    amazon.notice = NOTICE
    notice = here.notice()
    assert (notice.action, notice.at) == ("terminate", AT)
    assert notice.seconds_left == pytest.approx(notice.at - time.time(), abs=5)
    assert str(notice) == "it will terminate at 08:22:00 UTC (a spot notice)"
    assert len(amazon.tokens) == 1


def test_a_token_that_has_run_out_is_asked_for_anew(amazon):
    here = metadata_service()
    amazon.notice = NOTICE
    amazon.tokens.append("another")
    assert here.notice().action == "terminate"
    assert len(amazon.tokens) == 3


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"action": "stop", "time": "soon"}'])
def test_an_answer_that_is_none(amazon, body):
    here = metadata_service()
    amazon.notice, amazon.body = NOTICE, body
    with pytest.raises(ValueError, match=r"."):
        here.notice()


def test_googles_half_a_minute(googles):
    here = metadata_service()
    assert isinstance(here, Google)
    assert here.notice() is None
    googles.says(b"TRUE\n")
    notice = here.notice()
    assert notice.seconds_left == pytest.approx(30, abs=5)
    assert str(notice).startswith("it will stop at ")


@pytest.mark.parametrize(("said", "flavor"), [(b"FALSE", "another"), (b"maybe", "Google"), (b"<html>", "x")])
def test_who_answers_in_googles_place(googles, said, flavor):
    googles.says(said, flavor)
    assert metadata_service() is None
    with pytest.raises(ValueError, match="not Google's"):
        Google(googles.url)


def test_azures_events(azures):
    here = metadata_service()
    assert isinstance(here, Azure)
    assert here.notice() is None
    azures.says({**EVENT, "EventType": "Reboot"}, {**EVENT, "Resources": ["normsweep_1"]})
    assert here.notice() is None, "it goes on, and another machine's is not its own"
    later = {**EVENT, "EventType": "Terminate", "NotBefore": "Mon, 18 Sep 2017 09:22:00 GMT"}
    azures.says(later, EVENT)
    assert (here.notice().action, here.notice().at) == ("be evicted", AT)
    azures.says(later)
    assert (here.notice().action, here.notice().at) == ("be deleted", AT + 3600)
    azures.says({**EVENT, "EventStatus": "Started", "NotBefore": ""})
    assert here.notice().seconds_left == pytest.approx(0, abs=5)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"Events": 3}', b'{"Events": [3]}', b'{"Events": [{}]}']
)
def test_events_that_are_none(azures, body):
    here = metadata_service()
    azures.says(body=body)
    with pytest.raises(ValueError, match=r"."):
        here.notice()


def test_a_date_that_is_none(azures):
    here = metadata_service()
    azures.says({**EVENT, "NotBefore": "soon"})
    with pytest.raises(ValueError, match=r"."):
        here.notice()


def test_a_machine_without_one_asks_once(monkeypatch):
    tries = []

    def counted():
        tries.append("asked")
        raise OSError("no route to host")

    monkeypatch.setattr(service, "_FINDERS", (counted, google.here, counted))
    assert [metadata_service() for _ in range(3)] == [None] * 3
    assert tries == ["asked"] * 2


@pytest.mark.parametrize("named", ["no url", "http://["])
def test_an_endpoint_that_is_none(monkeypatch, named):
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", named)
    monkeypatch.setenv("GCE_METADATA_HOST", named)
    assert metadata_service() is None


def test_who_speaks_no_http_is_none(googles):
    googles.speaks = b"SSH-2.0-OpenSSH_9.2\r\n"
    assert metadata_service() is None


def test_none_is_asked_where_that_is_said(amazon, googles, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert isinstance(metadata_service(), Google)
    metadata_service.cache_clear()
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert metadata_service() is None
    assert amazon.tokens == []


def test_amazon_alone_answers_its_token(amazon, googles):
    assert isinstance(metadata_service(), Amazon)
