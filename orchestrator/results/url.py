"""URLs of results as a person gives them: they name a place, and hold no secret."""

import os
import re

from model.errors import InputError

#: A URL with user:password@, also where the password has a slash; a port is no password.
_WITH_PASSWORD = re.compile(r"://[^/@]*:(?!\d*/)[^@]*@")
#: Schemes whose URL begins with a bucket or a host: `s3:///x` is what a script makes of an unset variable.
_WITH_BUCKET = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "ftp", "sftp", "ssh", "smb")
#: Extras of ours, by the scheme that needs them.
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}


def place_of(text: str) -> str:
    """A URL as it is, a path made absolute with ~ expanded. Raises InputError."""
    refuse_undecodable(text)
    if "://" in text:
        return checked_url(text).rstrip("/")
    return os.path.abspath(os.path.expanduser(text))


def refuse_undecodable(text: str) -> None:
    """Raises InputError for a name that is no UTF-8: no file of a sweep, nor a page, can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{text!r} is not UTF-8 text; choose another name") from None


def results_root() -> str:
    """Where results go that are given no place: a cluster file names its bucket once, in the environment."""
    root = os.environ.get("NORMSWEEP_RESULTS", "")
    return place_of(root).rstrip("/") if root else "results"


def checked_url(url: str) -> str:
    """The same URL. Raises InputError where nothing follows its scheme, or it holds a password."""
    scheme, _, rest = url.partition("://")
    refuse_password(url)
    if not rest.strip("/") or (scheme in _WITH_BUCKET and rest.startswith("/")):
        raise InputError(
            f"{url} names no place: expected {scheme}:// and a bucket, host or path. "
            "Is a variable in --results or NORMSWEEP_RESULTS empty?"
        )
    return url


def refuse_password(url: str) -> None:
    """The URL is kept in sweep.json, the lock and the report: no place for a secret, nor is the terminal."""
    if _WITH_PASSWORD.search(url):
        raise InputError(
            "the URL of the results holds a password, and would be kept where others read it. "
            "Credentials belong in the environment, ~/.aws or ~/.ssh."
        )


def holds_password(text: str) -> bool:
    """Whether one of the words of a text, as a shell reads them, is or holds a URL with a password."""
    return any(map(_WITH_PASSWORD.search, text.split()))


def refuse_chain(url: str) -> None:
    """fsspec reads `a::b` as a chain of file systems, of which all places with one end are the same."""
    if "::" in url:
        raise InputError(f"{url} has '::' in it, which fsspec takes for two places; choose a name without")


def package_for(scheme: str) -> str:
    """What to install for URLs of this scheme."""
    if scheme in _EXTRAS:
        return f"an extra: pip install 'normsweep[{_EXTRAS[scheme]}]'"
    return f"the package by which fsspec reads {scheme}://; install it beside normsweep"
