"""The ids of every trial of every shipped grid, in order, as they were before axes had a table."""

import json
from pathlib import Path

import pytest

from orchestrator.grid.parse import find, shipped

GOLDEN = json.loads(Path(__file__).with_name("golden_ids.json").read_text(encoding="utf-8"))


def test_no_grid_is_forgotten():
    assert set(GOLDEN) == set(shipped())


@pytest.mark.parametrize("name", GOLDEN)
def test_the_ids_stay(name):
    assert [trial.trial_id for trial in find(name).trials()] == GOLDEN[name]
