import pytest

from analysis.plots import palette
from analysis.stats.line import Line
from analysis.study import read
from model.errors import InputError
from tests.helpers.synthetic import block

GN = Line("gn", None)


def test_the_only_g_of_a_source_looks_like_the_norm_itself(sweep, tmp_path):
    path = tmp_path / "study.csv"
    path.write_text("seed,batch_size,norm,accuracy\n1,32,bn,0.8\n1,32,gn,0.8\n")
    study = read([sweep(block() + block(norm="gn", groups=[8, 4])), str(path)])
    assert study.styles[GN] == study.styles[Line("gn", 8)] == palette.style("gn")
    assert study.styles[Line("gn", 4)] != palette.style("gn")
    assert study.styles[Line("bn", None)] == palette.style("bn")


def test_every_norm_has_a_colour_of_its_own():
    colours = [palette.style(norm).colour for norm in ("bn", "gn", "ln", "in")]
    assert len(set(colours)) == 4


def test_nothing_to_read_is_an_error():
    with pytest.raises(InputError, match="no results given"):
        read([])


def test_a_search_has_no_figure_1_beside_a_study(sweep):
    study = read([sweep(block() + block(norm="gn", groups=[8, 4], holdout=5000))])
    assert [p.judged for p in study.panels] == ["test", "validation"]
    assert [p.judged for p in study.compared] == ["test"]
    assert len(study.searches) == 1
