"""Whose kernels each cell has: the decision from timed numbers, by hand, and the timing against stand-ins."""

from dataclasses import replace

import pytest

from model.data.dataset import DataInfo
from model.errors import InputError
from model.kernels import TRITON_PIXELS
from orchestrator.planning import kernel_timing
from orchestrator.planning.kernel_rates import keep, kept, read
from orchestrator.planning.kernel_timing import in_time, time_here
from orchestrator.planning.kernels import (
    Chosen,
    Timings,
    chosen_for,
    dearest,
    decide,
    kind,
    record_of,
    remembered,
    rule,
    settled,
    timed_otherwise,
    with_aside,
)
from orchestrator.planning.plan import Pack, Plan
from orchestrator.planning.throughput import EstimatedThroughput
from orchestrator.results.trial_state import TrialState
from tests.helpers.tiny import trial

INFOS = {"imagefolder": DataInfo("imagefolder", 20, 8, 3, 8, 8, ("a", "b"), "0" * 12)}


def cell(size, **more):
    return trial(batch_size=size, **more).spec


def packs(*sizes, seeds=2):
    return tuple(Pack(tuple(trial(batch_size=size, seed=s + 1) for s in range(seeds))) for size in sizes)


def plan(*pairs):
    """Of packs of two: batch size and seconds of each."""
    sizes, seconds = zip(*pairs, strict=True)
    return Plan((), packs(*sizes), frozenset(), frozenset(), (), seconds)


LONG = plan((8, 900.0), (4, 500.0), (4, 600.0), (2, 300.0))


class Timer:
    """Stands for a GPU: gives the rates of each batch size, as far as it gets."""

    def __init__(self, rates, most=99, unusable=None, fails=None):
        self.rates, self.most, self.unusable, self.fails = rates, most, unusable or {}, fails
        self.asked = []

    def __call__(self, cells, kernels, seconds):
        self.asked.append(([(spec.batch_size, replicas) for spec, replicas in cells], kernels, seconds))
        if self.fails:
            raise self.fails
        found = [
            {one: rate for one, rate in self.rates[spec.batch_size].items() if one in kernels}
            for spec, _ in cells[: self.most]
        ]
        return Timings(found, self.unusable)


@pytest.mark.parametrize(
    ("rates", "usual", "expected"),
    [
        ({"ours": 100.0, "torch": 104.9}, "ours", "ours"),
        ({"ours": 100.0, "torch": 105.0}, "ours", "torch"),
        ({"ours": 104.9, "torch": 100.0}, "torch", "torch"),
        ({"ours": 250.0, "torch": 100.0}, "torch", "ours"),
        ({"ours": 100.0, "aside": 104.0}, "ours", "ours"),
        ({"ours": 100.0, "aside": 106.0}, "ours", "aside"),
        ({"torch": 1.0}, "ours", "torch"),
        ({}, "ours", "ours"),
        ({}, "torch", "torch"),
    ],
)
def test_the_rules_stay_unless_others_are_five_percent_faster_or_the_only_ones_that_run(
    rates, usual, expected
):
    assert decide(rates, usual) == expected


def test_kinds_are_told_apart_by_what_decides_their_speed():
    same = {kind(cell(4, seed=seed, epochs=epochs)) for seed in (1, 2) for epochs in (3, 9)}
    assert len(same) == 1
    others = {kind(cell(4)), kind(cell(2)), kind(cell(4, precision="bf16")), kind(cell(4, norm="ln"))}
    assert len(others) == 4
    assert kind(cell(4, norm="gn", groups=4)) == kind(cell(4, norm="gn", groups=8))


def test_the_kinds_that_take_longest_in_all_come_first():
    assert [(spec.batch_size, replicas) for spec, replicas in dearest(LONG).values()] == [
        (4, 2),
        (8, 2),
        (2, 2),
    ]


def test_the_rule_is_by_the_pixels_of_a_batch():
    most = TRITON_PIXELS // 64
    assert [rule(cell(size), INFOS) for size in (2, most, most + 1)] == ["ours", "ours", "torch"]


