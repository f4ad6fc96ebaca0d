"""The captured path without a GPU: its buffers and counter drive the same steps as the plain loop.

Capture itself needs CUDA. What can be shown here is everything around it: with a "graph" whose replay
calls the step, an epoch out of the device-side buffers is bit for bit the looped one.
"""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from model.training.backend import arithmetic
from model.training.epoch import CHUNK_IMAGES, WARM_UP, Tally
from model.training.graphs import CudaGraphs
from model.training.step import Step
from model.training.training import Training, _convolution
from tests.helpers.cells import spec, toy_data
from tests.helpers.waiting import HANGS

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


class Calls(CudaGraphs):
    """ "Graphs" whose replay calls the work; `replays` counts them."""

    def __init__(self, steps=8, marks=48):
        super().__init__(steps, marks)
        self.replays = []

    def capture(self, work, beside=None):
        def replay():
            self.replays.append(work)
            work()

        return SimpleNamespace(replay=replay)

    def settle(self): ...

    def mark(self):
        return SimpleNamespace(synchronize=lambda: None)


def counting(seen):
    """A maker of steps that writes down the learning rate of each."""

    class Counted(Step):
        def __call__(self, images, labels, rates):
            (rate,) = rates
            seen.append(float(rate))
            return super().__call__(images, labels, rates)

    return Counted


def replays(steps, together):
    """Of graphs of so many steps, and of single steps for the rest."""
    return sum(divmod(steps, together)) if together <= 7 else steps


@pytest.mark.parametrize(("norm", "groups"), [("bn", None), ("gn", 4)])
@pytest.mark.parametrize(("chunk", "together"), [(8, 1), (512, 1), (512, 3), (8, 7)])
def test_buffers_and_counter_give_the_looped_epoch(norm, groups, chunk, together, monkeypatch):
    """`together` steps in a graph: the rest of an epoch is steps of their own."""
    monkeypatch.setitem(CHUNK_IMAGES, "cpu", chunk)
    data = toy_data(n=30)  # 7 steps of 4, two images left over
    cell = spec(norm=norm, groups=groups)
    graphs, seen = Calls(together), []
    looped = Training(cell, [1, 2], data)
    captured = Training(cell, [1, 2], data, graphs=graphs, make_step=counting(seen))
    for epoch in (1, 2, 3):
        assert captured.run_epoch() == looped.run_epoch()
        assert len(seen) == 7 * epoch  # the warm-up steps count as training, once
        assert len(graphs.replays) == replays(7 - WARM_UP, together) + (epoch - 1) * replays(7, together)
    for a, b in zip(captured.state(), looped.state(), strict=True):
        for kind in ("weights", "momentum", "statistics"):
            assert all(torch.equal(a[kind][name], b[kind][name]) for name in a[kind])


def test_a_short_last_epoch_uses_the_same_buffers():
    data, cell = toy_data(n=30), spec(epochs=None, iterations=9, recipe="he2015")
    seen = []
    looped = Training(cell, [1], data)
    captured = Training(cell, [1], data, graphs=Calls(), make_step=counting(seen))
    assert [captured.run_epoch() for _ in range(2)] == [looped.run_epoch() for _ in range(2)]
    assert len(seen) == 9


def test_loading_a_state_keeps_every_address_that_a_graph_knows():
    training = Training(spec(), [1, 2], toy_data())
    tensors = [*training.net.parameters(), *training.net.buffers(), *training.step.moments["momentum"]]
    before = [tensor.data_ptr() for tensor in tensors]
    state = training.state()
    training.run_epoch()
    training.load_state(state)
    after = [*training.net.parameters(), *training.net.buffers(), *training.step.moments["momentum"]]
    assert before == [tensor.data_ptr() for tensor in after]


def test_tally_sums_losses_and_wrong_answers():
    tally = Tally(2, torch.device("cpu"))
    logits = torch.tensor([[[[0.0, 1.0], [2.0, 0.0]], [[1.0, 0.0], [0.0, 3.0]]]])  # [1, 2, 2, 2]
    tally.add(torch.tensor([[0.5, 1.5]]), logits, torch.tensor([[[1, 1], [0, 1]]]))
    assert tally.loss.tolist() == [0.5, 1.5]
    assert tally.wrong.tolist() == [1, 0]
    tally.clear()
    assert tally.loss.tolist() == [0.0, 0.0]


