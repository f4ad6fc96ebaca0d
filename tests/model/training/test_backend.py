"""Process-wide settings: made while somebody trains, shared by threads, restored."""

import threading

import pytest
import torch

from model.training.backend import TINY, arithmetic, convolutions
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

CPU = torch.device("cpu")


def onednn():
    """Whether a float32 convolution goes to oneDNN now."""
    x, w = torch.randn(2, 4, 8, 8), torch.randn(4, 4, 3, 3)
    with torch.profiler.profile() as profile:
        torch.nn.functional.conv2d(x, w, padding=1)
    return any("mkldnn" in event.key for event in profile.key_averages())


@pytest.mark.parametrize(("precision", "allowed"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_tf32_is_used_only_when_asked_for_and_the_setting_is_restored(precision, allowed):
    before = (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
    with arithmetic(precision):
        assert torch.backends.cudnn.allow_tf32 is allowed
        assert torch.backends.cuda.matmul.allow_tf32 is allowed
    assert before == (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)


def test_threads_of_fp32_and_bf16_share_the_settings_and_one_of_tf32_waits_for_them():
    before = (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark)
    first, second, begun, seen = arithmetic("fp32"), arithmetic("bf16"), threading.Event(), []

    def other():
        begun.set()
        with arithmetic("tf32"):
            seen.append(torch.backends.cudnn.allow_tf32)

    first.__enter__()
    second.__enter__()
    thread = threading.Thread(target=other)
    thread.start()
    begun.wait()
    first.__exit__(None, None, None)
    assert torch.backends.cudnn.allow_tf32 is False  # the second still trains
    assert not seen
    second.__exit__(None, None, None)
    thread.join(10)
    assert seen == [True]
    assert before == (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark)


needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch without oneDNN")


@needs_onednn
def test_tiny_batches_go_to_torchs_own_convolutions_and_the_setting_is_restored():
    for pixels, expected in ((TINY, False), (TINY + 1, True)):
        with convolutions(CPU, pixels):
            assert onednn() is expected
        assert onednn()


@needs_onednn
def test_a_thread_that_needs_the_other_kind_waits():
    begun, seen = threading.Event(), []

    def other():
        begun.set()
        with convolutions(CPU, 10**6):
            seen.append("large")

    with convolutions(CPU, 1):
        thread = threading.Thread(target=other)
        thread.start()
        begun.wait()
        with convolutions(CPU, 2):  # the same kind does not wait
            seen.append("tiny")
    thread.join(10)
    assert seen == ["tiny", "large"]


def test_either_kind_gives_the_same_training(monkeypatch):
    """float32: the same up to the order of sums."""
    data = toy_data()
    first = Training(spec(batch_size=2), [1], data)  # 2·8·8 pixels
    found = first.run_epoch()[0].train_loss
    monkeypatch.setattr("model.training.backend.TINY", 0)
    expected = Training(spec(batch_size=2), [1], data).run_epoch()[0].train_loss
    assert found == pytest.approx(expected, rel=1e-3)