RATES = {
    8: {"ours": 100.0, "torch": 200.0, "aside": 150.0},
    4: {"ours": 300.0, "torch": 100.0, "aside": 303.0},
    2: {"ours": 250.0, "torch": 100.0, "aside": 275.0},
}


def test_each_kind_has_its_fastest_and_what_runs_aside_is_tried_of_ours_alone():
    time = Timer(RATES)
    chosen = chosen_for(LONG, Chosen(device="H200"), INFOS, 1, time)
    assert [chosen.of(cell(size)) for size in (8, 4, 2)] == ["torch", "ours", "ours"]
    assert time.asked[0][:2] == ([(4, 2), (8, 2), (2, 2)], ("ours", "torch"))
    alone = with_aside(LONG, chosen, 1, time)
    assert time.asked[1][:2] == ([(4, 2), (2, 2)], ("ours", "aside"))
    assert [alone.of(cell(size)) for size in (8, 4, 2)] == ["torch", "ours", "aside"]
    assert alone.of(cell(2), alone=False) == "ours", "beside other packs nothing runs aside"
    assert [seconds for *_, seconds in time.asked] == [45.0, 15.0]
    assert alone.rates[kind(cell(2))] == {"ours": 250.0, "torch": 100.0, "aside": 275.0}


def test_a_short_plan_is_not_held_up_for_long():
    time, short = Timer(RATES), plan((8, 200.0), (4, 100.0))
    chosen = chosen_for(short, Chosen(device="H200"), INFOS, 1, time)
    with_aside(short, chosen, 1, time)
    assert [seconds for *_, seconds in time.asked] == pytest.approx([22.5, 7.5]), "a tenth of it in all"


def test_what_was_not_reached_follows_the_rule_and_stays_so():
    chosen = chosen_for(LONG, Chosen(device="H200"), INFOS, 1, Timer(RATES, most=1))
    assert [chosen.of(cell(size)) for size in (4, 8)] == ["ours", "ours"]
    assert kind(cell(8)) not in chosen.rates
    run = {"kernels": record_of(chosen)}
    time = Timer(RATES)
    again = chosen_for(LONG, settled(None, [run], "H200", LONG, {}), INFOS, 1, time)
    assert (again.kernels, time.asked) == (chosen.kernels, [])
    assert with_aside(LONG, again, 1, time).kernels == chosen.kernels
    assert time.asked == [], "an earlier run's choice is not tried any further"


def test_nothing_is_timed_for_what_somebody_says_or_is_soon_over():
    for known, of, slots in (
        (Chosen(said="torch"), LONG, 1),
        (Chosen(), plan((8, 60.0), (4, 59.0)), 1),
        (Chosen(), LONG, 20),
    ):
        time = Timer(RATES)
        assert chosen_for(of, known, INFOS, slots, time) is known
        assert with_aside(of, known, slots, time) is known
        assert not time.asked
    assert Chosen(said="torch").of(cell(2)) == "torch"
    assert Chosen().of(cell(2)) is None, "by rule, which a worker knows"


def test_a_precision_without_kernels_of_ours_is_left_to_the_worker_and_asked_anew():
    time = Timer({4: {}, 8: {}, 2: {}}, unusable={"fp32": "no compiler"})
    chosen = chosen_for(LONG, Chosen(device="H200"), INFOS, 1, time)
    assert (chosen.kernels, chosen.unusable, record_of(chosen)) == ({}, {"fp32": "no compiler"}, None)


def test_what_cannot_be_timed_follows_the_rule_and_says_why():
    chosen = chosen_for(
        LONG, Chosen(device="H200"), INFOS, 1, Timer({}, fails=RuntimeError("no machine\nis up"))
    )
    assert (chosen.kernels, chosen.trouble) == ({}, "RuntimeError: no machine is up")
    with pytest.raises(InputError):
        chosen_for(LONG, Chosen(), INFOS, 1, Timer({}, fails=InputError("a wrong cell")))
    timed = chosen_for(LONG, Chosen(), INFOS, 1, Timer(RATES))
    assert with_aside(LONG, timed, 1, Timer({}, fails=RuntimeError("gone"))) is timed


