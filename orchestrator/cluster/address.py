"""Whether a Ray head answers at an address, found out in seconds: Ray's own client waits for minutes."""

import socket
import subprocess
import sys

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


def check_answers(address: str) -> None:
    """Raises InputError where no Ray head answers at HOST:PORT. `auto` is left to Ray."""
    if address == "auto":
        return
    if (scheme := address.partition("://")[0]) in _OTHER_ADDRESSES and "://" in address:
        raise InputError(f"--address {address}: {_OTHER_ADDRESSES[scheme]}. {_HEAD_ADDRESS}")
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()):
        raise InputError(f"--address {address}: no address of a Ray head. {_HEAD_ADDRESS}")
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
    if _UNAUTHENTICATED in output:
        return (
            "it asks for a token and got none that it takes. Set RAY_AUTH_MODE=token and put the cluster's "
            "token into ~/.ray/auth_token"
        )
    return last_line(output, "no reason given")
