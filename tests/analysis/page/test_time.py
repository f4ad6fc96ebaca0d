from analysis.page import time
from analysis.study import read
from tests.helpers.synthetic import BEGUN, block, declare_facts


def test_estimate_and_truth_of_each_run(sweep):
    url = sweep(block(seeds=2), epochs=4, workers=1)  # 4 × (4 + 60/32) = 23.5 s from BEGUN on
    begun = BEGUN.timestamp()
    runs = [{"begun": begun, "estimate_seconds": 47.0, "cpus_per_pack": 2, "gpus_per_pack": 0}]
    html = time.section(read([declare_facts(url, runs=runs)])).body
    assert "47 s estimated, 24 s taken (0.50 ×)" in html
    assert "Core-hours" in html


def test_without_runs_there_are_worker_hours(sweep):
    html = time.section(read([sweep(block(seeds=2), epochs=4)])).body
    assert "Worker-hours" in html
    assert "estimated" not in html
