"""Machines of one's own for a cluster: what a person says of them, checked before a file is made of it."""

import ipaddress
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from model.errors import InputError
from orchestrator.results.url import holds_password

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACE = re.compile(r"~?(/[A-Za-z0-9_.+@-]+)+/?")
_SECRET = re.compile(r"SECRET|KEY|TOKEN|PASS|CREDENTIAL", re.IGNORECASE)
_NAMES_A_PLACE = re.compile(r"_(FILE|PATH|DIR)$", re.IGNORECASE)
_PYTHON = re.compile(r"[A-Za-z0-9_.+@~/-]+")
#: Among sshpass's own options: behind them, `-p` is a port of ssh's.
_SSHPASS = re.compile(r"\bsshpass(\s+-([fdP]\s*\S+|[evhV]\S*))*\s+-[evhV]*p")
#: What the cluster file sets itself.
_OURS = ("NORMSWEEP_RESULTS", "RAY_AUTH_MODE", "RAY_USAGE_STATS_ENABLED", "RAY_enable_autoscaler_v2", "PATH")


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
    python: str = platform.python_version()
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
    if (_SECRET.search(name) and not _NAMES_A_PLACE.search(name)) or holds_password(value):
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
        if any(holds_password(text) or _SSHPASS.search(text) for text in texts):
            raise InputError(
                f"{option} holds a password, and the cluster file is no place for one. "
                "Use a key, or the machine's own ~/.netrc, pip.conf or ~/.ssh/config."
            )
    if not _PYTHON.fullmatch(premises.python):
        raise InputError(f"--python {premises.python!r}: expected a version such as 3.12.4, or a program")
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
