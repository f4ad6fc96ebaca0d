"""`python -m orchestrator.onprem --hosts h1,h2 …`: a Ray cluster file for machines that are already there.

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

The output depends on the arguments alone.
"""

import argparse
import ipaddress
import json
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.command import leave
from model.errors import InputError
from orchestrator.cli import Parser

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACE = re.compile(r"~?(/[A-Za-z0-9_.+@-]+)+/?")
_SECRET = re.compile(r"SECRET|KEY|TOKEN|PASS|CREDENTIAL", re.IGNORECASE)
_NAMES_A_PLACE = re.compile(r"_(FILE|PATH|DIR)$", re.IGNORECASE)
_WITH_PASSWORD = re.compile(r"://[^/\s]*:[^/\s]*@")
#: Among sshpass's own options: behind them, `-p` is a port of ssh's.
_SSHPASS = re.compile(r"\bsshpass(\s+-([fdP]\s*\S+|[evhV]\S*))*\s+-[evhV]*p")
_OURS = ("NORMSWEEP_RESULTS", "RAY_AUTH_MODE", "RAY_USAGE_STATS_ENABLED", "RAY_enable_autoscaler_v2", "PATH")
_ENVIRONMENT = "~/normsweep-env.sh"
_CREDENTIALS = "normsweep-aws-credentials"
_VENV = "~/normsweep-venv"
_STOP_SECONDS = 120  # for `ray job stop`: Ray gives a driver three to save and report, then kills it
_OBJECT_STORE_BYTES = 200_000_000  # packs pass little; by default Ray takes 30% of memory


@dataclass(frozen=True)
class Premises:
    """Machines of one's own, and how Ray gets onto them. Checked by `checked`."""

    head: str
    workers: tuple[str, ...]
    user: str
    key: str
    results: str
    name: str = "normsweep"
    project: str = "."
    python: str = "python3"
    venv: str | None = None
    setup: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    aws_credentials: str | None = None
    ssh_proxy_command: str | None = None
    head_trains: bool = False


def hosts(text: str, head: str | None) -> tuple[str, tuple[str, ...]]:
    """The head and the workers, of names or IPv4 addresses with commas between. Raises InputError."""
    names = [part.strip() for part in text.split(",")]
    if not any(names):
        raise InputError("--hosts is empty; give names or addresses with commas between, the head first")
    for option, given in (("--hosts", names), ("--head", [] if head is None else [head])):
        for name in given:
            if not _is_host(name):
                raise InputError(
                    f"{option}: {name!r} is no host name or IPv4 address (a port goes in ~/.ssh/config)"
                )
    lower = [name.lower() for name in names]  # what a name means does not depend on its case
    twice = sorted({name for name in lower if lower.count(name) > 1})
    if twice:
        raise InputError(f"--hosts names {', '.join(twice)} twice; each machine runs Ray once")
    head = head or names[0]
    return head, tuple(name for name in names if name.lower() != head.lower())


def _is_host(name: str) -> bool:
    if re.fullmatch(r"[0-9.]+", name):
        try:
            ipaddress.IPv4Address(name)
        except ValueError:
            return False
    return _HOST.fullmatch(name) is not None


def variable(text: str) -> tuple[str, str]:
    """NAME=VALUE for every node. Raises InputError, for what looks like a secret too."""
    name, equals, value = text.partition("=")
    if not equals or not _VARIABLE.fullmatch(name):
        raise InputError(f"--env {name}: expected NAME=VALUE")
    if name in _OURS:
        raise InputError(f"--env {name}: this file sets it itself")
    if (_SECRET.search(name) and not _NAMES_A_PLACE.search(name)) or _WITH_PASSWORD.search(value):
        raise InputError(
            f"--env {name} looks like a secret, and the cluster file is no place for one. "
            "Use --aws-credentials FILE, or the hosts' own environment."
        )
    if not value.isprintable():
        raise InputError(f"--env {name}: its value holds a line break or control character")
    return name, value