@needs_cuda
@pytest.mark.parametrize(
    "axes",
    [
        {},
        {"norm": "gn", "groups": 4},
        {"optimizer": "adamw"},
        {"optimizer": "adamw", "decay_norm": False, "grad_clip": "agc"},
        {"grad_clip": "norm", "clip_at": 0.1},
    ],
)
def test_on_cuda_the_captured_epochs_are_the_cpus(axes):
    """float64, so that devices differ by rounding alone."""
    data, cell = toy_data(n=30), spec(**axes)
    cpu = Training(cell, [1, 2], data, dtype=torch.float64)
    cuda = Training(cell, [1, 2], data, "cuda", dtype=torch.float64)
    for _ in range(3):
        for a, b in zip(cpu.run_epoch(), cuda.run_epoch(), strict=True):
            assert a.train_loss == pytest.approx(b.train_loss, rel=1e-6)
            assert (a.train_error, a.test_error) == (b.train_error, b.test_error)
    for a, b in zip(cpu.state(), cuda.state(), strict=True):
        for name in a["weights"]:
            torch.testing.assert_close(a["weights"][name], b["weights"][name], rtol=1e-6, atol=1e-8)


def test_the_host_is_never_further_ahead_than_two_marks():
    ahead = []

    class Marked(Calls):
        made = 0

        def mark(self):
            Marked.made += 1
            place = Marked.made
            return SimpleNamespace(synchronize=lambda: ahead.append(Marked.made - place))

    Training(spec(), [1], toy_data(n=122), graphs=Marked(marks=4)).run_epoch()
    assert ahead
    assert set(ahead) == {1}  # the mark before the newest


def test_a_failure_within_a_capture_is_raised_and_not_what_it_did_to_the_capture(monkeypatch):
    class Graph:
        def capture_begin(self, **_): ...

        def capture_end(self):
            raise RuntimeError("operation failed due to a previous error during capture")

    def work():
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    with pytest.raises(torch.OutOfMemoryError, match="out of memory"):
        CudaGraphs().capture(work)


def test_a_finished_pack_needs_no_collector():
    """Its memory and its stream are free for the next pack at once."""
    gc.collect()
    gc.disable()
    try:
        training = Training(spec(), [1], toy_data())
        training.run_epoch()
        gone = weakref.ref(training)
        del training
        assert gone() is None
    finally:
        gc.enable()


def test_captured_packs_in_threads_train_as_they_do_alone():
    data = toy_data(n=60)
    cells = [spec(), spec(norm="gn", groups=4), spec(batch_size=8)]
    alone = [Training(cell, [1, 2], data, graphs=Calls()) for cell in cells]
    expected = [[training.run_epoch() for _ in range(3)] for training in alone]
    beside = [Training(cell, [1, 2], data, graphs=Calls()) for cell in cells]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda training: [training.run_epoch() for _ in range(3)], beside))
    assert found == expected


def test_replays_wait_for_no_pack_of_another_precision():
    training = Training(spec(), [1], toy_data(n=60), graphs=Calls())
    training.train_steps(15)
    with ThreadPoolExecutor(1) as pool, arithmetic("tf32"):
        pool.submit(training.train_steps, 15).result(HANGS)
    assert len(training.loop.graphing.replays) > 0


def test_a_captured_step_repeats_nothing_that_is_the_same_in_every_one():
    training, seen = Training(spec(), [1, 2], toy_data(n=30), graphs=Calls()), []
    training.run_epoch()

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(function.overloadpacket.__name__)
            return function(*args, **(kwargs or {}))

    with Watch():
        training.trace(1)
    assert "native_batch_norm" in " ".join(seen)
    assert not {"repeat", "expand_copy"} & set(seen)


def test_warm_up_rehearsal_and_capture_of_a_pack_are_one_start_that_no_other_overlaps(monkeypatch):
    """What cuDNN's search waits for would break another pack's capture."""
    held, seen = [], []

    @contextmanager
    def exclusive():
        held.append(True)
        try:
            yield
        finally:
            held.pop()

    class Watched(Calls):
        def capture(self, work, beside=None):
            seen.append(("capture", bool(held)))
            return super().capture(work, beside)

        def settle(self):
            seen.append(("settle", bool(held)))

    monkeypatch.setattr("model.training.epoch.exclusive", exclusive)
    training = Training(spec(), [1], toy_data(n=60), graphs=Watched())
    rehearse = training._rehearse
    monkeypatch.setattr(training, "_rehearse", lambda: (seen.append(("rehearse", bool(held))), rehearse()))
    training.run_epoch()
    assert seen == [("rehearse", True), ("settle", True), ("capture", True), ("capture", True)]
    assert not held


def test_our_kernels_are_tried_on_the_gpu_of_the_pack(monkeypatch):
    """Triton launches on the device of the thread: the second GPU's memory in a kernel on the first ends CUDA."""
    there, asked = [], []

    @contextmanager
    def device(which):
        there.append(which)
        yield
        there.pop()

    def default_convolution(which, *_):
        asked.append((which, [*there]))
        return "grouped"

    monkeypatch.setattr(torch.cuda, "device", device)
    monkeypatch.setattr("model.training.training.default_convolution", default_convolution)
    second = torch.device("cuda", 1)
    assert _convolution(second, torch.float32, "fp32", 128, None) == "grouped"
    assert asked == [(second, [second])]
    assert _convolution(torch.device("cpu"), torch.float32, "fp32", 128, None) == "grouped"
    assert asked[1] == (torch.device("cpu"), [])