# -- what is kept for other plans ------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_another_plan_of_the_same_cells_times_only_what_is_new(cache, monkeypatch):
    first, second, third = Timer(RATES), Timer(RATES), Timer(RATES)
    cells = [(cell(size), 2) for size in (8, 4)]
    once = kept(first, "H200", INFOS)(cells, ("ours", "torch"), 30.0)
    assert kept(second, "H200", INFOS)(cells[::-1], ("ours", "torch"), 30.0).rates == once.rates[::-1]
    assert second.asked == []
    again = kept(second, "H200", INFOS)([cells[0], (cell(2), 2), cells[1]], ("ours", "torch"), 30.0)
    assert [again.rates[0], again.rates[2]] == once.rates
    assert [sizes for sizes, *_ in second.asked] == [[(2, 2)]]
    larger = {"imagefolder": replace(INFOS["imagefolder"], height=32)}
    for device, infos, kernels, replicas in (
        ("H100", INFOS, ("ours", "torch"), 2),
        ("H200", larger, ("ours", "torch"), 2),
        ("H200", INFOS, ("ours", "aside"), 2),
        ("H200", INFOS, ("ours", "torch"), 3),
    ):
        kept(third, device, infos)([(cell(4), replicas)], kernels, 30.0)
    monkeypatch.setattr("orchestrator.planning.gpu_timings.version", lambda package: "9.9")
    kept(third, "H200", INFOS)([cells[1]], ("ours", "torch"), 30.0)
    assert len(third.asked) == 5, "each is something else"


def test_what_was_not_timed_by_all_or_not_reached_is_timed_again(cache):
    partly = Timer({**RATES, 4: {"torch": 100.0}}, most=2)
    cells = [(cell(size), 2) for size in (4, 8, 2)]
    assert kept(partly, "H200", INFOS)(cells, ("ours", "torch"), 30.0).rates[2] == {}
    time = Timer(RATES)
    kept(time, "H200", INFOS)(cells, ("ours", "torch"), 30.0)
    assert [sizes for sizes, *_ in time.asked] == [[(4, 2), (2, 2)]]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[" * 100_000,
        "[3, null]",
        '{"device": "H200"}',
        '[{"device": 1, "torch": "T", "cell": "C", "rates": {"ours": 1}}]',
        '[{"device": "H200", "torch": "T", "cell": "C", "rates": {"ours": NaN}}]',
        '[{"device": "H200", "torch": "T", "cell": "C", "rates": {"ours": 5e-324}}]',
        f'[{{"device": "H200", "torch": "T", "cell": "C", "rates": {{"ours": {10**400}}}}}]',
        '[{"device": "H200", "torch": "T", "cell": "C", "rates": {"theirs": 1}}]',
        '[{"device": "H200", "torch": "T", "cell": "C", "rates": {"ours": true}}]',
        '[{"device": "H200", "torch": "T", "cell": "C", "rates": [1]}]',
    ],
)
def test_a_file_that_somebody_edited_is_none_and_no_error(content, cache):
    cache.mkdir()
    (cache / "kernels.json").write_text(content)
    assert read() == {}
    kept(Timer(RATES), "H200", INFOS)([(cell(4), 2)], ("ours", "torch"), 30.0)
    assert [*read().values()] == [{"ours": 300.0, "torch": 100.0}]


def test_a_cache_that_cannot_be_written_keeps_nothing(cache):
    cache.write_text("a file where the folder should be")
    time = Timer(RATES)
    for _ in range(2):
        kept(time, "H200", INFOS)([(cell(4), 2)], ("ours", "torch"), 30.0)
    assert len(time.asked) == 2


def test_no_more_than_two_hundred_are_kept(cache):
    keep({("H200", "2.15", str(number)): {"ours": 1.0} for number in range(150)})
    keep({("H200", "2.15", str(number)): {"ours": 2.0} for number in range(100, 250)})
    assert [int(name) for *_, name in read()] == list(range(50, 250))