def checked(premises: Premises) -> Premises:
    """The same premises. Raises InputError for the first thing that could not work."""
    if not _WORD.fullmatch(premises.user):
        raise InputError(f"--user {premises.user!r}: expected the name of an account on the hosts")
    if not _WORD.fullmatch(premises.name):
        raise InputError(f"--name {premises.name!r}: expected letters, digits, dots and dashes")
    if not re.match(r"[a-z0-9]+://[^/]|/", premises.results) or not premises.results.isprintable():
        raise InputError(
            f"--results {premises.results!r}: expected a URL such as s3://bucket/prefix, or the absolute "
            "path of a folder that every host shares"
        )
    proxy = () if premises.ssh_proxy_command is None else (premises.ssh_proxy_command,)
    written = {
        "--results": (premises.results,),
        "--setup": premises.setup or (),
        "--ssh-proxy-command": proxy,
    }
    for option, texts in written.items():
        if any(_WITH_PASSWORD.search(text) or _SSHPASS.search(text) for text in texts):
            raise InputError(
                f"{option} holds a password, and the cluster file is no place for one. "
                "Use a key, or the machine's own ~/.netrc, pip.conf or ~/.ssh/config."
            )
    if premises.venv is not None and premises.setup is not None:
        raise InputError("--venv and --setup: give one; with --venv nothing is installed")
    if premises.venv is not None and not _PLACE.fullmatch(premises.venv):
        raise InputError(f"--venv {premises.venv!r}: expected an absolute path on the hosts, without spaces")
    if not (Path(premises.project).expanduser() / "pyproject.toml").is_file():
        raise InputError(f"--project {premises.project}: no pyproject.toml there; name a clone of normsweep")
    for option, file in (("--key", premises.key), ("--aws-credentials", premises.aws_credentials)):
        if file is not None and not Path(file).expanduser().is_file():
            raise InputError(f"{option} {file}: there is no such file")
    return premises


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
    source = f". {_ENVIRONMENT}"
    always = [
        f"chmod 700 ~/.ray && chmod 600 {' '.join(files)}",
        f"printf '%s\\n' {' '.join(map(shlex.quote, environment(premises)))} > {_ENVIRONMENT}",
        # `ray down`, `ray exec` and `ray attach` run a bare `ray` in a shell that reads ~/.bashrc alone.
        f"grep -qxF '{source}' ~/.bashrc || printf '\\n%s\\n' '{source}' >> ~/.bashrc",
    ]
    if premises.setup is not None:
        return [*always, *premises.setup]
    if premises.venv is not None:
        return always
    return [
        *always,
        f"test -x {_VENV}/bin/python || {premises.python} -m venv {_VENV}",
        f"{_VENV}/bin/pip install --quiet --editable ~/normsweep'[cluster]'",
    ]


def start_commands(premises: Premises) -> tuple[list[str], list[str]]:
    """How Ray starts on the head and on a worker."""
    begin = f". {_ENVIRONMENT}; ulimit -n 65536 2>/dev/null;"
    idle = "" if premises.head_trains or not premises.workers else " --num-cpus=0 --num-gpus=0"
    common = f"--object-store-memory={_OBJECT_STORE_BYTES} --disable-usage-stats"
    head = (
        f"{begin} unset RAY_CLOUD_INSTANCE_ID RAY_NODE_TYPE_NAME; export RAY_enable_autoscaler_v2=0; "
        "ray start --head --port=6379 --dashboard-host=127.0.0.1 --dashboard-port=8265 "
        f"--autoscaling-config=~/ray_bootstrap_config.yaml{idle} {common}"
    )
    worker = f"{begin} ray start --address=$RAY_HEAD_IP:6379 {common}"
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
  - {results}
  # The head of a running cluster takes up hosts that were added here only when it is asked for them.
  - . {environment}; ray get-worker-ips ~/ray_bootstrap_config.yaml > /dev/null || true
worker_setup_commands: []

# Ray's own ports listen on the network and want the token; the dashboard listens on the head alone.
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
        results=_yaml(f"echo {shlex.quote(results)} >> {_ENVIRONMENT}"),
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


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m orchestrator.onprem",
        description="Print a Ray cluster file (provider local) for machines reached by ssh.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--hosts", required=True, metavar="H1,H2", help="names or IPv4 addresses; the first is the head")
    add("--head", metavar="HOST", help="another head than the first, of --hosts or beside them")
    add("--user", required=True, metavar="NAME", help="an account that ssh reaches on every host")
    add("--key", required=True, metavar="FILE", help="its private key; copied to the head")
    add(
        "--results", required=True, metavar="URL", help="s3://bucket/prefix, or a folder that all hosts share"
    )
    add("--name", default="normsweep", help="of the cluster (default: normsweep)")
    add("--project", metavar="DIR", help="the clone to sync (default: the one this command runs from)")
    add("--python", default="python3", metavar="CMD", help="makes the hosts' venv (default: python3)")
    add("--venv", metavar="DIR", help="an environment that every host has already; install nothing")
    add("--setup", action="append", metavar="CMD", help="instead of installing, in order; may be repeated")
    add("--env", action="append", default=[], metavar="NAME=VALUE", help="for every node; may be repeated")
    add("--aws-credentials", metavar="FILE", help="a credentials file, copied to every node with mode 600")
    add("--ssh-proxy-command", metavar="CMD", help="how this machine reaches the head, if not directly")
    add(
        "--head-trains",
        action="store_true",
        help="the head takes packs too (it does when alone); with workers the sweep needs --use-head as well",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. Whatever the user can put right is one line on stderr and exit code 2."""
    arguments = vars(_parser().parse_args(argv))
    try:
        head, workers = hosts(arguments.pop("hosts"), arguments.pop("head"))
        setup = arguments.pop("setup")
        premises = Premises(
            head=head,
            workers=workers,
            setup=tuple(setup) if setup is not None else None,
            env=tuple(map(variable, arguments.pop("env"))),
            project=arguments.pop("project") or str(Path(__file__).parent.parent),
            **arguments,
        )
        print(cluster_file(checked(premises)), end="")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not Path("~/.ray/auth_token").expanduser().is_file():
        print("note: no token yet: ray get-auth-token --generate", file=sys.stderr)
    return 0


if __name__ == "__main__":
    leave(main)
