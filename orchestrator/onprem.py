"""`python -m orchestrator.onprem --hosts h1,h2 …`: a Ray cluster file for machines that are already there.

The output depends on the arguments alone, and where no Python is said on the version of this one.
"""

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from model.command import command, leave
from model.errors import InputError
from orchestrator.cli import Parser, called
from orchestrator.cluster.cluster_file import cluster_file
from orchestrator.cluster.inspection import troubles
from orchestrator.cluster.premises import Premises, checked, hosts, variable


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=called("orchestrator.onprem"),
        description="Print a Ray cluster file (provider local) for machines reached by ssh.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--hosts", required=True, metavar="H1,H2", help="names or IPv4 addresses; the first is the head")
    add("--head", metavar="HOST", help="the head, if not the first of --hosts; may be none of them")
    add("--user", required=True, metavar="NAME", help="the account to log in to on every host by ssh")
    add("--key", required=True, metavar="FILE", help="its private key; copied to the head")
    add(
        "--results", required=True, metavar="URL", help="s3://bucket/prefix, or a folder that all hosts share"
    )
    add("--name", default="normsweep", help="name of the cluster (default: normsweep)")
    add("--project", metavar="DIR", help="the clone to sync (default: the one this command runs from)")
    add(
        "--python",
        default=platform.python_version(),
        metavar="VERSION",
        help="of the hosts' environments, to the last digit; fetched where they have another (default: this "
        "machine's)",
    )
    add("--venv", metavar="DIR", help="an environment that every host already has; installs nothing")
    add("--setup", action="append", metavar="CMD", help="instead of installing, in order; may be repeated")
    add("--env", action="append", default=[], metavar="NAME=VALUE", help="for every node; may be repeated")
    add("--aws-credentials", metavar="FILE", help="a credentials file, copied to every node with mode 600")
    add("--ssh-proxy-command", metavar="CMD", help="how this machine reaches the head, if not directly")
    add(
        "--check",
        action="store_true",
        help="look at every host by ssh first: driver, room, programs, ports, and the way to the head",
    )
    add(
        "--head-trains",
        action="store_true",
        help="the head takes packs too (it does when alone); with workers the sweep needs --use-head as well",
    )
    return parser


@command
def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. Whatever the user can put right is one line on stderr and exit code 2."""
    arguments = vars(parser().parse_args(argv))
    head, workers = hosts(arguments.pop("hosts"), arguments.pop("head"))
    setup, check = arguments.pop("setup"), arguments.pop("check")
    premises = Premises(
        head=head,
        workers=workers,
        setup=tuple(setup) if setup is not None else None,
        env=tuple(map(variable, arguments.pop("env"))),
        project=arguments.pop("project") or str(Path(__file__).parent.parent),
        **arguments,
    )
    checked(premises)
    if check and (
        told := [f"{host}: {text}" for host, texts in troubles(premises).items() for text in texts]
    ):
        raise InputError("\n".join(told))
    print(cluster_file(premises), end="")
    if not Path("~/.ray/auth_token").expanduser().is_file():
        print("note: no token yet: ray get-auth-token --generate", file=sys.stderr)
    return 0


if __name__ == "__main__":
    leave(main)
