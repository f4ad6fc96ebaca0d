"""Whether a Ray head answers at an address, found out in seconds: Ray's own client waits for minutes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from model.errors import InputError, last_line

#: What is said where no cluster answers.
NO_RAY = (
    "no Ray cluster answers at {where}: {reason}. "
    "Check --address (and RAY_ADDRESS), or leave it out to use this machine alone."
)
_HEAD_ADDRESS = "Give HOST:PORT of a Ray head (port 6379 unless changed), or unset RAY_ADDRESS to stay here."
_OTHER_ADDRESSES = {
    "ray": "a driver at the end of Ray Client dies with your connection; ray job submit runs it on the head",
    "http": "that is a dashboard's address, for ray job submit",
    "https": "that is a dashboard's address, for ray job submit",
}
_UNAUTHENTICATED = "Unauthenticated"  # gRPC's word
_KNOCK_SECONDS = 15
_MODE, _TOKEN, _TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
_TOKEN_FILE = "~/.ray/auth_token"


def check_answers(address: str) -> None:
    """Raises InputError where no Ray head answers at HOST:PORT. `auto` is left to Ray."""
    if address == "auto":
        return
    if (scheme := address.partition("://")[0]) in _OTHER_ADDRESSES and "://" in address:
        raise InputError(f"--address {address}: {_OTHER_ADDRESSES[scheme]}. {_HEAD_ADDRESS}")
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()):
        raise InputError(f"--address {address}: no address of a Ray head. {_HEAD_ADDRESS}")
    if os.environ.get(_MODE) == "token" and (missing := _missing_token()):
        raise InputError(missing)  # Ray itself would end with a C++ stack
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise InputError(NO_RAY.format(where=address, reason=error)) from None
    # In a process of its own, because a client that waits for a GCS can be stopped in no other way.
    knock = f"from ray._raylet import GcsClient; GcsClient(address={address!r}).cluster_id"
    try:
        done = subprocess.run(
            [sys.executable, "-c", knock], timeout=_KNOCK_SECONDS, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:  # an unauthenticated client is refused and tries again
        said = (error.stderr or b"").decode(errors="replace")
        silence = f"something listens there, but gave no answer that Ray knows within {_KNOCK_SECONDS} s"
        reason = _refusal(said) if _UNAUTHENTICATED in said else silence
        raise InputError(NO_RAY.format(where=address, reason=reason)) from None
    if done.returncode:
        raise InputError(NO_RAY.format(where=address, reason=_refusal(done.stderr)))


def _refusal(output: str) -> str:
    """The last thing that a failed client said; where it lacks the token, what to do about it."""
    if _UNAUTHENTICATED in output and os.environ.get(_MODE) == "token":
        return (
            f"it takes another token than that of {_token_place()}, which was made anew there or here since. "
            "Copy the one of the cluster's head"
        )
    if _UNAUTHENTICATED in output:
        return (
            "it asks for a token and got none that it takes. Set RAY_AUTH_MODE=token and put the cluster's "
            f"token into {_TOKEN_FILE}"
        )
    return last_line(output, "no reason given")


def _token_place() -> str:
    """Where Ray takes the token from: the first of these that is said."""
    return _TOKEN if os.environ.get(_TOKEN) else os.environ.get(_TOKEN_PATH) or _TOKEN_FILE


def _missing_token() -> str:
    """Why there is no token here, and what to do; empty where there is one."""
    if os.environ.get(_TOKEN):
        return ""
    place = _token_place()
    try:
        if Path(place).expanduser().read_text().strip():
            return ""
        why = "is empty"
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
    return (
        f"RAY_AUTH_MODE=token, and the token's file {place} {why}: copy the one of the cluster's head there, "
        "mode 600; for a cluster of your own that is not up yet, ray get-auth-token --generate makes one"
    )
