"""sweep.json, for whoever reads a folder and for a run that goes on in it.

A reader needs a whole one. A run makes do without: what is done is in the trials. But it replaces none that
a newer version wrote, and says what goes with a damaged one.
"""

from typing import cast

from model.errors import InputError
from model.plain_file import NoPlainFileError
from orchestrator.results.files import Files
from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import SweepRecord
from orchestrator.results.shapes import can_be_read, holds

NAME = "sweep.json"
FORMAT = 1
_ASIDE = f"{NAME}.damaged"
_LOST = (
    f"{NAME} is damaged: a run writes it anew and keeps what is left of it as {_ASIDE}. Lost with it are the "
    "dates and estimates of earlier runs, the plan of the analysis, and which mixtures of code were "
    "accepted. What is done is in the trials."
)


def read(files: Files) -> SweepRecord | None:
    """None in a folder that has none. Raises InputError where it is damaged or of a newer format."""
    try:
        sweep = files.read_json(NAME)
    except ValueError as error:
        raise InputError(
            f"{files.url}/{NAME} is damaged: {error}. Run the sweep again; that writes it anew."
        ) from None
    _refuse_newer(files, sweep)
    if sweep is not None and not can_be_read(sweep):
        raise InputError(f"{files.url}/{NAME} is no sweep of this version of normsweep.")
    return cast(SweepRecord | None, sweep)


def continued(files: Files) -> tuple[JsonObject, list[str]]:
    """What a run goes on from, empty where there is nothing whole, and what a person should be told.

    Raises InputError where it is of a newer format.
    """
    try:
        sweep = files.read_json(NAME) or {}
    except ValueError:
        return {}, [_LOST]
    _refuse_newer(files, sweep)
    return (sweep, []) if not sweep or holds(NAME, sweep) else ({}, [_LOST])


def aside(files: Files) -> JsonObject:
    """What `continued` gives, for writing it anew. A damaged one is set aside, as somebody's evidence.

    Raises InputError where it cannot be.
    """
    sweep, told = continued(files)
    if told:
        try:
            files.write(_ASIDE, files.read(NAME))
        except NoPlainFileError as error:
            raise InputError(f"{files.url}/{NAME} is none: {error.strerror}. Move it away.") from None
    return sweep


def _refuse_newer(files: Files, sweep: JsonObject | None) -> None:
    form = (sweep or {}).get("format", FORMAT)
    if isinstance(form, int) and form > FORMAT:
        raise InputError(
            f"{files.url}/{NAME} is of format {form}, and this version of normsweep knows format {FORMAT} "
            "alone: a newer version made the folder. Go on with that one, or give another folder."
        )
