"""A Ray cluster file (provider `local`) for machines that are already there. Pure.

Why a generator, where AWS has a file? A list of hosts repeats itself in such a file (a head, its workers,
how many there are), and half of the rest would be edited wrongly in silence. What the file has to put right
in Ray 2.60, from its source and from runs:

- Autoscaler v2, the default, never brings a worker up with provider `local`. `ray up` exports the switch
  in front of the start command, so the command itself can turn it back: nothing to remember at `ray up`.
- `ray start` leaves token authentication off unless it is told. Every command here reads one environment
  file per node that says so; the token is a file of its own and never in this one.
- The head would take packs, and what trains next to the driver can take it down. It offers no CPU and no
  GPU, unless it is asked to or alone.
- Before it copies anything Ray reads every file below a folder that it is to mount, and it ignores its own
  exclusions there: a clone beside gigabytes of results takes seconds longer, no more.
"""

import json
import shlex
from collections.abc import Sequence
from functools import partial

from orchestrator.cluster.premises import Premises

_ENVIRONMENT = "~/normsweep-env-$HOSTNAME.sh"  # hosts may share a home
_CREDENTIALS = "normsweep-aws-credentials"
_VENV = "~/normsweep-venv"
_STOP_SECONDS = 120  # for `ray job stop`: Ray gives a driver three to save and report, then kills it
_OBJECT_STORE_BYTES = 200_000_000  # packs pass little; by default Ray takes 30% of memory
#: Above those that Linux gives to whoever asks for any.
_PORTS = {
    "node-manager": 61001,
    "object-manager": 61002,
    "runtime-env-agent": 61003,
    "dashboard-agent-grpc": 61004,
    "dashboard-agent-listen": 61005,
    "metrics-export": 61006,
}
HEAD_PORT, _DASHBOARD_PORT, _WORKERS_PORTS = 6379, 8265, (10002, 10999)
#: Those that have to be free on a host.
PORTS = (HEAD_PORT, _DASHBOARD_PORT, *_PORTS.values())
ROOM_GB = 8  # what an installation takes, CUDA's libraries included


def environment(premises: Premises) -> list[str]:
    """The lines of the environment file that every node reads, without the results."""
    venv = premises.venv or _VENV
    pairs = [("RAY_AUTH_MODE", "token"), ("RAY_USAGE_STATS_ENABLED", "0")]
    pairs += [("RAY_JOB_STOP_WAIT_TIME_S", str(_STOP_SECONDS)), *premises.env]
    lines = [f"export {name}={shlex.quote(value)}" for name, value in pairs]
    if premises.aws_credentials is not None:
        lines.append(f'export AWS_SHARED_CREDENTIALS_FILE="$HOME/{_CREDENTIALS}"')
    if premises.venv is not None:  # what was synced is what runs, whatever that environment holds
        lines.append('export PYTHONPATH="$HOME/normsweep${PYTHONPATH:+:$PYTHONPATH}"')
    return [*lines, f'export PATH="{_home(venv)}/bin:$PATH"']


def setup_commands(premises: Premises) -> list[str]:
    """What makes a machine a node, once, in order."""
    files = ["~/.ray/auth_token"]
    if premises.aws_credentials is not None:
        files.append(f"~/{_CREDENTIALS}")
    source = f"[ ! -f {_ENVIRONMENT} ] || . {_ENVIRONMENT}"
    always = [
        f"chmod 700 ~/.ray && chmod 600 {' '.join(files)}",
        f"printf '%s\\n' {' '.join(map(shlex.quote, environment(premises)))} > {_ENVIRONMENT}",
        # `ray down`, `ray exec` and `ray attach` run a bare `ray` in a shell that reads ~/.bashrc alone.
        f"grep -qxF '{source}' ~/.bashrc || printf '\\n%s\\n' '{source}' >> ~/.bashrc",
    ]
    return [*always, *(premises.setup or ())]


def install_commands(premises: Premises, role: str) -> list[str]:
    """What installs the project on the `head`, or on a `worker` what the head has; none where it is there."""
    if premises.setup is not None or premises.venv is not None:
        return []
    return [f"bash ~/normsweep/deploy/onprem/install.sh {shlex.quote(premises.python)} {role}"]