# -- what a run wrote down ------------------------------------------------------------------------------


def test_a_later_run_of_that_device_takes_it_and_times_what_is_new_alone():
    first = chosen_for(plan((4, 500.0)), Chosen(device="H200"), INFOS, 1, Timer(RATES))
    runs = [{}, {"kernels": record_of(first)}]
    time = Timer(RATES)
    second = chosen_for(LONG, settled(None, runs, "H200", LONG, {}), INFOS, 1, time)
    assert [sizes for sizes, *_ in time.asked] == [[(8, 2), (2, 2)]]
    assert [second.of(cell(size)) for size in (8, 4, 2)] == ["torch", "ours", "ours"]
    runs.append({"kernels": record_of(second)})
    assert remembered(runs, "H200").kernels == second.kernels
    assert remembered(runs, "H200").rates == second.rates
    assert remembered(runs, None).kernels == second.kernels, "no GPU is up that could be asked"
    assert remembered(runs, "H100") == Chosen()
    assert settled("ours", runs, "H200", LONG, {}) == Chosen(said="ours")


def test_records_of_old_or_forged_runs_are_as_none():
    assert remembered([{"begun": 1.0}], "H200") == Chosen()
    assert remembered([{"kernels": {}}, {"kernels": {"device": "H200"}}], "H200") == Chosen()
    forged = {
        "device": "H200",
        "chosen": {"x": "winograd", "y": "torch"},
        "rates": {"y": {"torch": 0.0, "z": 1.0}},
    }
    assert remembered([{"kernels": forged}], "H200") == Chosen(kernels={"y": "torch"})


def state(trial, kernels, device="NVIDIA H200"):
    facts = {"device": device, "kernels": kernels}
    return TrialState(
        trial.trial_id, "partial", (1,), history={"pack": [], "provenance": facts, "epochs": [{"epoch": 1}]}
    )


@pytest.mark.parametrize(
    ("device", "kernels", "expected"),
    [
        ("NVIDIA H200", "nchw, grouped convolutions", {kind(cell(8)): "torch"}),
        ("NVIDIA H200", "nchw, triton convolutions", {kind(cell(8)): "ours"}),
        ("H200", "nchw, grouped convolutions", {kind(cell(8)): "torch"}),  # as Ray calls it
        (None, "nchw, grouped convolutions", {kind(cell(8)): "torch"}),
        ("NVIDIA H100", "nchw, grouped convolutions", {}),
        ("NVIDIA H200", "nhwc, ordered convolutions of oneDNN, AVX512", {}),
        ("NVIDIA H200", None, {}),
    ],
)
def test_trials_go_on_by_the_kernels_that_they_began_with_where_no_run_has_chosen(device, kernels, expected):
    begun = LONG.packs[0].trials[1]
    states = {begun.trial_id: state(begun, kernels)}
    assert settled(None, [], device, LONG, states).kernels == expected
    run = {"kernels": {"device": device or "x", "chosen": {kind(cell(8)): "aside"}, "rates": {}}}
    assert settled(None, [run], device, LONG, states).kernels == {kind(cell(8)): "aside"}
    assert settled("ours", [], device, LONG, states) == Chosen(said="ours")


def test_more_seeds_of_a_cell_have_the_kernels_of_those_that_are_done():
    """Whose run was too short to time any, so that no record names them."""
    by_rule, half = trial(batch_size=8, seed=9), LONG.packs[1].trials[0]
    states = {
        by_rule.trial_id: done(by_rule, "nchw, triton convolutions"),
        half.trial_id: state(half, "nchw, grouped convolutions"),
    }
    other = trial(batch_size=4, seed=9)
    states[other.trial_id] = done(other, "nchw, triton convolutions")
    wider = replace(LONG, trials=(by_rule, other), finished=frozenset({by_rule.trial_id, other.trial_id}))
    known = settled(None, [], "H200", wider, states)
    assert known.kernels == {kind(cell(8)): "ours", kind(cell(4)): "torch"}, "what is half done comes first"
    time = Timer(RATES)
    assert chosen_for(wider, known, INFOS, 1, time).of(cell(8)) == "ours"
    assert [sizes for sizes, *_ in time.asked] == [[(2, 2)]]
    assert settled(None, [], "H100", wider, states).kernels == {}


