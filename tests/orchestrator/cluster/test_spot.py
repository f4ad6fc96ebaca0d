"""EC2's notice that a machine will be taken away, from a stand-in for its metadata service."""

import time
from datetime import UTC, datetime

import pytest

from orchestrator.cluster import spot
from orchestrator.cluster.spot import MetadataService, metadata_service
from tests.helpers.metadata import metadata
from tests.helpers.servers import free_port

#: As Amazon documents it.
NOTICE = {"action": "terminate", "time": "2017-09-18T08:22:00Z"}


@pytest.fixture
def service(monkeypatch):
    """The stand-in, where AWS_EC2_METADATA_SERVICE_ENDPOINT says that it is, and not by way of a proxy."""
    metadata_service.cache_clear()
    with metadata() as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{server.url}/")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
        yield server
    metadata_service.cache_clear()


def test_none_and_then_one(service):
    here = metadata_service()
    assert here.notice() is None
    service.notice = NOTICE
    notice = here.notice()
    assert (notice.action, notice.at) == ("terminate", datetime(2017, 9, 18, 8, 22, tzinfo=UTC).timestamp())
    assert notice.seconds_left == pytest.approx(notice.at - time.time(), abs=5)
    assert str(notice) == "it will terminate at 08:22:00 UTC (a spot notice)"
    assert len(service.tokens) == 1


def test_a_token_that_has_run_out_is_asked_for_anew(service):
    here = metadata_service()
    service.notice = NOTICE
    service.tokens.append("another")
    assert here.notice().action == "terminate"
    assert len(service.tokens) == 3


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"action": "stop", "time": "soon"}'])
def test_an_answer_that_is_none(service, body):
    here = metadata_service()
    service.notice, service.body = NOTICE, body
    with pytest.raises(ValueError, match=r"."):
        here.notice()


def test_a_machine_without_one_is_asked_once(monkeypatch):
    metadata_service.cache_clear()
    tries = []

    class Counted(MetadataService):
        def __init__(self, endpoint):
            tries.append(endpoint)
            super().__init__(endpoint)

    nowhere = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr(spot, "MetadataService", Counted)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", nowhere)
    assert [metadata_service() for _ in range(3)] == [None] * 3
    assert tries == [nowhere]
    metadata_service.cache_clear()


@pytest.mark.parametrize("named", ["no url", "http://["])
def test_an_endpoint_that_is_none(monkeypatch, named):
    metadata_service.cache_clear()
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", named)
    assert metadata_service() is None
    metadata_service.cache_clear()


def test_none_is_asked_where_that_is_said(service, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert metadata_service() is None
    assert service.tokens == []
