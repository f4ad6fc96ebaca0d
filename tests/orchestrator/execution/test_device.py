"""A device that does not compute is told from a trial that fails. The GPU is a stand-in: torch's calls are patched."""

import subprocess
from dataclasses import replace

import pytest
import torch

from orchestrator.display.progress import Progress
from orchestrator.execution import device as device_file
from orchestrator.execution import worker
from orchestrator.execution.device import DeviceError, SpoiledError, device_trouble, refuse_broken
from orchestrator.execution.inline import run_inline
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.worker import run_pack
from orchestrator.results.store import Store
from tests.helpers.assignments import TRIALS, assignment


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


@pytest.fixture
def illegal(ones, monkeypatch):
    """A pack makes an illegal access: nothing more can be computed here, and in any other process it can."""

    def fails(*_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    ones(fails)
    monkeypatch.setattr(worker, "_train", fails)
    monkeypatch.setattr(
        device_file.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0)
    )


@pytest.mark.parametrize("beside", [True, False])
def test_what_ends_cuda_for_a_process_is_a_failure_of_a_pack_that_had_it_alone(tmp_path, illegal, beside):
    store = Store(str(tmp_path))
    store.open(TRIALS)
    given = replace(assignment(tmp_path, tmp_path, device="cuda:1"), beside_others=beside)
    with pytest.raises(
        SpoiledError, match="has ended for this process: RuntimeError: CUDA error: an illegal"
    ):
        run_pack(given, lambda _: None)
    counted = [state.attempts for state in store.states([t.trial_id for t in TRIALS]).values()]
    assert counted == ([0, 0] if beside else [1, 1])


def test_inline_has_no_other_process_and_stops(tmp_path, illegal):
    Store(str(tmp_path)).open(TRIALS)
    packs = [
        replace(assignment(tmp_path, tmp_path, [t], device="cuda:1"), beside_others=True) for t in TRIALS
    ]
    interrupt = Interrupt()
    listener = Progress([given.pack for given in packs], [1.0] * 2, [3] * 2, slots=2, before=0)
    run_inline(packs, listener, interrupt, at_once=2)
    assert interrupt.trouble.startswith(
        "CUDA has ended for this process: RuntimeError: CUDA error: an illegal"
    )
    assert interrupt.trouble.endswith("Run the same command again to go on")
    assert not list(tmp_path.rglob("failure.json"))
