"""What KubeRay's operator takes, by its published types, and Kubernetes itself for all that lies in a pod.

`SCHEMA` is written from the Go types of `ray.io/v1`, from which KubeRay's CRDs are generated (ray-project/kuberay,
`ray-operator/apis/ray/v1`, as of KubeRay 1.6): names, types, enumerations and what is required, without the fields of
those parts that nobody here uses. As a server's strict validation does, it refuses a name that it does not know.
"""

import re
from typing import Any

Json = dict[str, Any]

_STRING: Json = {"type": "string"}
_BOOL: Json = {"type": "boolean"}
_COUNT: Json = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}  # int32
_STRINGS: Json = {"type": "object", "additionalProperties": _STRING}
_POD: Json = {"type": "object"}  # see `strange`


def _closed(required: tuple[str, ...] = (), **properties: Json) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _one_of(*values: str) -> Json:
    return {"enum": list(values)}


_GROUP = {"template": _POD, "rayStartParams": _STRINGS, "resources": _STRINGS, "labels": _STRINGS}
_CLUSTER = _closed(
    ("headGroupSpec",),
    upgradeStrategy=_closed(type=_one_of("Recreate", "None")),
    authOptions=_closed(mode=_one_of("disabled", "token"), secretName=_STRING, enableK8sTokenAuth=_BOOL),
    suspend=_BOOL,
    managedBy=_STRING,
    autoscalerOptions=_closed(
        resources=_POD,
        image=_STRING,
        imagePullPolicy=_STRING,
        securityContext=_POD,
        idleTimeoutSeconds=_COUNT,
        upscalingMode=_one_of("Default", "Aggressive", "Conservative"),
        version=_one_of("v1", "v2"),
        env={"type": "array"},
        envFrom={"type": "array"},
        volumeMounts={"type": "array"},
    ),
    headServiceAnnotations=_STRINGS,
    enableInTreeAutoscaling=_BOOL,
    headGroupSpec=_closed(
        ("template",), **_GROUP, headService=_POD, enableIngress=_BOOL, serviceType=_STRING
    ),
    rayVersion=_STRING,
    workerGroupSpecs={
        "type": "array",
        "items": _closed(
            ("groupName", "maxReplicas", "minReplicas", "template"),
            **_GROUP,
            suspend=_BOOL,
            groupName=_STRING,
            replicas=_COUNT,
            minReplicas=_COUNT,
            maxReplicas=_COUNT,
            idleTimeoutSeconds=_COUNT,
            numOfHosts=_COUNT,
        ),
    },
)
_JOB = _closed(
    activeDeadlineSeconds=_COUNT,
    backoffLimit=_COUNT,
    rayClusterSpec=_CLUSTER,
    submitterPodTemplate=_POD,
    metadata=_STRINGS,
    clusterSelector=_STRINGS,
    submitterConfig=_closed(backoffLimit=_COUNT),
    managedBy=_STRING,
    entrypoint=_STRING,
    runtimeEnvYAML=_STRING,
    jobId=_STRING,
    submissionMode=_one_of("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"),
    entrypointNumCpus={"type": "number"},
    entrypointNumGpus={"type": "number"},
    entrypointResources=_STRING,
    ttlSecondsAfterFinished=_COUNT,
    shutdownAfterJobFinishes=_BOOL,
    suspend=_BOOL,
)


def _resource(kind: str, spec: Json) -> Json:
    return _closed(
        ("apiVersion", "kind", "metadata", "spec"),
        apiVersion={"const": "ray.io/v1"},
        kind={"const": kind},
        metadata={"type": "object"},
        spec=spec,
    )


SCHEMA: Json = {"oneOf": [_resource("RayCluster", _CLUSTER), _resource("RayJob", _JOB)]}


#: Types of a client's fields, as its versions spell them.
_LIST = re.compile(r"[Ll]ist\[(.+)\]")
_MAPPING = re.compile(r"[Dd]ict[(\[]\w+, ?(.+)[)\]]")


def strange(data: Any, kind: str, place: str = "") -> list[str]:
    """Fields of a pod template and the like that Kubernetes' own client does not have, or not of that type.

    `kind`: as its models are called, `V1PodTemplateSpec`. Raises ImportError without the package `kubernetes`.
    """
    from kubernetes import client

    model = getattr(client, kind, None)
    inner: list[tuple[str, Any, str]] = []
    if (its := _LIST.fullmatch(kind)) and isinstance(data, list):
        inner = [(f"{place}[{n}]", item, its[1]) for n, item in enumerate(data)]
    elif (its := _MAPPING.fullmatch(kind)) and isinstance(data, dict):
        inner = [(f"{place}.{name}", item, its[1]) for name, item in data.items()]
    elif model is not None and isinstance(data, dict):
        fields = {json_name: model.openapi_types[name] for name, json_name in model.attribute_map.items()}
        inner = [(f"{place}.{name}", item, fields.get(name, "nothing")) for name, item in data.items()]
    elif not _is_plain(data, kind):
        return [f"{place}: {data!r} is no {kind}"]
    return [text for where, item, of in inner for text in strange(item, of, where)]


def _is_plain(data: Any, kind: str) -> bool:
    """Whether a value is of one of the types that no model describes; of `nothing` there is no value."""
    if kind == "int":
        return isinstance(data, int) and not isinstance(data, bool)
    return (
        kind == "object"
        or (kind == "str" and isinstance(data, str))
        or (kind == "bool" and isinstance(data, bool))
    )
