"""What packs side by side gained, kept for who plans the same on such a GPU."""

import json
from dataclasses import replace

import pytest

from model.data.dataset import DataInfo
from orchestrator.planning import ladders
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.packs_per_gpu import Ladder, kind
from orchestrator.planning.plan import Pack
from tests.helpers.tiny import trial

INFOS = {"imagefolder": DataInfo("imagefolder", 20, 8, 3, 8, 8, ("a", "b"), "0" * 12)}
PACKS = [Pack((trial(seed=s, batch_size=b),)) for b in (2, 4) for s in (1, 2)]
LADDER = Ladder({1: 1.0, 2: 1.36, 4: 1.97})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def key(device="H200", packs=PACKS, infos=INFOS, chosen=Chosen()):  # noqa: B008
    return ladders.key(device, packs, infos, chosen)


def test_it_is_found_again_for_the_same_packs_in_any_order_and_number():
    assert ladders.of(key()) is None
    ladders.keep(key(), LADDER)
    assert ladders.of(key()) == LADDER
    assert ladders.of(key(packs=[*PACKS[::-1], Pack((trial(seed=3, batch_size=2),))])) == LADDER
    ladders.keep(key(), Ladder({1: 1.0, 2: 1.1}))
    assert ladders.of(key()) == Ladder({1: 1.0, 2: 1.1}), "the last counts"


def test_it_is_no_other_plans(monkeypatch):
    ladders.keep(key(), LADDER)
    large = {"imagefolder": replace(INFOS["imagefolder"], height=32)}
    pairs = [Pack((trial(seed=1, batch_size=b), trial(seed=2, batch_size=b))) for b in (2, 4)]
    coarse = [Pack((trial(precision="bf16", batch_size=b),)) for b in (2, 4)]
    others = [key("H100"), key(packs=PACKS[:1]), key(packs=pairs), key(packs=coarse), key(infos=large)]
    others += [key(chosen=Chosen(said="torch")), key(chosen=Chosen(kernels={kind(PACKS[0].spec): "torch"}))]
    assert [ladders.of(other) for other in others] == [None] * 7
    assert ladders.of(key(chosen=Chosen(kernels={"another cell": "torch"}))) == LADDER
    monkeypatch.setattr("orchestrator.planning.gpu_timings.version", lambda package: "9.9")
    assert ladders.of(key()) is None


def test_what_ended_early_is_timed_again():
    ladders.keep(key(), Ladder({1: 1.0}, "2 do not fit into its memory"))
    assert ladders.of(key()) is None


def test_no_more_than_fifty_are_kept(cache):
    for number in range(60):
        ladders.keep(key(f"GPU {number}"), LADDER)
    assert len(json.loads((cache / "ladders.json").read_bytes())) == 50
    assert ladders.of(key("GPU 9")) is None
    assert ladders.of(key("GPU 10")) == LADDER


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[" * 100_000,
        b"\xff",
        b'{"device": "H200"}',
        b"[3, null]",
        b'[{"device": "H200", "torch": "T", "packs": "P", "gains": GAINS}]',
    ],
)
@pytest.mark.parametrize(
    "gains",
    [
        '{"2": 1.5}',
        '{"1": 1.0, "2": NaN}',
        f'{{"1": 1.0, "2": {10**400}}}',
        '{"1": 1.0, "x": 2}',
        '{"1": 1.0, "99": 2}',
        "[1]",
        "true",
    ],
)
def test_a_file_that_somebody_edited_is_none_and_no_error(content, gains, cache):
    cache.mkdir()
    _, torch, packs = key()
    content = content.replace(b"GAINS", gains.encode()).replace(b'"T"', json.dumps(torch).encode())
    (cache / "ladders.json").write_bytes(content.replace(b'"P"', json.dumps(packs).encode()))
    assert ladders.of(key()) is None
    ladders.keep(key(), LADDER)
    assert ladders.of(key()) == LADDER


def test_a_cache_that_cannot_be_written_keeps_nothing(cache):
    cache.write_text("a file where the folder should be")
    ladders.keep(key(), LADDER)
    assert ladders.of(key()) is None
