"""Streams are lent to one owner at a time; the right to start belongs to one thread."""

import gc
import threading
from types import SimpleNamespace

import pytest
import torch

from model.streams import MAX_STREAMS, StreamPool, exclusive, gc_paused

GPU = torch.device("cuda", 0)


class Owner:
    pass


@pytest.fixture
def pool():
    """torch's 32 streams handed out in turn, over and over."""
    made = iter(range(10**6))
    return StreamPool(lambda device: SimpleNamespace(cuda_stream=next(made) % MAX_STREAMS))


def test_live_owners_have_different_streams_however_many_came_and_went(pool):
    stays = Owner()
    kept = pool.take(GPU, stays)
    assert kept is not None
    for _ in range(100):
        owners = [Owner() for _ in range(9)]
        lent = [pool.take(GPU, owner) for owner in owners]
        assert len({stream.cuda_stream for stream in lent if stream} | {kept.cuda_stream}) == 10


def test_an_owner_in_a_cycle_is_collected_when_streams_run_out(pool):
    gc.disable()
    try:
        for _ in range(MAX_STREAMS):
            owner = Owner()
            owner.itself = owner
            assert pool.take(GPU, owner) is not None
        last = Owner()
        assert pool.take(GPU, last) is not None
    finally:
        gc.enable()


def test_there_is_no_33rd(pool):
    owners = [Owner() for _ in range(MAX_STREAMS)]
    assert all(pool.take(GPU, owner) is not None for owner in owners)
    assert pool.take(GPU, Owner()) is None


def test_exclusive_is_exclusive_and_may_be_nested():
    entered = threading.Event()

    def other():
        with exclusive():
            entered.set()

    with exclusive(), exclusive():
        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.05)
    thread.join(10)
    assert entered.is_set()


def test_nothing_is_collected_within_a_capture():
    with gc_paused():
        assert not gc.isenabled()
        with gc_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