def start_commands(premises: Premises) -> tuple[list[str], list[str]]:
    """How Ray starts on the head and on a worker."""
    begin = f". {_ENVIRONMENT}; ulimit -n 65536 2>/dev/null;"
    idle = "" if premises.head_trains or not premises.workers else " --num-cpus=0 --num-gpus=0"
    first, last = _WORKERS_PORTS
    ports = [f"--{name}-port={port}" for name, port in _PORTS.items()]
    ports += [f"--min-worker-port={first}", f"--max-worker-port={last}"]
    common = f"{' '.join(ports)} --object-store-memory={_OBJECT_STORE_BYTES} --disable-usage-stats"
    head = (
        f"{begin} unset RAY_CLOUD_INSTANCE_ID RAY_NODE_TYPE_NAME; export RAY_enable_autoscaler_v2=0; "
        f"ray start --head --port={HEAD_PORT} --dashboard-host=127.0.0.1 "
        f"--dashboard-port={_DASHBOARD_PORT} --autoscaling-config=~/ray_bootstrap_config.yaml{idle} {common}"
    )
    worker = f"{begin} ray start --address=$RAY_HEAD_IP:{HEAD_PORT} {common}"
    stop = f". {_ENVIRONMENT}; ray stop"
    return [stop, head], [stop, worker]


def _home(path: str) -> str:
    return "$HOME" + path[1:] if path.startswith("~/") else path


_TEMPLATE = """\
# A Ray cluster on machines of one's own, made by `python -m orchestrator.onprem`; made again, the same.
#
#   ray get-auth-token --generate > /dev/null; chmod 600 ~/.ray/auth_token    # once; every node gets it
#   ray up -y {file}; ray down -y {file}
#
# Ray turns names into addresses where it runs, here and on the head: a name has to mean the same on both,
# and an entry of ~/.ssh/config (a port, say) has to match the address. `ray stop` ends every Ray process of
# {user} on a host. The private key is copied to the head, which starts the workers: use one made for this.
cluster_name: {name}
provider:
  type: local
  head_ip: {head}
  worker_ips: {workers}
auth:
{auth}

# All hosts, all the time. One that was away for long joins again by `ray up`, or on itself by
# `. {environment}; ray start --address=HEAD:6379`.
min_workers: {count}
max_workers: {count}

# The project, with .git so that results name their commit, but not its config, where URLs may hold passwords.
# What .gitignore names stays at home. Nothing here is ever deleted on a node.
file_mounts:
{mounts}
rsync_filter: [.gitignore]
rsync_exclude: [.git/config, .git/hooks, node_modules]

initialization_commands: []
setup_commands:
{setup}
# Where results go, in this one place: the driver on the head takes it as the default of --results.
head_setup_commands:
{head_setup}
  # The head of a running cluster takes up hosts that were added here only when it is asked for them.
  - . {environment}; ray get-worker-ips ~/ray_bootstrap_config.yaml > /dev/null || true
worker_setup_commands:{worker_setup}

# Ray's own ports listen on the network and want the token; the dashboard listens on the head alone. A
# firewall has to let through {head_port} to the head, and {ports} between all hosts.
head_start_ray_commands:
{head_start}
worker_start_ray_commands:
{worker_start}
"""


def cluster_file(premises: Premises) -> str:
    """The YAML. Every value is written as JSON, which YAML reads as it stands."""
    auth = {"ssh_user": premises.user, "ssh_private_key": premises.key}
    if premises.ssh_proxy_command is not None:
        auth["ssh_proxy_command"] = premises.ssh_proxy_command
    mounts = {"~/normsweep": premises.project, "~/.ray/auth_token": "~/.ray/auth_token"}
    if premises.aws_credentials is not None:
        mounts[f"~/{_CREDENTIALS}"] = premises.aws_credentials
    head_start, worker_start = start_commands(premises)
    results = f"export NORMSWEEP_RESULTS={shlex.quote(premises.results)}"
    installs = partial(install_commands, premises)
    return _TEMPLATE.format(
        file="cluster-onprem.yaml",
        user=premises.user,
        name=_yaml(premises.name),
        head=_yaml(premises.head),
        workers=_yaml(list(premises.workers)),
        count=len(premises.workers),
        auth=_mapping(auth),
        mounts=_mapping(mounts),
        setup=_items(setup_commands(premises)),
        head_setup=_items([*installs("head"), f"echo {shlex.quote(results)} >> {_ENVIRONMENT}"]),
        worker_setup="\n" + _items(own) if (own := installs("worker")) else " []",
        head_port=HEAD_PORT,
        ports=" and ".join(f"{min(some)} to {max(some)}" for some in (_PORTS.values(), _WORKERS_PORTS)),
        environment=_ENVIRONMENT,
        head_start=_items(head_start),
        worker_start=_items(worker_start),
    )


def _yaml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _items(values: Sequence[str]) -> str:
    return "\n".join(f"  - {_yaml(value)}" for value in values)


def _mapping(values: dict[str, str]) -> str:
    return "\n".join(f"  {_yaml(name)}: {_yaml(value)}" for name, value in values.items())
