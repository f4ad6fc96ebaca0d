"""Forge file after file of a sweep until the time is up, with values that are drawn anew each time.

    python tests/soak/fuzz.py --minutes 60

Each example forges one file: a value in a JSON file or in the history that a checkpoint or weights hold, a
field of results.csv, or the bytes of any file. Every command that reads a sweep reads it then, and some of
the time a run goes on in it. What breaks is told with what was drawn, and the next seed goes on; the exit
code is 1 if anything did.
"""

import argparse
import contextlib
import json
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a script, whose folder alone is on the path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.helpers import forged_sweep
from tests.helpers.forged_sweep import bytes_anywhere, check, check_csv, json_anywhere, notes_anywhere

#: Examples a seed.
_ROUND = 50
_SETTINGS = settings(
    max_examples=_ROUND,
    phases=[Phase.generate],
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=[*HealthCheck],
)


def example(made: forged_sweep.Made, folder: Path, data: st.DataObject, kind: str) -> None:
    """One forged file of a kind, read by everything."""
    match kind:
        case "json":
            check(made, folder, data, json_anywhere, page=True)
        case "json, run":
            check(made, folder, data, json_anywhere, run=True)
        case "notes":
            check(made, folder, data, notes_anywhere, run=True)
        case "bytes":
            check(made, folder, data, bytes_anywhere, page=True, run=True)
        case "csv":
            check_csv(made, folder, data)


def several(made: forged_sweep.Made, folder: Path, kind: str, number: int, counted: Counter[str]) -> None:
    """As many examples of a kind as one seed gives."""

    @seed(number)
    @_SETTINGS
    @given(st.data())
    def each(data: st.DataObject) -> None:
        counted[kind] += 1
        example(made, folder, data, kind)

    each()


#: Kinds, as often as each is taken.
KINDS = ("json", "json", "json", "json, run", "notes", "bytes", "csv")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--kind", choices=sorted({*KINDS}), help="this kind alone")
    arguments = parser.parse_args()
    counted: Counter[str] = Counter()
    findings = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        root = Path(place)
        os.environ["NORMSWEEP_CACHE"] = str(root / "cache")
        quiet = (root / "log").open("w")
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            made = forged_sweep.make(root)
        while time.monotonic() - begun < 60 * arguments.minutes:
            kind, number = arguments.kind or random.choice(KINDS), random.getrandbits(32)

            try:
                with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                    several(made, root / "out-forged", kind, number, counted)
            except Exception as error:
                findings += 1
                print(
                    f"FOUND with seed {number} ({kind}): {traceback.format_exc()}", *_notes(error), sep="\n"
                )
            quiet.truncate(0)
            minutes = (time.monotonic() - begun) / 60
            print(f"{minutes:.1f} minutes, {sum(counted.values())} examples, {findings} findings", flush=True)
    print(json.dumps({"examples": dict(counted), "findings": findings, "minutes": round(minutes, 1)}))
    return 1 if findings else 0


def _notes(error: Exception) -> list[str]:
    """What hypothesis says was drawn."""
    return list(getattr(error, "__notes__", []))


if __name__ == "__main__":
    sys.exit(main())
