"""The cluster on paper against hand calculations, Graham's bound, and its own books kept independently."""

import itertools
import json
import math
import random
import re

import pytest

from model.data.registry import describe
from model.errors import InputError
from orchestrator.grid.overrides import adjust
from orchestrator.grid.parse import find
from orchestrator.planning import measured
from orchestrator.planning.order import makespan
from orchestrator.simulate import __main__ as simulate
from orchestrator.simulate import core_rates
from orchestrator.simulate.paper_cluster import PaperPack, Setting, Span, lower_bound
from orchestrator.simulate.paper_cluster import simulate as play
from orchestrator.simulate.play import Played
from orchestrator.simulate.play import paper_packs as packs_of


def paper_packs(*seconds, epochs=1):
    return [PaperPack(s, epochs) for s in seconds]


def random_packs(generator, most=40):
    found = [
        PaperPack(generator.uniform(1, 100), generator.randint(1, 20))
        for _ in range(generator.randint(1, most))
    ]
    return sorted(found, key=lambda pack: -pack.seconds)


def lifetimes(monkeypatch, *lives):
    """Nodes live so long, in the order in which they become ready; later ones for ever."""
    left = list(lives)
    monkeypatch.setattr(random.Random, "expovariate", lambda *_: left.pop(0) if left else math.inf)


# -- nothing goes wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", range(50))
def test_without_losses_and_delays_it_is_the_plans_makespan(case):
    generator = random.Random(case)
    packs, workers = random_packs(generator), generator.randint(1, 12)
    outcome = play(packs, Setting(workers, per_node=generator.randint(1, 5)))
    assert outcome.makespan == makespan([pack.seconds for pack in packs], workers)
    assert outcome.lost == outcome.starting == outcome.losses == 0
    assert outcome.work == pytest.approx(sum(pack.seconds for pack in packs))


def optimum(seconds, workers):
    """The best schedule there is, by trying all."""
    best, loads = math.inf, [0.0] * workers

    def place(index):
        nonlocal best
        if max(loads) >= best:
            return
        if index == len(seconds):
            best = max(loads)
            return
        for worker in range(min(workers, index + 1)):
            loads[worker] += seconds[index]
            place(index + 1)
            loads[worker] -= seconds[index]

    place(0)
    return best


@pytest.mark.parametrize("case", range(40))
def test_longest_first_keeps_grahams_bound(case):
    generator = random.Random(case)
    packs, workers = random_packs(generator, most=9), generator.randint(2, 4)
    best = optimum([pack.seconds for pack in packs], workers)
    outcome = play(packs, Setting(workers))
    assert lower_bound(packs, workers) <= best + 1e-9
    assert outcome.bound == lower_bound(packs, workers)
    assert best - 1e-9 <= outcome.makespan <= best * (4 / 3 - 1 / (3 * workers)) + 1e-9


def test_grahams_worst_case_is_reached():
    # Graham 1969: two each of 2m − 1 … m + 1, three of m; the best is 3m, longest first takes 4m − 1.
    packs = paper_packs(5, 5, 4, 4, 3, 3, 3)
    assert play(packs, Setting(3)).makespan == 11
    assert optimum([pack.seconds for pack in packs], 3) == 9


# -- start-up, idle nodes, the driver --------------------------------------------------------------------


def test_start_up_by_hand():
    # Two nodes of two workers asked for at 0 and ready at 10; 30, 20, 20 and 10 seconds of work, then one of 5.
    outcome = play(paper_packs(30, 20, 20, 10, 5), Setting(4, per_node=2, startup=10))
    assert outcome.makespan == 40
    assert (outcome.work, outcome.starting, outcome.paid) == (85, 40, 160)
    assert outcome.idle == 160 - 40 - 85


def test_no_more_nodes_than_packs_need():
    outcome = play(paper_packs(10, 10, 10), Setting(100, per_node=2, startup=1))
    assert outcome.nodes == 2
    assert {span.node for span in outcome.spans} == {0, 1}


def test_the_last_node_has_what_is_left():
    outcome = play(paper_packs(*[10] * 20), Setting(5, per_node=4))
    assert outcome.nodes == 2
    assert outcome.makespan == 40, "five at a time"
    assert outcome.paid == 200


