"""A device that does not compute is told from a trial that fails. The GPU is a stand-in: torch's calls are patched."""

import subprocess

import pytest
import torch

from orchestrator.execution import device as device_file
from orchestrator.execution.device import DeviceError, device_trouble, refuse_broken
from orchestrator.execution.worker import run_pack
from tests.helpers.assignments import assignment


@pytest.fixture(autouse=True)
def fresh():
    device_trouble.cache_clear()
    yield
    device_trouble.cache_clear()


@pytest.fixture
def ones(monkeypatch):
    """Sets what stands in for `torch.ones` on a GPU."""

    def stand_in(answer):
        def instead(*shape, device):
            assert device == "cuda:1"
            return answer(*shape)

        monkeypatch.setattr(torch, "ones", instead)

    return stand_in


def test_a_sound_device(ones):
    assert device_trouble("cpu") is None
    real = torch.ones
    ones(real)
    assert device_trouble("cuda:1") is None


def test_a_driver_that_is_not_there(ones):
    def fails(*shape):
        raise RuntimeError("Found no NVIDIA driver on your system.\nPlease check that you have one")

    ones(fails)
    assert "its GPU cannot be used: " in device_trouble("cuda:1")
    assert "Found no NVIDIA driver" in device_trouble("cuda:1")


def test_memory_that_others_took_is_no_trouble(ones):
    def fails(*shape):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    ones(fails)
    assert device_trouble("cuda:1") is None


def test_a_device_that_adds_up_wrongly(ones):
    wrong = torch.full((64, 64), 1.01)
    ones(lambda *shape: wrong)
    assert "computes wrongly" in device_trouble("cuda:1")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine without a GPU is needed")
def test_a_process_of_its_own_is_asked_after_an_error():
    refuse_broken("cpu")
    with pytest.raises(DeviceError, match="its GPU cannot be used"):
        refuse_broken("cuda")


def test_a_device_that_hangs(monkeypatch):
    def hangs(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(device_file.subprocess, "run", hangs)
    with pytest.raises(DeviceError, match="does not answer within 120 s"):
        refuse_broken("cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine without a GPU is needed")
def test_a_pack_on_a_broken_device_counts_no_failure(tmp_path, images):
    from orchestrator.results.store import Store

    (tmp_path / "out").mkdir()
    one = assignment(tmp_path / "out", images, device="cuda")
    with pytest.raises(DeviceError):
        run_pack(one, lambda event: None)
    assert not any(state.failure for state in Store(one.results).scan().values())
