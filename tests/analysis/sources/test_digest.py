import hashlib
from pathlib import Path

import pytest

from analysis import load
from analysis.sources.digest import canonical, results_digest
from analysis.tables import results_csv
from tests.helpers.synthetic import block


def status(t):
    return {("bn", 3): "failed", ("gn", 2): "diverged"}.get((t.norm, t.seed), "done")


@pytest.fixture
def frame(sweep):
    return load(sweep(block() + block(norm="gn", groups=8), status=status))


def test_it_is_the_same_from_results_csv_and_in_any_order(frame, tmp_path):
    path = tmp_path / "results.csv"
    path.write_text(results_csv(frame))
    again = load(path)
    assert results_digest(again) == results_digest(frame)
    assert results_digest(again.sample(frac=1, random_state=1)) == results_digest(frame)
    assert len(results_digest(frame)) == 64


def test_machines_time_and_what_has_no_result_do_not_enter(frame):
    passing = frame.assign(
        device="H100", worker="a/1", commit="f", source="elsewhere", train_seconds=9.0, pack_size=1
    )
    assert results_digest(passing) == results_digest(frame)
    assert results_digest(frame[frame["status"] != "failed"]) == results_digest(frame)


@pytest.mark.parametrize(
    ("column", "value"), [("test_error", 12.0), ("status", "diverged"), ("trial_id", "x"), ("epochs_run", 9)]
)
def test_what_was_found_does(frame, column, value):
    changed = frame.copy()
    changed.loc[changed["status"] == "done", column] = value
    assert results_digest(changed) != results_digest(frame)


def test_anybody_can_make_it_from_results_csv(frame, tmp_path):
    path = tmp_path / "results.csv"
    path.write_text(results_csv(frame))
    head, *rows = [line.split(",") for line in Path(path).read_text().splitlines()]
    covered = "trial_id status test_error test_error_median5 val_error val_error_median5 train_error train_loss epochs_run diverged_at"
    lines = sorted(
        ",".join(row[head.index(name)] for name in covered.split()) + "\n"
        for row in rows
        if row[head.index("status")] in ("done", "diverged")
    )
    assert canonical(frame) == "".join(lines)
    assert results_digest(frame) == hashlib.sha256("".join(lines).encode()).hexdigest()