def test_an_idle_node_is_let_go():
    # Node 1 ends at 10, waits 5, and is gone; node 0 works to 100.
    outcome = play(paper_packs(100, 10), Setting(2, idle_timeout=5))
    assert (outcome.makespan, outcome.paid, outcome.idle) == (100, 115, 5)
    assert play(paper_packs(100, 10), Setting(2)).paid == 200, "kept for ever unless told"


@pytest.mark.parametrize("startup", [0.0, 7.0])
def test_a_node_that_idles_not_a_second_still_takes_what_waits(startup):
    outcome = play(paper_packs(5, 5, 5), Setting(1, startup=startup, idle_timeout=0))
    assert (outcome.makespan, outcome.nodes) == (15 + startup, 1)


def test_the_driver_starts_packs_one_after_another():
    outcome = play(paper_packs(10, 10, 10), Setting(3, dispatch=2))
    assert [span.begin for span in outcome.spans] == [0, 2, 4]
    assert outcome.makespan == 14
    assert outcome.idle == 3 * 14 - 30


# -- losses ----------------------------------------------------------------------------------------------


def test_one_loss_by_hand(monkeypatch):
    # One node of two workers, lost 25 s after it is ready at 5. Pack 0 (40 s, 4 epochs of 10) has 2 epochs
    # saved and 5 s lost; pack 1 (12 s) ended at 17; pack 2 (18 s, 2 epochs of 9) began at 17, saved 9 at 26,
    # lost 4. A new node is asked for at 30 and ready at 35: pack 0 goes on to 55, pack 2 to 44.
    lifetimes(monkeypatch, 25)
    packs = [PaperPack(40, 4), PaperPack(12, 1), PaperPack(18, 2)]
    outcome = play(packs, Setting(2, per_node=2, startup=5, mtbf=1))
    assert outcome.spans == (
        Span(1, 0, 1, 5, 17, 12),
        Span(0, 0, 0, 5, 30, 20),
        Span(2, 0, 1, 17, 30, 9),
        Span(2, 1, 1, 35, 44, 9),
        Span(0, 1, 0, 35, 55, 20),
    )
    assert (outcome.makespan, outcome.losses, outcome.nodes) == (55, 1, 2)
    assert (outcome.work, outcome.lost, outcome.starting) == (70, 9, 20)
    assert outcome.paid == 2 * 30 + 2 * 25
    assert outcome.idle == 110 - 70 - 9 - 20 == 11, "worker 1 from 44 to 55"


def test_an_epoch_that_ends_with_its_node_is_saved(monkeypatch):
    lifetimes(monkeypatch, 20)
    outcome = play(paper_packs(30, epochs=3), Setting(1, mtbf=1))
    assert (outcome.lost, outcome.makespan, outcome.losses) == (0, 30, 1)


def test_a_pack_that_ends_with_its_node_has_ended(monkeypatch):
    lifetimes(monkeypatch, 30)
    outcome = play(paper_packs(30, epochs=3), Setting(1, mtbf=1))
    assert (outcome.lost, outcome.makespan, outcome.nodes) == (0, 30, 1)


def test_a_lost_pack_keeps_its_place(monkeypatch):
    # Pack 0's node is lost at 5; the next free worker takes pack 0 and not pack 2.
    lifetimes(monkeypatch, 5)
    outcome = play(paper_packs(10, 8, 7), Setting(2, startup=100, mtbf=1))
    assert [(s.pack, s.begin) for s in outcome.spans if s.kept] == [(1, 100), (0, 108), (2, 118)]


def test_a_node_lost_before_the_driver_came_to_it_loses_nothing(monkeypatch):
    lifetimes(monkeypatch, math.inf, 1)
    outcome = play(paper_packs(10, 10), Setting(2, dispatch=3, mtbf=1))
    assert outcome.lost == 0
    assert [span.pack for span in outcome.spans] == [0, 1]


def test_hopeless_is_told():
    with pytest.raises(InputError, match="no epoch ends"):
        play(paper_packs(1000), Setting(1, mtbf=0.001))


