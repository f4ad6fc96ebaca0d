"""Freed memory is used again: no page of it is asked of the system a second time."""

import platform
import resource
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from model.training import heap

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
_MEGABYTES = 40  # above the 32 MiB from which glibc by itself has a mapping for every tensor


def faults_of_a_round():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for size in (_MEGABYTES, 10, _MEGABYTES, 10):
        torch.empty(size, 2**18).fill_(1.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def rounds():
    """The first ones find memory that was never used."""
    heap.keep()
    return [faults_of_a_round() for _ in range(12)]


def test_memory_that_was_freed_is_used_again():
    assert min(rounds()) < 100


def test_in_a_thread_as_in_rays_workers():
    with ThreadPoolExecutor(1) as thread:
        assert min(thread.submit(rounds).result()) < 100
