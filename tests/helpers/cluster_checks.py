"""What Ray's own validation of a cluster file misses. Pure: a file's content in, complaints out.

Ray checks types and the names of keys. It lets through an instance type that does not exist, a key that it
will ignore, a port open to the world, and a default that installs a nightly build. Each check here is one
such thing, takes the file as read by YAML, and gives complaints, none where all is well.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

Config = Mapping[str, Any]

_IMAGE = re.compile(r"rayproject/ray:(\d+\.\d+\.\d+)-py(\d)(\d+)-(cpu|gpu|cu\d+)")
_BUCKET = re.compile(r"NORMSWEEP_RESULTS=s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.-]+)+")
_SECRETS = {
    "an AWS key id": re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a private key": re.compile(r"-----BEGIN"),
    "a token": re.compile(r"\b[0-9a-f]{64}\b"),
    "a secret": re.compile(r"(SECRET|PASSWORD|AUTH_TOKEN|ACCESS_KEY\w*)\s*[=:]", re.IGNORECASE),
    "a URL with a password": re.compile(r"://[^/\s]*:[^/\s]*@"),
}
_SPOT_KEYS = {"MarketType", "SpotOptions"}
_LISTS = [
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
]
_WORLD = {"0.0.0.0/0", "::/0"}


@dataclass(frozen=True)
class Known:
    """What the file is held against. `machines`: instance type -> (CPUs, GPUs)."""

    machines: Mapping[str, tuple[int, int]]
    dependencies: tuple[str, ...]
    pins: tuple[str, ...]
    python: str


def workers(config: Config) -> dict[str, Any]:
    """The node types beside the head's."""
    return {
        name: kind
        for name, kind in config["available_node_types"].items()
        if name != config["head_node_type"]
    }


def head(config: Config) -> Any:
    return config["available_node_types"][config["head_node_type"]]


def texts(value: Any) -> Iterator[str]:
    """Every string in a file, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def started(config: Config, where: str) -> list[str]:
    """The `ray start` commands of `head` or `worker`."""
    return [line for line in config.get(f"{where}_start_ray_commands", []) if "ray start" in line]


# What holds for every provider ------------------------------------------------------------------------


def lists_are_given(config: Config, known: Known) -> list[str]:
    return [f"{name} is missing: Ray's default takes its place" for name in _LISTS if name not in config]


def nothing_moves(config: Config, known: Known) -> list[str]:
    """Nightly wheels and images, and versions other than the pinned ones."""
    pins = {pin.name: str(pin.specifier).removeprefix("==") for pin in map(Requirement, known.pins)}
    found = []
    for text in texts(config):
        if re.search(r"nightly|\.whl\b|:latest\b|dev0", text):
            found.append(f"not a release: {text}")
        for name, version in re.findall(r"([A-Za-z][\w-]*)(?:\[[^\]]*\])?==([\w.]+)", text):
            if name in pins and version != pins[name]:
                found.append(f"{name} {version}, where pyproject.toml pins {pins[name]}")
    return found


def installs(config: Config, known: Known) -> list[str]:
    """The project, on every node; and on workers, which may come weeks later, no newer packages than the head's."""
    wanted = re.compile(r"pip install .*\S*normsweep\S*\[cluster\]")
    found = []
    for where in ("head", "worker"):
        lines = [*config.get("setup_commands", []), *config.get(f"{where}_setup_commands", [])]
        made = [line for line in lines if wanted.search(line)]
        if not made:
            found.append(f"{where}: its setup does not install the project with its cluster extra")
        elif where == "worker" and not all("--constraint" in line for line in made):
            found.append("worker: nothing holds it to the versions of the head")
    return found


def kernels_compile(config: Config, known: Known) -> list[str]:
    """Triton calls a C compiler where a kernel first runs, and Ray's images for CPUs have none."""
    lines = [*config.get("setup_commands", []), *config.get("worker_setup_commands", [])]
    if any(re.search(r"apt-get .*install .*\bgcc\b", line) for line in lines):
        return []
    return ["worker: no C compiler, so that torch's kernels would be taken for ours"]


