"""The benchmark: what it counts, what it adds up, what it says. No time is asserted."""

import json
import math

import pytest
import torch

from model.bench import __main__ as bench
from model.bench import roofline, throughput
from model.bench.reference import PlainResNet
from model.bench.reference_loop import Images, PlainLoop
from model.bench.throughput import Measurement, fig1_seconds, measure
from model.data.registry import describe
from model.training.calibrate import calibrate, noise
from tests.helpers.cells import spec


def row(norm, batch_size, pack, rate, plain):
    return Measurement(
        norm, None, batch_size, pack, rate, rate, rate, plain, rate / plain, 1000.0, "x", "fp32", "nhwc"
    )


def test_operations_are_those_that_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    net = PlainResNet(spec(shortcut="identity"), 3, 10)
    x = torch.randn(1, 3, 32, 32)
    with FlopCounterMode(display=False) as counter:
        net(x)
    assert roofline.operations("resnet20", 3, 32, 32, 10) == 3 * counter.get_total_flops()


def test_limits_of_a_cpu_are_rates():
    found = roofline.cpu(batch_size=2, size=16)
    assert found.arithmetic > 0
    assert found.convolution > 0


def test_the_arithmetic_of_every_kernel_is_what_torch_counts():
    """By a clock that takes a second for each operation, every kernel has the same rate."""
    from torch.utils.flop_counter import FlopCounterMode

    rates = []

    def seconds(work):
        with FlopCounterMode(display=False) as counter:
            work()
        rates.append(counter.get_total_flops())
        return counter.get_total_flops() / (1 + len(rates))

    assert roofline.arithmetic_rate(seconds) == 1 + len(rates)
    assert len(rates) == 5


def test_the_fastest_kernel_is_the_yardstick():
    """1,000 floats: a copy moves 4,000 bytes, an addition 6,000, in place 8,000."""
    times = iter([1.0, 0.5, 1.0])
    assert roofline.memory_rate(lambda work: next(times), 4000) == 12_000


def test_rows_count_all_replicas_and_divide_by_the_plain_loop():
    rows = measure(spec(batch_size=2), [1, 3], noise(32, 8), torch.device("cpu"), block=0.01, blocks=3)
    assert [found.pack for found in rows] == [1, 3]
    assert rows[0].plain_images_per_second == rows[1].plain_images_per_second
    for found in rows:
        assert found.low <= found.images_per_second <= found.high
        assert found.low / 10 < found.ratio * found.plain_images_per_second < 10 * found.high


def test_a_ratio_is_the_median_of_each_rounds_own(monkeypatch):
    """A machine that halves its speed after the first round: the ratio stays 3."""
    seconds = iter([1.0, 1 / 3, 2.0, 2 / 3, 2.0, 2 / 3])
    monkeypatch.setattr(throughput, "steps_for", lambda run, block, most: 2)
    monkeypatch.setattr(throughput, "timed", lambda run, steps: next(seconds))
    (found,) = measure(spec(batch_size=4), [1], noise(32, 8), torch.device("cpu"), block=1, blocks=3)
    assert (found.ratio, found.plain_images_per_second, found.images_per_second) == (3.0, 4.0, 12.0)
    assert (found.low, found.high) == (12.0, 24.0)


def test_fig1_takes_the_best_pack_of_every_cell_and_both_loops_evaluate():
    cells = [(norm, b) for norm in ("bn", "gn") for b in (32, 16, 8, 4, 2)]
    rows = [row(norm, b, 1, 100.0, 50.0) for norm, b in cells] + [row("bn", 2, 5, 400.0, 50.0)]
    trained = [50_000 // b * b for _, b in cells]
    evaluation = 10 * 500 * 10_000 / 1000
    expected = 500 * (sum(trained) / 100 - trained[4] / 100 + trained[4] / 400) + evaluation
    ours, plain = fig1_seconds(rows, 2) or (math.nan, math.nan)
    assert ours == pytest.approx(expected / 2)
    assert plain == pytest.approx((500 * sum(trained) / 50 + evaluation) / 2)
    assert fig1_seconds(rows[1:], 2) is None


def test_json_on_standard_output_and_words_elsewhere(capsys):
    threads = torch.get_num_threads()
    try:
        arguments = ["--quick", "--json", "--norms", "gn", "--batch-sizes", "8", "--packs", "1,2"]
        assert bench.main([*arguments, "--dataset", "digits"]) == 0
    finally:
        torch.set_num_threads(threads)
    captured = capsys.readouterr()
    rows = json.loads(captured.out)
    needed = {"norm", "batch_size", "pack", "images_per_second", "plain_images_per_second", "ratio"}
    assert all(needed <= set(found) for found in rows)
    assert [(found["norm"], found["groups"], found["pack"]) for found in rows] == [("gn", 8, 1), ("gn", 8, 2)]
    assert "limit: the fastest kernel" in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "cuda:99"], "no such device"),
        (["--device", "toaster"], "expected cpu, cuda or cuda:N"),
        (["--norms", "bn,xn"], "'xn' is none of bn, gn, ln, in"),
        (["--packs", "0"], "whole numbers above zero"),
        (["--batch-sizes", "two"], "whole numbers above zero"),
        (["--dataset", "imagefolder"], "needs --data-dir"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert bench.main(["--quick", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_the_plain_loops_images_are_standardised_and_its_network_learns():
    data = noise(64, 4)
    pixels = data.train_images.permute(0, 2, 3, 1).contiguous().numpy()
    images = Images(pixels, data.train_labels.tolist(), flip=True)
    batch = torch.stack([images[i][0] for i in range(64)])
    assert batch.shape == (64, 3, 32, 32)
    assert abs(batch[:, :, 8:24, 8:24].mean().item()) < 0.05
    loop = PlainLoop(spec(batch_size=8), images, 10, torch.device("cpu"))
    before = loop.net.conv.weight.clone()
    loop.train_steps(2)
    assert not torch.equal(before, loop.net.conv.weight)


def test_calibrate_gives_a_rate_for_any_data_set():
    rate = calibrate(spec(dataset="digits"), 2, describe("digits"), "cpu", seconds=0.01)
    assert rate > 0
    assert math.isfinite(rate)
