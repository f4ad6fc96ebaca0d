"""Which steps a run of W&B's holds, by its file run-<id>.wandb: offline nobody else can say.

The file is a log as LevelDB has them (doc/log_format.md there) behind seven bytes of W&B's own: blocks of
32 KiB, records split where a block ends. Each record is a protocol buffer of `wandb.proto`.
"""

import json
import struct
from collections.abc import Iterator

from wandb.proto.wandb_internal_pb2 import Record

_MAGIC, _BEGINS = b":W&B", 7
_BLOCK, _HEADER = 32 * 1024, 7
_FULL, _FIRST, _LAST = 1, 2, 4


def steps(content: bytes) -> Iterator[int]:
    """The step of each history record; what a kill has cut off is not there. Raises ValueError."""
    for data in records(content):
        record = Record.FromString(data)
        if record.WhichOneof("record_type") == "history":
            yield from (
                int(json.loads(item.value_json))
                for item in record.history.item
                if "_step" in (item.key, *item.nested_key)
            )


def records(content: bytes) -> Iterator[bytes]:
    """The records of a file. Raises ValueError where it is no such file."""
    if content[:4] != _MAGIC and content:
        raise ValueError("it is no .wandb file as this version knows them")
    at, parts = _BEGINS, b""
    while at + _HEADER <= len(content):
        left = _BLOCK - at % _BLOCK
        if left < _HEADER:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        end = at + _HEADER + length
        if kind == 0 or end > len(content):
            return
        parts = (
            content[at + _HEADER : end] if kind in {_FULL, _FIRST} else parts + content[at + _HEADER : end]
        )
        if kind in {_FULL, _LAST}:
            yield parts
        at = end
