import pandas as pd
import pytest

from analysis import load, tables
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
        ("seed,batch_size,norm,accuracy\n1,32,bn,high\n", "line 2: 'high' is no number"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,\n", "line 2"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,nan\n", "is no number"),
        ("seed,batch_size,norm,accuracy\n1,0,bn,0.8\n", "at least 1"),
        ("seed,batch_size,norm,accuracy\n1,2.5,bn,0.8\n", "whole number"),
        ("seed,batch_size,norm,accuracy\n1,inf,bn,0.8\n", "whole number"),
        ("seed,batch_size,norm,accuracy\n1,32,group,0.8\n", "unknown norm 'group'"),
        ("seed,batch_size,norm,accuracy\n1,32,bn,0.8\n1,32,Batch Norm,0.9\n", "line 3 repeats .* line 2"),
        (b"\xff\xfe\x00s", "not UTF-8"),
        ('seed,batch_size,norm,accuracy\n1,32,"bn,0.8\n', "does not parse|unknown norm|no number"),
    ],
)
def test_bad_files_are_errors_that_say_what_is_wrong(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        load(write(tmp_path, text))


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load(str(tmp_path / "absent.csv"))