def head_takes_nothing(config: Config, known: Known) -> list[str]:
    found = []
    for line in started(config, "head"):
        found += [f"head: ray start lacks {o}" for o in ("--num-cpus=0", "--num-gpus=0") if o not in line]
        if "--autoscaling-config" not in line:
            found.append("head: without --autoscaling-config no worker ever comes")
    return found or ([] if started(config, "head") else ["head: no ray start"])


def dashboard_is_private(config: Config, known: Known) -> list[str]:
    lines = started(config, "head")
    return [
        "the dashboard listens on the network" for line in lines if "--dashboard-host=127.0.0.1" not in line
    ]


def tokens_are_asked_for(config: Config, known: Known) -> list[str]:
    """In the environment of both start commands, from a file that is mounted with mode 600."""
    found = []
    in_all = any("RAY_AUTH_MODE=token" in option for option in _docker(config, "run_options"))
    in_setup = [line for line in config.get("setup_commands", []) if "RAY_AUTH_MODE=token" in line]
    sourced = [line for where in ("head", "worker") for line in started(config, where)]
    by_file = in_setup and all(re.match(r"\. \S+-env(-\$HOSTNAME)?\.sh;", line) for line in sourced)
    if not (in_all or by_file):
        found.append("RAY_AUTH_MODE=token is not in the environment of every ray start")
    if not any(path.endswith("/.ray/auth_token") for path in config.get("file_mounts", {})):
        found.append("the token file is not mounted")
    elif not any(
        re.search(r"chmod 600 \S*/\.ray/auth_token", line) for line in config.get("setup_commands", [])
    ):
        found.append("the token file may be readable by others: no chmod 600")
    return found


def a_driver_may_save(config: Config, known: Known) -> list[str]:
    """Before `ray job stop` kills it, three seconds after it was asked to end unless told otherwise."""
    match = re.search(r"RAY_JOB_STOP_WAIT_TIME_S=(\d+)", " ".join(texts(config)))
    return [] if match and int(match[1]) >= 60 else ["ray job stop kills a driver before it has saved"]


def results_are_named_once(config: Config, known: Known) -> list[str]:
    named = [text for text in texts(config) if "NORMSWEEP_RESULTS" in text]
    if len(named) != 1:
        return [f"NORMSWEEP_RESULTS is named {len(named)} times, expected once"]
    if "s3://" in named[0] and not _BUCKET.search(named[0]):
        return [f"no bucket with a prefix: {named[0]}"]
    return []


def no_secrets(config: Config, known: Known) -> list[str]:
    found = [
        f"{what} in the file"
        for text in texts(config)
        for what, pattern in _SECRETS.items()
        if pattern.search(text)
    ]
    if config.get("provider", {}).get("aws_credentials"):
        found.append("credentials in the file")
    return found


def project_travels(config: Config, known: Known) -> list[str]:
    """With its commits and without results; and no pattern that keeps a key or the token at home."""
    found = []
    excluded = config.get("rsync_exclude", [])
    if not any(path.rstrip("/").endswith("/normsweep") for path in config.get("file_mounts", {})):
        found.append("the project is not mounted")
    if ".gitignore" not in config.get("rsync_filter", []):
        found.append("rsync_filter lacks .gitignore: results and environments would travel")
    if any(pattern.strip("/") == ".git" for pattern in excluded):
        found.append(".git stays at home: results could not name their commit")
    if ".git/config" not in excluded:
        found.append(".git/config travels, with whatever its URLs hold")
    keys = ["auth_token", "ray_bootstrap_key.pem", "ray_bootstrap_config.yaml", "id_ed25519", "key.pem"]
    for pattern in excluded:
        found += [f"{pattern} keeps {key} at home too" for key in keys if fnmatch.fnmatch(key, pattern)]
    return found


# What holds on AWS ------------------------------------------------------------------------------------


