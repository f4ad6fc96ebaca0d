"""Storage that fails: how that is told, and what a person can do about it."""

import threading
from collections.abc import Callable

#: What is said when remote storage's error, or what caused it, has one of these words.
_REMEDIES = (
    (
        ("Unable to locate credentials", "NoCredentials", "PartialCredentials", "ProfileNotFound"),
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give this machine a role.",
    ),
    (
        ("NoSuchBucket", "bucket does not exist"),
        "Create the bucket, or correct its name in --results (or NORMSWEEP_RESULTS).",
    ),
    (("ExpiredToken", "oken has expired"), "The credentials have expired: renew them."),
    (
        (
            "AccessDenied",
            "Access Denied",
            "Forbidden",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidToken",
        ),
        "The credentials in use may not do that: they need to list, read, write and delete there.",
    ),
    (
        ("Could not connect", "ConnectTimeout", "ReadTimeout", "EndpointConnectionError", "no answer within"),
        "Check the network, and AWS_ENDPOINT_URL if the bucket is not at Amazon.",
    ),
    (
        ("Connection refused", "Name or service", "name resolution", "No route to host", "timed out"),
        "Check the network, and the host and port in the URL.",
    ),
)
#: For a folder on a disk, and where none of the words above is said.
_CHOOSE_ANOTHER = "Choose another with --results, or change its permissions."


class StorageError(Exception):
    """Storage failed, and kept failing for as long as was to be waited. The message says how."""


class LostError(StorageError):
    """Another run has the results folder: nothing more may be written there. The message says whose it is."""


def bucket_is_gone(error: BaseException) -> bool:
    """Whether not the file is absent but all that it lies in: s3fs says FileNotFoundError to both."""
    return "NoSuchBucket" in repr(error.__cause__) or "bucket does not exist" in str(error)


def within(seconds: float, action: Callable[[], None]) -> None:
    """Do it in a thread that is left behind when it takes longer: a firewall may swallow what is sent.

    Raises what the action raised, or TimeoutError.
    """
    outcome: list[Exception | None] = []

    def run() -> None:
        try:
            action()
            outcome.append(None)
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError(f"no answer within {seconds:g} s")
    if outcome[0] is not None:
        raise outcome[0]


def remedy(error: Exception, *, local: bool) -> str:
    """What a person can do about it. A folder's errors hold file names, which may have any word in them."""
    text, cause = str(error), error.__cause__
    while cause is not None:  # of a bucket the service's own word lies deepest
        text, cause = f"{text} {cause!r}", cause.__cause__
    remedies = () if local else _REMEDIES
    return next(
        (remedy for words, remedy in remedies if any(word in text for word in words)),
        _CHOOSE_ANOTHER,
    )
