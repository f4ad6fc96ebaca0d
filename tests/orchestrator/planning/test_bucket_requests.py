"""What a plan asks of a bucket."""

import pytest

from model.data.dataset import DataInfo
from orchestrator.planning.bucket_requests import in_words, requests
from orchestrator.planning.plan import by_length, make_plan
from tests.helpers.tiny import trial

INFOS = {"imagefolder": DataInfo("imagefolder", 20, 8, 3, 8, 8, ("a", "b"), "0")}


def planned(seeds, size, seconds_a_pack):
    trials = [trial(seed=seed, epochs=10) for seed in range(seeds)]
    plan = make_plan(trials, {}, pack_size=lambda _: size, max_failures=3)
    images = plan.packs[0].images_left(20)
    return by_length(plan, lambda *_: images / seconds_a_pack, lambda _: 20)


def test_by_hand():
    """Ten trials of ten epochs in two packs: 10 · (2 · 10 + 3) writes, and 10 · (10 + 1) looks for a result."""
    plan = planned(10, 5, 50.0)
    asked = requests(plan, INFOS, slots=1)
    assert (asked.writes, asked.reads) == (230, 110)
    assert asked.a_second == pytest.approx(5 * 3 * 10 / 50)
    assert asked.dollars == pytest.approx((230 * 0.005 + 110 * 0.0004) / 1000)
    assert requests(plan, INFOS, slots=8).a_second == pytest.approx(2 * 5 * 3 * 10 / 50)


def test_near_the_limit_of_a_prefix_it_is_said():
    """4,000 packs of one trial whose epochs take 4 s ask 3,000 a second; of 60 s, 200."""
    near, far = (requests(planned(4000, 1, 10 * s), INFOS, slots=4000) for s in (4, 60))
    assert "3,000 writes and deletions a second, and S3 takes 3,500" in in_words(near, 40, "s3://b/p")[1]
    assert len(in_words(far, 600, "s3://b/p")) == len(in_words(near, 40, "gs://b/p")) == 1


def test_what_an_hour_has():
    asked = requests(planned(10, 5, 7200.0), INFOS, slots=2)
    assert in_words(asked, 7200, "s3://b/p") == [
        "in the bucket about 230 writes, 115 an hour; S3's requests cost about 0.00 dollars at its list prices"
    ]