def counts_agree(config: Config, known: Known) -> list[str]:
    found = []
    if "min_workers" in config:
        found.append("a top-level min_workers is ignored")
    for name, kind in config["available_node_types"].items():
        if not {"min_workers", "max_workers"} <= set(kind):
            found.append(f"{name}: min_workers and max_workers are not both given")
        elif kind["min_workers"] > kind["max_workers"]:
            found.append(f"{name}: min_workers above max_workers")
    if head(config).get("max_workers") != 0:
        found.append("more heads than one may start")
    found += [
        f"{name}: machines are paid for with nothing to do"
        for name, kind in workers(config).items()
        if kind.get("min_workers")
    ]
    if sum(kind.get("max_workers", 0) for kind in workers(config).values()) != config.get("max_workers"):
        found.append("max_workers is not the sum of the workers' own")
    return found


def machines_exist(config: Config, known: Known) -> list[str]:
    """Instance types, and the resources claimed for them."""
    found = []
    for name, kind in config["available_node_types"].items():
        machine = kind["node_config"].get("InstanceType")
        if machine not in known.machines:
            found.append(f"{name}: AWS has no {machine}")
            continue
        claimed = (kind["resources"].get("CPU"), kind["resources"].get("GPU"))
        expected = (0, 0) if kind is head(config) else known.machines[machine]
        if claimed != expected:
            found.append(f"{name}: claims {claimed} CPUs and GPUs, expected {expected}")
        for other in kind["node_config"].get("OtherInstanceTypes", []):
            cpus, gpus = known.machines.get(other, (0, 0))
            if (
                gpus != claimed[1]
                or cpus < claimed[0]
                or other.partition(".")[0] != machine.partition(".")[0]
            ):
                found.append(f"{name}: {other} has not what {machine} has")
    if known.machines.get(head(config)["node_config"].get("InstanceType"), (0, 0))[1]:
        found.append("the head has GPUs that nothing will use")
    for name, kind in workers(config).items():
        if known.machines.get(kind["node_config"].get("InstanceType"), (0, 2))[1] < 2:
            found.append(f"{name}: not a machine with several GPUs")
    return found


def image_is_pinned(config: Config, known: Known) -> list[str]:
    images = [image for key in ("image", "head_image", "worker_image") if (image := _docker(config, key))]
    found = [] if images else ["no image"]
    pins = {pin.name: pin for pin in map(Requirement, known.pins)}
    for image in images:
        match = _IMAGE.fullmatch(image)
        if match is None:
            found.append(f"{image}: expected rayproject/ray:X.Y.Z-pyNNN-…")
            continue
        version, python = match[1], f"{match[2]}.{match[3]}"
        if version not in pins["ray"].specifier:
            found.append(f"{image}: pyproject.toml pins Ray {pins['ray'].specifier}")
        if f"{python}.0" not in SpecifierSet(known.python):
            found.append(f"{image}: Python {python}, expected {known.python}")
    if len({match[0] for image in images if (match := re.search(r"[\d.]+-py\d+", image))}) > 1:
        found.append("head and workers run different versions")
    return found


def workers_are_spot(config: Config, known: Known) -> list[str]:
    found = []
    for name, kind in workers(config).items():
        options = kind["node_config"].get("InstanceMarketOptions", {})
        if options.get("MarketType") != "spot" or set(options) - _SPOT_KEYS:
            found.append(f"{name}: InstanceMarketOptions is not {{MarketType: spot}}")
    if "InstanceMarketOptions" in head(config)["node_config"]:
        found.append("the head could be taken away")
    return found


def defaults_are_overridden(config: Config, known: Known) -> list[str]:
    found = []
    if config["provider"].get("cache_stopped_nodes") is not False:
        found.append("cache_stopped_nodes: machines would be stopped, not ended, and their disks paid for")
    if not 0 < config.get("idle_timeout_minutes", 0) <= 15:
        found.append("idle_timeout_minutes: idle workers are not let go within a quarter of an hour")
    if config.get("upscaling_speed", 1) < config.get("max_workers", 0):
        found.append("upscaling_speed: the workers would not come all at once")
    found += [
        f"{name}: Ray's default image is an Ubuntu 18.04"
        for name, kind in config["available_node_types"].items()
        if not kind["node_config"].get("ImageId", "").startswith("ami-")
    ]
    return found


