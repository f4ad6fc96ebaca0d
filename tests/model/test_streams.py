"""Streams are lent to one owner at a time; the right to start belongs to one thread."""

import gc
import threading
from types import SimpleNamespace

import pytest
import torch

from model import streams

GPU = torch.device("cuda", 0)


class Owner:
    pass


@pytest.fixture(autouse=True)
def pool(monkeypatch):
    """torch's 32 streams handed out in turn, over and over."""
    gc.collect()  # owners of the test before
    made = iter(range(10**6))
    monkeypatch.setattr(
        streams, "_new", lambda device: SimpleNamespace(cuda_stream=next(made) % streams.MOST)
    )
    monkeypatch.setattr(streams, "_free", {})
    monkeypatch.setattr(streams, "_lent", {})


def test_live_owners_have_different_streams_however_many_came_and_went():
    stays = Owner()
    kept = streams.take(GPU, stays)
    assert kept is not None
    for _ in range(100):
        owners = [Owner() for _ in range(9)]
        lent = [streams.take(GPU, owner) for owner in owners]
        assert len({stream.cuda_stream for stream in lent if stream} | {kept.cuda_stream}) == 10


def test_an_owner_in_a_cycle_is_collected_when_streams_run_out():
    gc.disable()
    try:
        for _ in range(streams.MOST):
            owner = Owner()
            owner.itself = owner
            assert streams.take(GPU, owner) is not None
        last = Owner()
        assert streams.take(GPU, last) is not None
    finally:
        gc.enable()


def test_there_is_no_33rd():
    owners = [Owner() for _ in range(streams.MOST)]
    assert all(streams.take(GPU, owner) is not None for owner in owners)
    assert streams.take(GPU, Owner()) is None


def test_alone_is_alone_and_may_be_nested():
    entered = threading.Event()

    def other():
        with streams.alone():
            entered.set()

    with streams.alone(), streams.alone():
        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.05)
    thread.join(10)
    assert entered.is_set()


def test_nothing_is_collected_within_a_capture():
    with streams.uncollected():
        assert not gc.isenabled()
        with streams.uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