def test_losses_cost_half_an_epoch_each_on_average():
    # Without memory, and an epoch short against a node's life, a loss falls anywhere in an epoch.
    packs = paper_packs(*[1000.0] * 400, epochs=100)
    outcome = play(packs, Setting(8, mtbf=200, seed=3))
    assert outcome.losses > 1000
    assert outcome.lost / outcome.losses == pytest.approx(5.0, rel=0.1)
    assert outcome.losses == pytest.approx(outcome.paid / 200, rel=0.1)


# -- whatever happens ------------------------------------------------------------------------------------


def random_setting(generator, case):
    return Setting(
        workers=generator.randint(1, 12),
        per_node=generator.randint(1, 5),
        startup=generator.choice([0.0, 3.0, 40.0]),
        idle_timeout=generator.choice([0.0, 5.0, math.inf]),
        mtbf=generator.choice([None, 60.0, 300.0]),
        dispatch=generator.choice([0.0, 0.2]),
        seed=case,
    )


@pytest.mark.parametrize("case", range(150))
def test_the_books_balance(case):
    generator = random.Random(case)
    packs, setting = random_packs(generator), random_setting(generator, case)
    outcome = play(packs, setting)
    kept, lanes = dict.fromkeys(range(len(packs)), 0.0), {}
    for span in outcome.spans:
        kept[span.pack] += span.kept
        assert -1e-9 <= span.kept <= span.end - span.begin + 1e-6
        lanes.setdefault((span.node, span.worker), []).append((span.begin, span.end))
    for index, pack in enumerate(packs):
        assert kept[index] == pytest.approx(pack.seconds), "every pack is trained once, neither more nor less"
    for spans in lanes.values():
        spans.sort()
        assert all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(spans)), "one pack at a time"
    moments = sorted([(s.begin + 1e-9, 1) for s in outcome.spans] + [(s.end, -1) for s in outcome.spans])
    running = peak = 0
    for _, change in moments:
        running += change
        peak = max(peak, running)
    assert peak <= setting.workers
    ran = sum(s.end - s.begin for s in outcome.spans)
    assert ran == pytest.approx(outcome.work + outcome.lost)
    assert outcome.work == pytest.approx(sum(pack.seconds for pack in packs))
    assert outcome.idle >= -1e-6
    assert outcome.lost >= 0
    assert outcome.makespan >= outcome.bound - 1e-6
    if setting.mtbf is None:
        assert outcome.lost == outcome.losses == 0


def test_the_same_seed_gives_the_same_again_and_another_gives_another():
    packs = random_packs(random.Random(0))
    setting = Setting(4, startup=3, mtbf=50.0, seed=1)
    assert play(packs, setting) == play(packs, setting)
    assert play(packs, setting) != play(packs, Setting(4, startup=3, mtbf=50.0, seed=2))


@pytest.mark.parametrize(
    "setting",
    [
        Setting(0),
        Setting(1, per_node=0),
        Setting(1, startup=-1),
        Setting(1, mtbf=0.0),
        Setting(1, dispatch=math.inf),
    ],
)
def test_settings_that_make_no_sense(setting):
    with pytest.raises(InputError):
        play(paper_packs(1), setting)


@pytest.mark.parametrize(
    "pack", [PaperPack(0), PaperPack(-1), PaperPack(math.nan), PaperPack(math.inf), PaperPack(1, epochs=0)]
)
def test_packs_that_make_no_sense(pack):
    with pytest.raises(InputError):
        play([pack], Setting(1))


def test_nothing_to_do():
    assert play([], Setting(3)).makespan == 0


# -- pack times and the command --------------------------------------------------------------------------


def test_the_rates_are_those_of_the_docs(request):
    table = (request.config.rootpath / "docs/performance.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in table.splitlines()
        if line.startswith("|")
    ]
    found = {}
    for row in rows:
        if len(row) == 9 and row[0].isdecimal():
            size, bn, bn5, _, _, gn, gn5, _, _ = row
            for norm, n, rate in (("bn", 1, bn), ("bn", 5, bn5), ("gn", 1, gn), ("gn", 5, gn5)):
                found[norm, int(size), n] = float(rate)
    assert found == core_rates.CORE


