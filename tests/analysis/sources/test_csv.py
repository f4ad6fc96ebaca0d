import io

import pandas as pd
import pytest

from analysis import load, tables
from analysis.plots import palette
from analysis.stats.cells import cells, panels
from analysis.stats.roles import roles_of
from model.errors import InputError
from tests.helpers.synthetic import block

STUDY = "seed,batch_size,norm,accuracy\n1,32,Batch Norm,0.864\n2,32,Batch Norm,0.87\n1,32,gn,0.86\n"


def write(tmp_path, text, name="study.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_study_becomes_errors_in_percent(tmp_path):
    frame = load(write(tmp_path, STUDY))
    assert frame["test_error"].tolist() == pytest.approx([13.6, 13.0, 14.0])
    assert frame["norm"].tolist() == ["bn", "bn", "gn"]
    assert frame["status"].tolist() == ["done"] * 3
    assert frame["seed"].tolist() == [1, 2, 1]
    assert frame["groups"].isna().all()
    assert frame["holdout"].isna().all(), "the file does not say what was held out"


def test_any_norm_is_a_line_ours_by_many_spellings(tmp_path):
    norms = [
        "BatchNorm",
        "group-norm",
        "Layer Normalization",
        "instance normalisation",
        "Filter Response",
        "EvoNorm-S0",
    ]
    text = "seed,batch_size,norm,accuracy\n" + "\n".join(f"1,32,{norm},0.8" for norm in norms)
    path = write(tmp_path, text)
    assert load(path)["norm"].tolist() == ["bn", "gn", "ln", "in", "Filter Response", "EvoNorm-S0"]
    (cells,) = panels(load(path)).values()
    assert [c.line.name for c in cells] == ["BN", "GN", "LN", "IN", "EvoNorm-S0", "Filter Response"]
    styles = palette.styles([c.line for c in cells])
    assert len({style.colour for style in styles.values()}) == 6


def test_two_gs_of_a_study_are_two_lines(tmp_path):
    text = "seed,batch_size,norm,groups,accuracy\n1,32,gn,8,0.8\n1,32,gn,4,0.81\n1,32,bn,,0.82\n"
    frame = load(write(tmp_path, text))
    assert frame["trial_id"].is_unique
    (cells,) = panels(frame).values()
    assert [c.line.name for c in cells] == ["BN", "GN (G = 8)", "GN (G = 4)"]


def test_a_byte_order_mark_and_spaces_in_the_header_do_not_matter(tmp_path):
    text = STUDY.replace("seed,batch_size", "seed, batch_size").encode("utf-8-sig")
    assert len(load(write(tmp_path, text))) == 3


def test_results_csv_reads_back_as_the_frame_it_was_made_from(sweep, tmp_path):
    states = {1: "done", 2: "diverged", 3: "missing"}
    trials = [*block(), *block(norm="gn", groups=[8, 4])]
    frame = load(sweep(trials, status=lambda t: states[t.seed]))
    back = load(write(tmp_path, tables.results_csv(frame), "results.csv"))
    pd.testing.assert_frame_equal(back.drop(columns="source"), frame.drop(columns="source"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("seed,batch_size,norm,accuracy\n", "no rows"),
        ("seed,batch_size,accuracy\n1,32,0.8\n", "lacks the column 'norm'"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,86.4\n", "looks like percent"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,-0.1\n", "outside 0 to 1"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,864\n", r"outside 0 to 1$"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,high\n", "line 2, accuracy: 'high' is no number"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,\n", "line 2"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,nan\n", "is no number"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,\n", "line 2, accuracy is empty; expected a number"),
        ("seed,batch_size,norm,accuracy\n1, ,bn,0.8\n", "line 2, batch_size is empty; expected a number"),
        ("seed,batch_size,norm,accuracy\n1,0,bn,0.8\n", "at least 1"),
        ("seed,batch_size,norm,accuracy\n1,2.5,bn,0.8\n", "whole number"),
        ("seed,batch_size,norm,accuracy\n1,inf,bn,0.8\n", "is no number"),
        (f"seed,batch_size,norm,accuracy\n{2**63},32,bn,0.8\n", "whole number"),
        (
            "seed,batch_size,norm,accuracy\n1,32,,0.8\n",
            "line 2 names no norm; expected Batch Norm, Group Norm",
        ),
        ("seed,batch_size,norm,accuracy\n1,32,FRN,0.8\n1,32,frn,0.9\n", "line 3 repeats .* line 2"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,0.8\n1,32,Batch Norm,0.9\n", "line 3 repeats .* line 2"),
        (b"\xff\xfe\x00s", "not UTF-8"),
        ('seed,batch_size,norm,accuracy\n1,32,"bn,0.8\n', "does not parse|unknown norm|no number"),
    ],
)
def test_bad_files_are_errors_that_say_what_is_wrong(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        load(write(tmp_path, text))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("test_error", "high", "line 3, test_error: 'high' is no number"),
        ("test_error", "NaN", "is no number"),
        ("test_error", "inf", "is no number"),
        ("test_error", "-5", "outside 0 to 100"),
        ("test_error", "5000", "outside 0 to 100"),
        ("test_error", "", "is done and has no error"),
        ("val_error", "101", "line 3, val_error: 101 is outside 0 to 100"),
        ("train_loss", "low", "line 3, train_loss"),
        ("seed", str(2**63), "line 3, seed: .*whole number"),
        ("seed", "", "line 3 has no seed"),
        ("seed", "1" * 400, "seed: .* is no number"),
        ("batch_size", "0", "line 3, batch_size: '0' is no whole number of at least 1"),
        ("groups", "x", "line 3, groups: 'x' is no number"),
        ("status", "finished", "line 3: unknown status 'finished'"),
        ("norm", "", "line 3 has no norm"),
    ],
)
def test_a_row_of_results_csv_is_right_or_an_error(sweep, tmp_path, column, value, message):
    frame = load(sweep(block(seeds=3)))
    table = pd.read_csv(io.StringIO(tables.results_csv(frame)), dtype=str, keep_default_na=False)
    table.loc[1, column] = value
    with pytest.raises(InputError, match=message):
        load(write(tmp_path, table.to_csv(index=False), "results.csv"))


def test_a_trial_twice_in_results_csv_is_refused(sweep, tmp_path):
    text = tables.results_csv(load(sweep(block(seeds=3))))
    text += text.splitlines()[1] + "\n"
    with pytest.raises(InputError, match=r"line 5 repeats the trial of .*line 2"):
        load(write(tmp_path, text, "results.csv"))


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load(str(tmp_path / "absent.csv"))


def test_any_column_of_ours_is_an_axis_and_others_where_somebody_says_so(tmp_path):
    lines = ["seed,batch_size,norm,epochs,act,rate,accuracy"]
    lines += [f"1,32,rms,{e},{a},{r},0.8" for e in (1, 2) for a in ("relu", "gelu") for r in ("1e-3", "0.01")]
    path = tmp_path / "study.csv"
    path.write_text("\n".join(lines) + "\n")
    frame = load(str(path), axes=["act", "rate"])
    assert frame["epochs"].tolist() == [1] * 4 + [2] * 4
    assert frame["rate"].tolist() == [0.001, 0.01] * 4
    assert frame["act"].tolist() == ["relu", "relu", "gelu", "gelu"] * 2
    assert frame["trial_id"].is_unique
    assert len({cell.key for cell in cells(frame, roles_of(frame))}) == 8
    assert load(frame)["rate"].equals(frame["rate"]), "a frame keeps its axes"
    path.write_text("seed,batch_size,norm,epochs,accuracy\n1,32,bn,1,0.8\n1,32,bn,1.5,0.8\n")
    with pytest.raises(InputError, match=r"line 3, epochs: '1.5' is no whole number"):
        load(str(path))