def ports_are_closed(config: Config, known: Known) -> list[str]:
    found = [
        f"{name}: without SecurityGroupIds Ray opens port 22 to the world"
        for name, kind in config["available_node_types"].items()
        if not all(str(i).startswith("sg-") for i in kind["node_config"].get("SecurityGroupIds") or [None])
    ]
    rules = config["provider"].get("security_group", {}).get("IpPermissions", [])
    if _WORLD & set(texts(rules)):
        found.append("a rule opens a port to the world")
    if any(re.search(r"(^|\s)(-p|--publish)\b", option) for option in _docker(config, "run_options")):
        found.append("docker publishes a port")
    return found


def roles_are_apart(config: Config, known: Known) -> list[str]:
    found = []
    heads = head(config)["node_config"].get("IamInstanceProfile")
    for name, kind in config["available_node_types"].items():
        profile = kind["node_config"].get("IamInstanceProfile")
        if not profile:
            found.append(f"{name}: no IamInstanceProfile, so no way into the bucket")
        elif kind is not head(config) and profile == heads:
            found.append(f"{name}: may launch machines, as the head may")
        if kind["node_config"].get("MetadataOptions", {}).get("HttpTokens") != "required":
            found.append(f"{name}: credentials can be had by a plain GET (HttpTokens)")
    return found


def workers_outlive_no_head(config: Config, known: Known) -> list[str]:
    """Nobody ends spot machines whose head is gone, but they themselves."""
    found = []
    for name, kind in workers(config).items():
        if kind["node_config"].get("InstanceInitiatedShutdownBehavior") != "terminate":
            found.append(f"{name}: a machine that shuts down is kept, and its disk paid for")
        if not re.search(r"raylet.*shutdown -h now", kind["node_config"].get("UserData", ""), re.DOTALL):
            found.append(f"{name}: nothing ends a machine whose head is gone")
    return found


def key_is_its_own(config: Config, known: Known) -> list[str]:
    """Ray's own is every cluster's of an account, and goes to each head."""
    missing = [
        f"{name}: no KeyName"
        for name, kind in config["available_node_types"].items()
        if not kind["node_config"].get("KeyName")
    ]
    return missing if config["auth"].get("ssh_private_key") else ["no key of its own", *missing]


def _docker(config: Config, key: str) -> Any:
    return config.get("docker", {}).get(key, [] if key.endswith("options") else None)


Check = Callable[[Config, Known], list[str]]

EVERYWHERE: tuple[Check, ...] = (
    lists_are_given,
    nothing_moves,
    head_takes_nothing,
    dashboard_is_private,
    tokens_are_asked_for,
    a_driver_may_save,
    results_are_named_once,
    no_secrets,
    project_travels,
)
ON_AWS: tuple[Check, ...] = (
    installs,
    kernels_compile,
    counts_agree,
    machines_exist,
    image_is_pinned,
    workers_are_spot,
    defaults_are_overridden,
    ports_are_closed,
    roles_are_apart,
    workers_outlive_no_head,
    key_is_its_own,
)


def pins_agree(known: Known) -> list[str]:
    """The cluster extra pins exactly what the dependencies allow."""
    pins = {pin.name: pin for pin in map(Requirement, known.pins)}
    found = []
    for wanted in map(Requirement, known.dependencies):
        if wanted.name not in ("torch", "torchvision", "ray"):
            continue
        pin = str(pins[wanted.name].specifier) if wanted.name in pins else ""
        if not re.fullmatch(r"==[\d.]+", pin):
            found.append(f"{wanted.name} is not pinned")
        elif pin.removeprefix("==") not in wanted.specifier:
            found.append(f"{wanted.name}{pin} is not {wanted.specifier}")
    return found


def complaints(config: Config, known: Known, checks: tuple[Check, ...]) -> list[str]:
    """All of them, each behind the name of its check."""
    return [f"{check.__name__}: {text}" for check in checks for text in check(config, known)]
