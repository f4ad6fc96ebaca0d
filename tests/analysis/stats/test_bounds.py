"""What is drawn and compared has an end, and says what it leaves out."""

from collections import Counter

from analysis import load, tables
from analysis.report import build
from analysis.stats.bounds import MOST_LINES, MOST_PANELS, MOST_X, bounded, bounded_panels
from analysis.stats.cells import panels


def write(tmp_path, rows):
    path = tmp_path / "study.csv"
    path.write_text("\n".join(["seed,batch_size,norm,accuracy,model", *rows]) + "\n")
    return str(path)


def many(sizes=(32,), norms=("bn", "gn"), seeds=(1, 2), models=("x",)):
    return [f"{s},{b},{n},0.{80 + s},{m}" for m in models for b in sizes for n in norms for s in seeds]


def test_of_many_batch_sizes_those_with_most_trials_are_kept(tmp_path):
    rows = many(range(1, 201)) + [f"7,{b},bn,0.8,x" for b in range(101, 165)]
    ((_, cells),) = panels(load(write(tmp_path, rows))).items()
    kept, notes = bounded(cells)
    assert {c.x for c in kept} == set(range(101, 165))
    assert len(kept) == 2 * MOST_X
    assert [c for c in cells if c in kept] == kept, "in their order"
    assert notes == ["of 200 batch sizes the 64 with most trials are drawn and compared"]


def test_of_many_norms_and_panels_too(tmp_path):
    frame = load(write(tmp_path, many(norms=[f"norm {i}" for i in range(100)])))
    ((_, cells),) = panels(frame).items()
    kept, notes = bounded(cells)
    assert len({c.line for c in kept}) == MOST_LINES
    assert notes == ["of 100 norms with their G the 32 with most trials are drawn and compared"]
    frame = load(write(tmp_path, many(models=[f"net {i}" for i in range(50)])))
    shown, notes = bounded_panels(panels(frame))
    assert len(shown) == MOST_PANELS
    assert notes == ["of 50 panels the 32 with most trials are drawn and compared"]


def test_what_is_small_stays_whole(tmp_path):
    grouped = panels(load(write(tmp_path, many((32, 2)))))
    assert bounded_panels(grouped) == (grouped, [])


def test_report_and_terminal_say_what_they_leave_out_and_the_table_has_all(tmp_path):
    url = write(tmp_path, many(range(1, 101)))
    assert "of 100 batch sizes the 64 with most trials" in build(url)
    frame = load(url)
    assert "of 100 batch sizes the 64 with most trials" in " ".join(tables.terminal(frame).split())
    lines = tables.to_csv(frame).splitlines()[1:]
    assert Counter(line.split(",")[0] for line in lines) == {"bn": 100, "gn": 100}