def rows_of(capsys, *arguments):
    assert simulate.main([*arguments, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return [Played(**{"undisturbed" if k == "calm" else k: v for k, v in row.items()}) for row in rows]


def test_one_worker_takes_what_the_rates_say(capsys):
    (row,) = rows_of(
        capsys,
        "--grid",
        "fig1",
        "--workers",
        "1",
        "--mtbf-hours",
        "0",
        "--startup-minutes",
        "0",
        "--dispatch-ms",
        "0",
    )
    # 50,000 images, 100 epochs, of which a test set of 10,000 forwards adds 10/150; packs as --pack auto cuts.
    images = 100 * (1 + 10_000 / 150_000)
    rates = core_rates.CORE
    expected = 0.0
    for norm in ("bn", "gn"):
        for size in (32, 16, 8, 4, 2):
            usable = 50_000 // size * size
            packs = {32: [1] * 5, 16: [2, 2, 1], 8: [3, 2], 4: [5], 2: [5]}[size]
            for n in packs:
                rate = rates[norm, size, 1 if n <= 3 else 5]
                expected += usable * n * images / rate
    assert row.makespan == pytest.approx(expected / 3600)
    # The same sum in another order: equal to the last bit or two.
    assert [row.bound, row.undisturbed, row.work, row.paid] == pytest.approx([row.makespan] * 4, rel=1e-12)
    assert row.packs == 2 * (5 + 3 + 2 + 1 + 1)


def test_more_workers_are_never_slower_and_never_beat_the_bound(capsys):
    rows = rows_of(capsys, "--grid", "full", "--seeds", "20", "--workers", "1,8,64,512", "--repeats", "5")
    assert [row.workers for row in rows] == [1, 8, 64, 512]
    assert all(a.makespan > b.makespan for a, b in itertools.pairwise(rows))
    grid = adjust(find("full"), {"seeds": tuple(range(1, 21))})
    for row in rows:
        packs = packs_of(grid, core_rates.from_the_docs(), {"cifar10": describe("cifar10")}, row.workers)
        seconds = [pack.seconds for pack in packs]
        assert row.bound == pytest.approx(max(sum(seconds) / row.workers, *seconds) / 3600)
        assert row.packs == len(packs)
        assert row.bound <= row.undisturbed * (1 + 1e-12), "sums in another order"
        assert row.undisturbed <= row.low <= row.makespan <= row.high
        assert row.lost > 0
        assert row.losses > 0


def test_every_column_has_a_name_of_its_own_above_it(capsys):
    arguments = ["--grid", "full", "--workers", "1,64", "--repeats", "2"]
    (_, row) = rows_of(capsys, *arguments)
    assert simulate.main(arguments) == 0
    _, _, head, _, line = capsys.readouterr().out.splitlines()
    names = re.split(r"\s{2,}", head.strip())
    assert len(set(names)) == len(names) == len(re.split(r"\s{2,}", line.strip()))
    shares = {"lost %": row.lost, "start %": row.starting, "idle %": row.idle}
    for name, part in shares.items():
        end = head.index(name) + len(name)
        assert line[:end].split()[-1] == f"{part / row.paid:.1%}"
    end = head.index("lost h") + len("lost h")
    assert line[:end].split()[-1] == f"{row.lost:.1f}"


def test_pack_sizes(capsys):
    for pack, packs in ((1, 50), (2, 30), (5, 10)):
        (row,) = rows_of(capsys, "--grid", "fig1", "--workers", "3", "--pack", str(pack))
        assert row.packs == packs, "five seeds of ten cells"


def test_rates_from_a_bench_file(tmp_path, capsys):
    rows = [
        {
            "norm": norm,
            "batch_size": size,
            "pack": 1,
            "images_per_second": 2 * core_rates.CORE[norm, size, 1],
        }
        for norm in ("bn", "gn")
        for size in (32, 16, 8, 4, 2)
    ]
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(rows))
    common = ("--grid", "he2015", "--workers", "2", "--mtbf-hours", "0")
    assert simulate.main(common) == 2
    assert "bn at batch size 128" in capsys.readouterr().err
    common = (
        "--grid",
        "fig1",
        "--workers",
        "500",
        "--seeds",
        "50",
        "--mtbf-hours",
        "0",
        "--startup-minutes",
        "0",
    )
    (fast,) = rows_of(capsys, *common, "--bench", str(path))
    (slow,) = rows_of(capsys, *common)
    assert fast.work == pytest.approx(slow.work / 2), "500 packs of one seed each"


def test_rates_from_a_sweep(tmp_path, capsys):
    from orchestrator.bench import __main__ as bench
    from orchestrator.bench import tiny_sweep
    from orchestrator.results.store import Store

    grid = find(str(tiny_sweep.grid(tmp_path, "made", 12, epochs=3)))
    store = Store(str(tmp_path / "made"))
    store.declare("made", grid.trials())
    bench.write_finished(store, grid.trials(), epochs=3)
    times = measured.from_results(str(tmp_path / "made"))
    assert times.rates == pytest.approx({(n, b, 1): 205.12 for n in ("bn", "gn") for b in (2, 4, 8)})
    with pytest.raises(InputError, match="no sweep"):
        measured.from_results(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"norm": "bn"}]', "[]"])
