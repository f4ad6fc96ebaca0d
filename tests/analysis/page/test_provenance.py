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
