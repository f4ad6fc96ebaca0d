"""What is said of machines that could not be had; that Ray's own status has these fields is looked at too."""

import ray
from ray.autoscaler.v2.schema import ClusterStatus, LaunchRequest

from orchestrator.cluster.launches import failed_launches, in_words


def launch(details):
    failed = LaunchRequest.Status.FAILED
    return LaunchRequest("g5.12xlarge", "gpu_worker", 1, failed, 0, details=details)


def test_each_reason_is_told_once_and_a_quota_with_the_way_out():
    status = ClusterStatus(
        failed_launches=[
            launch("InsufficientInstanceCapacity: no capacity in us-west-2a"),
            launch("InsufficientInstanceCapacity: no capacity in us-west-2a"),
            launch("Traceback\nVcpuLimitExceeded: limit of 0"),
            launch(None),
        ]
    )
    capacity, quota, silent = in_words(status.failed_launches)
    assert capacity == (
        "no gpu_worker (g5.12xlarge) could be started: InsufficientInstanceCapacity: no capacity in us-west-2a"
    )
    assert "VcpuLimitExceeded: limit of 0 (the account's quota is used up; docs/cluster.md" in quota
    assert silent.endswith("no reason given")


def test_without_a_cluster_nothing_is_told_and_none_is_started():
    assert failed_launches() == []
    assert not ray.is_initialized()
