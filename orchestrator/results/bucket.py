"""What a bucket does in another way than a disk: everything below a prefix is listed at once."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from model.plain_file import NoPlainFileError, TooLargeError
from orchestrator.results import json_file
from orchestrator.results.json_file import JsonObject
from orchestrator.results.patience import ABSENT
from orchestrator.results.storage_errors import bucket_is_gone

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

#: More bytes than a JSON file of ours has: the history of 3,000 epochs.
_USUAL = 2**20
#: Stores that answer to an absent bucket as to an absent object; S3's answers name it (`storage_errors`).
_SILENT = {"gs", "gcs", "az", "abfs", "abfss"}
_T = TypeVar("_T")


def gone(fs: "AbstractFileSystem", root: str, absent: Exception) -> bool:
    """Whether not the file is absent but the bucket."""
    return bucket_is_gone(absent) or _missing(fs, root)


def _missing(fs: "AbstractFileSystem", root: str) -> bool:
    """Whether the bucket is not there, asked where its store does not say so: by a listing of it."""
    protocols = {fs.protocol} if isinstance(fs.protocol, str) else {*fs.protocol}
    if not protocols & _SILENT:
        return False
    try:
        fs.ls(root.partition("/")[0])
    except FileNotFoundError:
        return True
    return False


def there(fs: "AbstractFileSystem", root: str, found: _T) -> _T:
    """What was found. Raises FileNotFoundError where that is nothing, because the bucket is not there."""
    if not found and _missing(fs, root):
        raise FileNotFoundError("the bucket does not exist")
    return found


def create(fs: "AbstractFileSystem", path: str, data: bytes) -> None:
    """Write a file that is not there yet. Raises FileExistsError.

    In S3, at Google and Azure the write itself is refused, so that of two at one moment one succeeds. Where
    storage has no such write, the look before it has to do.
    """
    if fs.exists(path):
        raise FileExistsError(path)
    try:
        fs.pipe_file(path, data, mode="create")
    except (NotImplementedError, TypeError):
        fs.pipe_file(path, data)


def conditional(fs: "AbstractFileSystem") -> bool:
    """Whether a write there may depend on which version of a file is there: S3, as s3fs does it."""
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
    return "s3" in protocols


def read_version(fs: "AbstractFileSystem", path: str) -> tuple[bytes, str] | None:
    """A small file's bytes and its version; None where there is none."""
    while True:
        try:
            before = fs.info(path, refresh=True)["ETag"]
            data = bytes(fs.cat_file(path))
            if fs.info(path, refresh=True)["ETag"] == before:
                return data, before
        except FileNotFoundError as error:
            if bucket_is_gone(error):
                raise
            return None


def write_version(fs: "AbstractFileSystem", path: str, data: bytes, version: str | None) -> str:
    """Write a file only where `version` is still the one there, or none is (None); gives the new version.

    Raises OSError otherwise, and where it is not known whether it was written.
    """
    only = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
    return str(fs.pipe_file(path, data, **only)["ETag"])


def remove_version(fs: "AbstractFileSystem", path: str, version: str) -> None:
    """Remove a file where `version` is still the one there. Raises OSError."""
    name, key, _ = fs.split_path(path)
    fs.call_s3("delete_object", Bucket=name, Key=key, IfMatch=version)


def read(fs: "AbstractFileSystem", path: str, most: int) -> bytes:
    """The bytes of a file. Raises FileNotFoundError where there is none, or one of more than `most`."""
    if most <= json_file.MAX_JSON_BYTES and (whole := _small(fs, path)) is not None:
        if len(whole) > most:
            raise TooLargeError(path)
        return whole
    return _sized(fs, path, most)


def _small(fs: "AbstractFileSystem", path: str) -> bytes | None:
    """By one request the bytes of a file as small as ours; None where it may be larger, or did not come."""
    try:
        data = bytes(fs.cat_file(path, start=0, end=_USUAL))
    except FileNotFoundError:
        raise
    except Exception:  # of an empty object there is no beginning; what else it is the next request says
        return None
    return data if len(data) < _USUAL else None


def _sized(fs: "AbstractFileSystem", path: str, most: int) -> bytes:
    if (fs.size(path) or 0) > most:
        raise TooLargeError(path)
    return bytes(fs.cat_file(path))


def find(fs: "AbstractFileSystem", root: str, base: str) -> dict[str, Any]:
    """Everything below `base`, with its details, by path. Raises FileNotFoundError without a bucket."""
    fs.invalidate_cache()  # others write here too
    found: dict[str, Any] = there(fs, root, fs.find(base, detail=True))
    return found


def in_folders(found: Mapping[str, Any], base: str) -> Iterator[tuple[str, str, Any]]:
    """Of what was found below `base`, the files that lie in a folder of it: folder, name and details."""
    for path, details in found.items():
        folder, _, name = path.removeprefix(base).lstrip("/").partition("/")
        if name and "/" not in name:
            yield folder, name, details


def read_jsons(
    fs: "AbstractFileSystem",
    root: str,
    names: dict[str, str],
    values: dict[str, JsonObject | ValueError],
) -> None:
    """Many JSON files at once into `values`, by name (`names`: by path). Absent ones are left out; in the
    place of one that is damaged or too large is what is wrong with it. Raises FileNotFoundError where the
    bucket is not there.

    Of each so many bytes are asked for as ours have; only of one that has more, or did not come, the size is
    looked at, before the rest is. What has come is taken out of `names`, so that who calls again, where
    storage failed, asks for the others alone: a bucket that is asked for a hundred thousand refuses some.
    """
    paths = list(names)
    begun = fs.cat_ranges(paths, [0] * len(paths), [_USUAL] * len(paths), on_error="return") if paths else []
    answers = dict(zip(paths, begun, strict=True))
    if answers and all(isinstance(answer, ABSENT) for answer in answers.values()):
        there(fs, root, None)
    # Those that failed come last: the first of them that fails again leaves the rest for another time.
    for path, data in sorted(answers.items(), key=lambda answer: _failed(answer[1])):
        if not isinstance(data, ABSENT):
            try:
                whole = isinstance(data, bytes) and len(data) < _USUAL
                content = data if whole else _sized(fs, path, json_file.MAX_JSON_BYTES)
                values[names[path]] = json_file.parse(content)
            except NoPlainFileError as error:
                values[names[path]] = ValueError(error.strerror)
            except ABSENT:
                pass
            except ValueError as error:
                values[names[path]] = error
        del names[path]


def _failed(answer: object) -> bool:
    return isinstance(answer, Exception) and not isinstance(answer, ABSENT)
