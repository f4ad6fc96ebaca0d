"""An axis of ours beside norm and batch size, from trials on a disk to every part that names it."""

import pytest

from analysis import report, tables
from analysis.page.methods import by_sweep
from analysis.study import read
from tests.helpers.synthetic import block


@pytest.fixture
def study(sweep):
    return read([sweep(block(norm="gn", groups=[8, 4], width=[1, 2, 4], seeds=3), epochs=6)])


def test_width_is_x_and_g_the_lines(study):
    (cells,) = study.panels.values()
    assert [(c.line.name, c.x) for c in cells] == [
        (name, width) for name in ("GN (G = 8)", "GN (G = 4)") for width in (1, 2, 4)
    ]
    assert [(d.line.groups, d.base.groups, d.x) for own in study.differences.values() for d in own] == [
        (4, 8, width) for width in (1, 2, 4)
    ]


def test_the_page_the_table_and_the_methods_say_it(study):
    page = report.build(study.sweeps[0])
    assert "over width, one line per norm" in page
    assert "At width " in page
    assert tables.to_csv(study.frame).startswith("width,norm,groups,batch_size,")
    (methods,) = by_sweep(study).values()
    assert "Set otherwise than there: width 2 (6 trials) and width 4 (6 trials)." in methods.text


def test_a_csv_may_have_it_and_is_held_to_it(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("seed,batch_size,norm,width,accuracy\n1,32,gn,1,0.8\n1,32,gn,2,0.9\n")
    assert sorted(read([str(path)]).frame["width"]) == [1, 2]
    path.write_text("seed,batch_size,norm,width,accuracy\n1,32,gn,wide,0.8\n")
    assert tables.main([str(path)]) == 2