def done(trial, kernels):
    facts = {"device": "NVIDIA H200", "kernels": kernels}
    return TrialState(trial.trial_id, "done", (1,), result={"pack": [], "provenance": facts, "epochs_run": 1})


# -- what an estimate goes by ---------------------------------------------------------------------------


def test_an_estimate_takes_the_rates_of_other_kernels_as_they_were_timed():
    asked = []

    def calibrate(spec, replicas, info, device, threads, kernels):
        asked.append((spec.batch_size, kernels))
        return 100.0

    throughput = EstimatedThroughput({}, INFOS, device="cuda", threads=1, calibrate=calibrate)
    before = [throughput(cell(size), 2) for size in (8, 4, 2)]
    chosen = chosen_for(LONG, Chosen(), INFOS, 1, Timer(RATES))
    assert [(spec.batch_size, n, rate) for spec, n, rate in timed_otherwise(chosen, LONG, INFOS)] == [
        (8, 2, 200.0)
    ]
    throughput.compute_by(chosen.of, timed_otherwise(chosen, LONG, INFOS))
    after = [throughput(cell(size), 2) for size in (8, 4, 2)]
    assert [b / a for a, b in zip(before, after, strict=True)] == [2.0, 1.0, 1.0]
    throughput(cell(8), 1)
    assert asked == [(8, None), (4, None), (2, None), (8, "torch")]


# -- the timing -----------------------------------------------------------------------------------------


def test_no_cell_is_begun_that_would_end_too_late():
    now = [0.0]

    def pace(spec, replicas):
        now[0] += {4: 3.0, 8: 5.0, 2: 1.0}[spec.batch_size]
        return {"ours": float(spec.batch_size)}

    cells = [(cell(size), 2) for size in (4, 8, 2)]
    for seconds, reached in ((0.0, 1), (5.9, 1), (6.0, 2), (12.9, 2), (13.0, 3)):
        now[0] = 0.0
        assert len(in_time(cells, pace, seconds, lambda: now[0])) == reached
    now[0] = 0.0
    assert len(in_time([cells[1], cells[2], cells[0]], pace, 10.0, lambda: now[0])) == 3, "5, 1 and 3 seconds"


def test_cells_are_timed_by_each_kernels_and_what_fails_has_no_rate(monkeypatch):
    monkeypatch.setattr("model.net.convolution.why_not_triton", lambda device, precision: None)
    monkeypatch.setattr(kernel_timing, "_EACH", 0.0)
    seen = []
    from model.training import calibrate

    real = calibrate.calibrate

    def noting(spec, replicas, info, device, **how):
        seen.append((spec.batch_size, replicas, how["kernels"]))
        if how["kernels"] == "ours" and spec.batch_size == 2:
            raise RuntimeError("out of resource: shared memory")
        return real(spec, replicas, info, device, **how)

    monkeypatch.setattr(calibrate, "calibrate", noting)
    timings = time_here(INFOS, "cpu", 1, [(cell(4), 1), (cell(2), 2)], ("ours", "torch"), 30.0)
    assert [set(rates) for rates in timings.rates] == [{"ours", "torch"}, {"torch"}]
    assert all(rate > 0 for rates in timings.rates for rate in rates.values())
    assert seen == [(4, 1, "ours"), (4, 1, "torch"), (2, 2, "ours"), (2, 2, "torch")]


def test_where_ours_cannot_be_used_nothing_is_timed():
    """As on this machine, which has no GPU."""
    timings = time_here(INFOS, "cpu", 1, [(cell(4), 1)], ("ours", "torch"), 30.0)
    assert timings.rates == [{}]
    assert timings.unusable["fp32"]
