"""The provider in front of Ray's for EC2: another type where one has no capacity, an end where setups fail.

Ray's own class is the real one; EC2 is what its `create_instances` answers.
"""

from types import SimpleNamespace

import botocore.exceptions
import pytest
from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
from ray.autoscaler.node_launch_exception import NodeLaunchException

from orchestrator.cluster import aws
from orchestrator.cluster.aws import Provider

CONFIG = {"InstanceType": "a", "OtherInstanceTypes": ["b", "c"], "SubnetIds": ["s1", "s2"]}
FAILED, DONE = {"ray-node-status": "update-failed"}, {"ray-node-status": "up-to-date"}


@pytest.fixture
def ec2(monkeypatch):
    """EC2 without capacity for the types in `short`: the types and zones that were asked of it, and the clock."""
    world = SimpleNamespace(short={}, asked=[], now=1000.0)

    def create_instances(**asked):
        assert "OtherInstanceTypes" not in asked, "EC2 knows no such key"
        world.asked.append((asked["InstanceType"], asked["SubnetId"]))
        if (code := world.short.get(asked["InstanceType"])) is not None:
            error = {"Error": {"Code": code, "Message": "We are sorry"}}
            raise botocore.exceptions.ClientError(error, "RunInstances")
        return [SimpleNamespace(id="i-1", instance_id="i-1", state_reason=None, state={"Name": "pending"})]

    monkeypatch.setattr(aws.time, "monotonic", lambda: world.now)
    monkeypatch.setattr(AWSNodeProvider, "set_node_tags", lambda *_: None)
    world.provider = Provider({"region": "us-west-2", "cache_stopped_nodes": False}, "normsweep")
    world.provider.ec2_fail_fast = SimpleNamespace(create_instances=create_instances)
    return world


def test_the_first_type_is_taken_where_it_is_to_be_had(ec2):
    assert list(ec2.provider.create_node(CONFIG, {}, 1)) == ["i-1"]
    assert ec2.asked == [("a", "s1")]


def test_another_where_no_zone_has_it(ec2):
    ec2.short = {"a": "InsufficientInstanceCapacity"}
    ec2.provider.create_node(CONFIG, {}, 1)
    kinds = [kind for kind, _ in ec2.asked]
    assert (kinds[0], kinds[-1], kinds.count("b"), "c" in kinds) == ("a", "b", 1, False)
    assert {zone for kind, zone in ec2.asked if kind == "a"} == {"s1", "s2"}


def test_where_there_is_none_the_last_is_named(ec2):
    ec2.short = dict.fromkeys("abc", "InsufficientInstanceCapacity")
    with pytest.raises(NodeLaunchException, match=r"InsufficientInstanceCapacity\): c: We are sorry"):
        ec2.provider.create_node(CONFIG, {}, 1)


def test_a_quota_is_no_reason_for_a_dearer_one(ec2):
    ec2.short = {"a": "VcpuLimitExceeded"}
    with pytest.raises(NodeLaunchException, match=r"VcpuLimitExceeded\): a: "):
        ec2.provider.create_node(CONFIG, {}, 1)
    assert {kind for kind, _ in ec2.asked} == {"a"}


def test_no_more_are_bought_once_three_failed_to_be_set_up(ec2):
    for number in range(3):
        ec2.provider.create_node(CONFIG, {}, 1)
        ec2.provider.set_node_tags(f"i-{number}", FAILED)
        ec2.provider.set_node_tags(f"i-{number}", FAILED)  # Ray tries each many times
    bought = len(ec2.asked)
    with pytest.raises(NodeLaunchException, match="3 machines in a row failed to be set up"):
        ec2.provider.create_node(CONFIG, {}, 1)
    assert len(ec2.asked) == bought
    ec2.now += 3601
    ec2.provider.create_node(CONFIG, {}, 1)


def test_one_that_is_set_up_shows_that_it_can_be_done(ec2):
    for number in range(5):
        ec2.provider.set_node_tags(f"i-{number}", FAILED)
        ec2.provider.set_node_tags(f"i-{number}", {"ray-node-status": "syncing-files"})
        if number == 2:
            ec2.provider.set_node_tags("i-9", DONE)
    ec2.provider.create_node(CONFIG, {}, 1)
