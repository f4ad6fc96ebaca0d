"""EC2 for Ray's autoscaler, by Ray's own provider, with two ends that it lacks (Ray 2.60, from its source).

- Where an instance type has no capacity in any zone, Ray asks for the same one again, for ever: what it
  learns of availability it learns of machines that were launched and never ran. Here the next type is asked
  for that a node type names under `OtherInstanceTypes`: of the same GPUs, or Ray's label of them would lie.
- A machine whose setup fails is ended after a while and another is bought in its place, for ever. Here none
  is, once `_MOST` have failed within `_SECONDS` and none has succeeded.

Either is told as a failed launch, which whoever waits sees: `orchestrator.cluster.launches`.
"""

import time
from typing import Any

from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
from ray.autoscaler.node_launch_exception import NodeLaunchException
from ray.autoscaler.tags import STATUS_UP_TO_DATE, STATUS_UPDATE_FAILED, TAG_RAY_NODE_STATUS

_OTHERS = "OtherInstanceTypes"
#: What EC2 says where another type may be had.
_NO_CAPACITY = {
    "InsufficientInstanceCapacity",
    "InsufficientHostCapacity",
    "InsufficientCapacityOnHost",
    "SpotMaxPriceTooLow",
    "Unsupported",
}
_MOST = 3
_SECONDS = 3600


class Provider(AWSNodeProvider):  # type: ignore[misc]
    """`module` of a cluster file's provider, on the machine that brings the cluster up and on its head."""

    def __init__(self, provider_config: dict[str, Any], cluster_name: str) -> None:
        super().__init__(provider_config, cluster_name)
        self._failed: dict[str, float] = {}

    def _create_node(self, node_config: dict[str, Any], tags: dict[str, str], count: int) -> dict[str, Any]:
        self._refuse_more()
        config = {**node_config}
        types = [config["InstanceType"], *config.pop(_OTHERS, [])]
        for kind in types[:-1]:
            try:
                return self._created({**config, "InstanceType": kind}, tags, count)
            except NodeLaunchException as error:
                if error.category not in _NO_CAPACITY:
                    raise
        return self._created({**config, "InstanceType": types[-1]}, tags, count)

    def _created(self, config: dict[str, Any], tags: dict[str, str], count: int) -> dict[str, Any]:
        """In whichever zone has them. Raises NodeLaunchException, which names the type."""
        try:
            made: dict[str, Any] = super()._create_node(config, tags, count)
        except NodeLaunchException as error:
            said = f"{config['InstanceType']}: {error.description}"
            raise NodeLaunchException(error.category, said, error.src_exc_info) from None
        return made

    def set_node_tags(self, node_id: str, tags: dict[str, str]) -> None:
        """By which Ray keeps how far a machine's setup is."""
        super().set_node_tags(node_id, tags)
        status = tags.get(TAG_RAY_NODE_STATUS)
        if status == STATUS_UP_TO_DATE:
            self._failed.clear()
        elif status == STATUS_UPDATE_FAILED:
            self._failed[node_id] = time.monotonic()

    def _refuse_more(self) -> None:
        now = time.monotonic()
        if sum(now - at < _SECONDS for at in self._failed.values()) >= _MOST:
            raise NodeLaunchException(
                "SetupFailed",
                f"{_MOST} machines in a row failed to be set up, so that no more are bought for an hour. "
                "`ray monitor cluster.yaml` shows why; mend it, and `ray up` again goes on at once",
                None,
            )
