from analysis.page import network, provenance, time
from analysis.study import read
from tests.helpers.synthetic import block, declare_facts


def test_provenance_shows_the_exact_command(sweep):
    html = provenance.section(read([sweep(block())])).body
    assert "python -m orchestrator.run --grid fig1" in html


def test_odd_facts_do_not_stop_the_page(sweep):
    url = declare_facts(sweep(block()), runs=[7, {"begun": "x"}], data=[1], provenance="none", description=3)
    study = read([url])
    for part in (time, network, provenance):
        assert part.section(study).body


def test_a_cell_of_two_environments_is_named_and_one_of_one_is_not():
    alike = {"torch": "2.15.0", "threads": "1", "kernels": "nhwc"}
    made = [{"cell": "bn", **alike}, {"cell": "bn", **alike, "host": "other"}, {"cell": "gn", **alike}]
    assert provenance.rounding(made) == {}
    for odd in ({**alike, "threads": "2"}, {**alike, "kernels": "nchw"}, {"torch": "2.15.0", "threads": "1"}):
        found = provenance.rounding([*made, {"cell": "gn", **odd}])
        assert list(found) == ["gn"]
        assert "computed in 2 environments" in found["gn"]