def test_a_bench_file_that_is_none(tmp_path, capsys, text):
    path = tmp_path / "bench.json"
    path.write_text(text)
    assert simulate.main(["--grid", "fig1", "--bench", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert str(path) in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["--grid", "nothing"],
        ["--grid", "fig1", "--bench", "nowhere.json"],
        ["--grid", "fig1", "--bench", "a", "--results", "b"],
    ],
)
def test_mistakes_are_one_line(arguments, capsys):
    assert simulate.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "arguments", [["--workers", "0"], ["--workers", "x"], ["--mtbf-hours", "-1"], ["--seeds", "0"]]
)
def test_numbers_that_are_none(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        simulate.main(["--grid", "fig1", *arguments])
    assert ended.value.code == 2


# -- the figure ------------------------------------------------------------------------------------------

SIZES = [
    {
        "trials": 100,
        "peak": 810.0,
        "slices": [{"first": 1, "last": 100, "wall": 9.0, "cpu": 4.0, "memory": 800.0, "load": 2.0}],
    },
    {
        "trials": 1000,
        "peak": 999.0,
        "slices": [
            {"first": 1, "last": 501, "wall": 40.0, "cpu": 10.0, "memory": 820.0, "load": 3.0},
            {"first": 501, "last": 1000, "wall": 41.0, "cpu": 11.0, "memory": 860.0, "load": 5.0},
        ],
    },
]


def test_the_figure_draws_the_numbers(capsys):
    from orchestrator.simulate.figure import figure

    rows = rows_of(capsys, "--grid", "fig1", "--workers", "1,8", "--repeats", "3")
    drawn = figure(rows, SIZES)
    bound, ours, lost, starting, idle, wall, cpu, load, memory, peak = drawn.data
    assert list(bound.y) == [row.bound for row in rows]
    assert list(ours.y) == [row.makespan for row in rows]
    for bar, key in ((lost, "lost"), (starting, "starting"), (idle, "idle")):
        assert list(bar.y) == [100 * getattr(row, key) / row.paid for row in rows]
    assert (list(wall.y), list(cpu.y), list(memory.y)) == ([40, 41], [10, 11], [820, 860]), (
        "of the largest sweep"
    )
    assert list(load.y) == [3, 5]
    assert (list(peak.x), list(peak.y)) == ([100, 1000], [810, 999])
    assert len(figure(rows, []).data) == 5, "without the driver's measurements"


def test_a_figure_that_cannot_be_drawn(tmp_path, capsys):
    assert (
        simulate.main(["--grid", "fig1", "--workers", "4", "--figure", str(tmp_path / "scale.nonsense")]) == 2
    )
    assert "error: cannot draw" in capsys.readouterr().err


def test_drivers_measurements_that_are_none(tmp_path, capsys):
    path = tmp_path / "driver.json"
    path.write_text("[{}]")
    out = str(tmp_path / "scale.png")
    assert simulate.main(["--grid", "fig1", "--workers", "4", "--driver", str(path), "--figure", out]) == 2
    assert "orchestrator.bench --nodes" in capsys.readouterr().err
