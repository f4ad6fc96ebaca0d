"""Every variant of computing a step against torch's own convolutions, and against solo runs."""

import pytest
import torch

from model.bench.branches import Branches
from model.bench.products import matmul
from model.bench.variants import COMPUTATIONS, Variant, training
from model.errors import InputError
from model.net.convolution import grouped
from model.net.resnet import ResNet
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
LAYOUTS = [torch.channels_last, torch.contiguous_format]
CELLS = [("bn", None), ("gn", 4)]
OTHERS = [name for name in COMPUTATIONS if name != "grouped"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [3, 1])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("replicas", [1, 3])
def test_a_product_is_the_convolution_and_its_gradients(replicas, stride, size, layout):
    """Odd heights and widths too, float64, against conv2d of each replica alone."""
    torch.manual_seed(0)
    for height, width in ((7, 6), (5, 8)):
        x = torch.randn(2, replicas * 3, height, width, dtype=torch.float64).to(memory_format=layout)
        weight = torch.randn(replicas * 4, 3, size, size, dtype=torch.float64).to(memory_format=layout)
        x.requires_grad_()
        weight.requires_grad_()
        found = matmul(x, weight, stride, replicas)
        parts = zip(x.chunk(replicas, 1), weight.chunk(replicas), strict=True)
        expected = torch.cat(
            [torch.nn.functional.conv2d(a, w, stride=stride, padding=size // 2) for a, w in parts], 1
        )
        torch.testing.assert_close(found, expected)
        towards = torch.randn_like(expected)
        for a, b in zip(
            torch.autograd.grad(found, (x, weight), towards),
            torch.autograd.grad(expected, (x, weight), towards),
            strict=True,
        ):
            torch.testing.assert_close(a, b)


def test_products_stay_in_channels_last_memory_and_leave_the_input_alone_where_nobody_asks():
    x = torch.randn(2, 6, 5, 5).to(memory_format=torch.channels_last)
    weight = torch.randn(8, 3, 3, 3).to(memory_format=torch.channels_last).requires_grad_()
    out = matmul(x, weight, 1, 2)
    (grad,) = torch.autograd.grad(out.sum(), weight)
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert grad.stride() == weight.stride()  # so the update needs no copy


def test_the_product_follows_autocast():
    x, weight = torch.randn(2, 6, 5, 5), torch.randn(8, 3, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = matmul(x, weight, 1, 2), grouped(x, weight, 1, 2)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected.float(), rtol=0.05, atol=0.1)


def pack(variant, replicas=3, norm="bn", groups=None, data=None, device=CPU, dtype=torch.float64):
    """Of a training set that the batch does not divide."""
    return training(
        spec(norm=norm, groups=groups), replicas, data or toy_data(), device, variant, dtype=dtype
    )


def two_epochs(trained):
    return [trained.run_epoch() for _ in range(2)]


def assert_same(a, b, rtol):
    for epoch, other in zip(two_epochs(a), two_epochs(b), strict=True):
        for one, two in zip(epoch, other, strict=True):
            assert one.train_loss == pytest.approx(two.train_loss, rel=rtol)
            assert (one.train_error, one.test_error) == (two.train_error, two.test_error)
    for state, other_state in zip(a.state(), b.state(), strict=True):
        for kind in ("weights", "momentum", "statistics"):
            assert state[kind].keys() == other_state[kind].keys()
            for name, tensor in state[kind].items():
                torch.testing.assert_close(
                    tensor, other_state[kind][name], msg=lambda m, name=name: f"{name}: {m}"
                )


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("convolution", OTHERS)
@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_every_variant_trains_as_the_grouped_one(norm, groups, convolution, layout):
    """float64: weights, momentum, statistics, losses and errors, under the same names and shapes."""
    found = pack(Variant(convolution, layout=layout), norm=norm, groups=groups)
    assert_same(found, pack(Variant("grouped"), norm=norm, groups=groups), 1e-9)


@pytest.mark.parametrize("convolution", OTHERS)
@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_replicas_are_solo_runs_in_every_variant(norm, groups, convolution):
    packed = pack(Variant(convolution), norm=norm, groups=groups)
    results = two_epochs(packed)
    for position, seed in enumerate(packed.seeds):
        alone = Training(spec(norm=norm, groups=groups), [seed], toy_data(), dtype=torch.float64)
        expected = [alone.run_epoch()[0].train_loss for _ in range(2)]
        found = [epoch[position].train_loss for epoch in results]
        assert found == pytest.approx(expected, rel=1e-9)
        for name, tensor in alone.state()[0]["weights"].items():
            torch.testing.assert_close(packed.state()[position]["weights"][name], tensor)


@pytest.mark.parametrize("convolution", COMPUTATIONS)
def test_a_replica_that_is_lost_leaves_the_others_bit_for_bit(convolution):
    well, ill = (pack(Variant(convolution), dtype=torch.float32) for _ in "ab")
    with torch.no_grad():
        ill.net.conv.weight.chunk(3)[1].fill_(float("nan"))
    a, b = well.run_epoch(), ill.run_epoch()
    assert (a[0], a[2]) == (b[0], b[2])
    assert b[1].train_loss != b[1].train_loss
    for position in (0, 2):
        for name, tensor in well.state()[position]["weights"].items():
            assert torch.equal(tensor, ill.state()[position]["weights"][name]), name


def test_a_pack_goes_on_in_another_variant():
    whole = pack(Variant(), 2)
    whole.run_epoch()
    for name in OTHERS:
        other, expected = pack(Variant(name), 2), pack(Variant(), 2)
        other.load_state(whole.state())
        expected.load_state(whole.state())
        assert other.run_epoch()[0].train_loss == pytest.approx(expected.run_epoch()[0].train_loss, rel=1e-9)


def test_branches_share_the_packed_networks_memory():
    net = ResNet(spec(), 3, 3, 2)
    branches = Branches(net)
    solo = dict(branches.solos[1].named_parameters()) | dict(branches.solos[1].named_buffers())
    packed = dict(net.named_parameters()) | dict(net.named_buffers())
    for name, tensor in packed.items():
        assert solo[name].data_ptr() == tensor.chunk(2)[1].data_ptr(), name


def test_bf16_stays_near_float32_in_every_variant():
    exact = pack(Variant(), 2, dtype=torch.float32).run_epoch()[0].train_loss
    for name in COMPUTATIONS:
        rough = pack(Variant(name, "bf16"), 2, dtype=torch.float32)
        assert rough.run_epoch()[0].train_loss == pytest.approx(exact, rel=0.1)
        assert {p.dtype for p in rough.net.parameters()} == {torch.float32}


@pytest.mark.parametrize("convolution", OTHERS)
def test_torch_compile_with_other_convolutions_is_an_input_error(convolution):
    with pytest.raises(InputError, match=f"grouped convolutions alone, not with {convolution}"):
        pack(Variant(convolution, compiled=True))


def test_products_are_channels_last_whatever_the_cells_default():
    data = toy_data(size=32)
    assert pack(Variant("grouped", layout="nchw"), norm="gn", groups=4, data=data).layout == "nchw"
    assert pack(Variant("matmul"), norm="gn", groups=4, data=data).layout == "nhwc"


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_compiled_training_is_the_eager_one(norm, groups):
    """float64; needs a C++ compiler."""
    torch._dynamo.reset()
    try:
        found = pack(Variant(compiled=True), norm=norm, groups=groups)
        found.train_steps(1)
        found.load_state(pack(Variant(), norm=norm, groups=groups).state())
    except Exception as error:
        if "compiler" in str(error).lower():
            pytest.skip("no C++ compiler here")
        raise
    assert_same(found, pack(Variant("grouped"), norm=norm, groups=groups), 1e-9)


@needs_cuda
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("convolution", COMPUTATIONS)
@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_on_cuda_every_variant_is_captured_and_trains_as_the_cpu(norm, groups, convolution, layout):
    """float64, so that devices differ by rounding alone; epochs long enough to be replayed."""
    cell = {"norm": norm, "groups": groups, "data": toy_data(n=45)}
    cpu, cuda = pack(Variant(), **cell), pack(Variant(convolution, layout=layout), **cell, device=CUDA)
    for _ in range(3):
        for a, b in zip(cpu.run_epoch(), cuda.run_epoch(), strict=True):
            assert a.train_loss == pytest.approx(b.train_loss, rel=1e-6)
            assert (a.train_error, a.test_error) == (b.train_error, b.test_error)
    assert cuda.loop.graphs


@needs_cuda
@pytest.mark.slow
def test_on_cuda_a_compiled_step_is_captured_and_trains_as_the_eager_one():
    torch._dynamo.reset()
    eager, compiled = (pack(Variant(compiled=c), 2, data=toy_data(n=45), device=CUDA) for c in (False, True))
    for _ in range(2):
        for a, b in zip(eager.run_epoch(), compiled.run_epoch(), strict=True):
            assert a.train_loss == pytest.approx(b.train_loss, rel=1e-6)


class FakeStream:
    """Writes down who waits for whom, and what runs meanwhile."""

    device = "cuda:0"
    here: "list[FakeStream]"

    def __init__(self, name, log):
        self.name, self.log = name, log

    def wait_stream(self, other):
        self.log.append(f"{self.name} waits for {other.name}")

    def __enter__(self):
        self.here.append(self)

    def __exit__(self, *_):
        self.here.pop()


def test_side_streams_fork_from_the_stream_at_hand_and_join_it_again(monkeypatch):
    """Without a GPU: the order of waiting, and which replica runs where."""
    log = []
    main, one, two = (FakeStream(name, log) for name in ("main", "one", "two"))
    FakeStream.here = [main]
    monkeypatch.setattr("torch.cuda.current_stream", lambda device: FakeStream.here[-1])
    monkeypatch.setattr("torch.cuda.stream", lambda stream: stream)
    branches = Branches(ResNet(spec(), 3, 3, 4), [one, two])
    for replica, solo in enumerate(branches.solos):
        solo.register_forward_hook(
            lambda *_, replica=replica: log.append(f"{replica} in {FakeStream.here[-1].name}")
        )
    assert branches(torch.randn(2, 12, 8, 8)).shape == (4, 2, 3)
    assert log == [
        "one waits for main", "two waits for main",
        "0 in main", "1 in one", "2 in two", "3 in main",
        "main waits for one", "main waits for two",
    ]  # fmt: skip
