"""What runs on this machine took beside training, kept for the next plan."""

import json

import pytest

from orchestrator.planning import overheads
from orchestrator.planning.wall_clock import USUAL, Overheads


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_shortest_start_and_the_median_epoch_of_the_last_five_and_what_is_usual_of_the_rest():
    assert overheads.of("ray") == USUAL["ray"]
    for seconds in (1.0, 21.0, 4.0, 5.0, 3.0, 6.0):  # the first is forgotten
        overheads.keep("ray", {"start": seconds, "epoch": seconds / 10})
    assert overheads.of("ray") == Overheads(start=3.0, pack=USUAL["ray"].pack, epoch=0.5)
    assert overheads.of("inline") == USUAL["inline"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[1]",
        b'{"ray": 3}',
        b'{"ray": {"start": 3}}',
        b'{"ray": {"start": ["a", -1, 1e9, NaN, true, null]}}',
        b'{"nowhere": {"start": [1]}}',
    ],
)
def test_a_file_that_somebody_edited_is_no_measurement_and_no_error(content, cache):
    cache.mkdir()
    (cache / "overheads.json").write_bytes(content)
    assert overheads.of("ray") == USUAL["ray"]
    overheads.keep("ray", {"pack": 2.0})
    assert overheads.of("ray").pack == 2.0
    assert json.loads((cache / "overheads.json").read_bytes())["ray"] == {"pack": [2.0]}


def test_a_cache_that_cannot_be_written_keeps_nothing(cache):
    cache.write_text("a file where the folder should be")
    overheads.keep("ray", {"pack": 2.0})
    assert overheads.of("ray") == USUAL["ray"]
