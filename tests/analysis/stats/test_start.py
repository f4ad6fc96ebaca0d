"""Ways of going on from another's weights are lines of one figure, compared by seed."""

import pytest

from analysis.page.trials import trial_data
from analysis.sources.frame import make
from analysis.sources.load import Sweep
from analysis.stats.bases import as_base, pairs_of
from analysis.stats.cells import cells, panels
from analysis.stats.choices import Choices
from analysis.stats.differences import differences
from analysis.stats.roles import roles_of
from analysis.study import read
from analysis.tables import terminal
from tests.helpers.sweeps import in_memory

START = "norm=bn batch_size=32"
#: norm, G, batch size, start -> errors of seeds 1 to 3.
ERRORS = {
    ("bn", None, 32, None): [5.0, 6.0, 7.0],
    ("bn", None, 2, None): [9.0, 9.5, 10.0],
    ("gn", 8, 2, None): [8.0, 8.5, 9.0],
    ("bn", None, 2, START): [7.0, 7.5, 8.0],
    ("gn", 8, 2, START): [6.0, 6.4, 7.1],
    ("fbn", None, 2, START): [4.0, 5.0, 6.0],
}


@pytest.fixture
def sweep():
    empty = in_memory({})
    rows = [
        {
            "trial_id": f"{norm}-{size}-{bool(start)}-{seed}",
            "dataset": "digits",
            "model": "resnet20",
            "recipe": "wu2018",
            "epochs": 10,
            "norm": norm,
            "groups": groups,
            "batch_size": size,
            "start": start,
            "seed": seed,
            "status": "done",
            "test_error": error,
            "declared": True,
        }
        for (norm, groups, size, start), errors in ERRORS.items()
        for seed, error in enumerate(errors, start=1)
    ]
    return Sweep("s", "s", make(rows), empty.history, facts={"name": "s"})


def test_they_are_lines_of_one_panel_and_from_scratch_comes_first(sweep):
    roles = roles_of(sweep.frame)
    assert (roles.x, roles.more) == ("batch_size", ("start",))
    (own,) = panels(sweep.frame, roles).values()
    assert list(dict.fromkeys(cell.line.name for cell in own)) == [
        "BN",
        "BN (from BN at batch 32)",
        "GN (G = 8)",
        "GN (G = 8, from BN at batch 32)",
        "FBN (from BN at batch 32)",
    ]


def test_so_they_are_where_every_norm_has_every_start(sweep):
    """Crossed, a text would else cut the study into figures that nothing compares."""
    frame = sweep.frame[(sweep.frame["norm"] != "fbn") & (sweep.frame["batch_size"] == 2)]
    assert roles_of(frame).more == ("start",)
    assert roles_of(frame[frame["norm"] == "gn"]).more == ("start",)
    assert len(panels(frame, roles_of(frame))) == 1


def test_their_differences_are_within_a_seed(sweep):
    own = cells(sweep.frame, roles_of(sweep.frame))
    lines = {line.name: line for line in dict.fromkeys(cell.line for cell in own)}
    found = {(d.line, d.base): d for d in differences(own, Choices(paired=True, base="all")) if d.x == 2}
    difference = found[lines["GN (G = 8, from BN at batch 32)"], lines["BN (from BN at batch 32)"]]
    assert difference.pairs.values == pytest.approx({1: -1.0, 2: -1.1, 3: -0.9})
    usual = differences(own, Choices(paired=True))
    assert {d.base for d in usual} == {lines["BN"]}


def test_a_base_that_says_no_start_is_from_scratch_and_any_can_be_named(sweep):
    lines = list(dict.fromkeys(cell.line for cell in cells(sweep.frame, roles_of(sweep.frame))))
    for line in lines:
        assert {base for _, base in pairs_of(lines, as_base(line))} == {line}
    assert {base.name for _, base in pairs_of(lines, "bn")} == {"BN"}
    assert as_base(lines[0]) == "norm=bn,start=scratch"
    assert as_base(lines[1]) == "norm=bn,start=norm=bn batch_size=32"


def test_tables_say_it_in_words(sweep):
    printed = str(trial_data(read([sweep]))["rows"])
    assert "from BN at batch 32" in printed
    assert "from scratch" in printed
    assert START not in printed
    table = terminal(sweep.frame, Choices(paired=True))
    assert "from scratch" in table
    assert START not in table
