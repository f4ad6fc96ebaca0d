"""What is finished stays: a result is written once, whatever the lock says.

A run that lost its folder without knowing must spoil neither a result nor what stands beside it.
"""

from orchestrator.results import json_file
from orchestrator.results.files import Files
from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import Result
from orchestrator.results.shapes import holds
from orchestrator.results.storage_errors import LostError
from orchestrator.results.trial_state import other_trial

_FINISHED = (
    "{url}: another run has finished {trial_id} meanwhile. This run stops, and leaves that result as it is."
)


def write_result(files: Files, trial_id: str, result: Result) -> None:
    """Raises LostError where another run's result is there; a damaged or another trial's is written anew."""
    name = f"trials/{trial_id}/result.json"
    try:
        files.write_json(name, result, once=True)
    except FileExistsError:
        if (there := _whole_result(files, trial_id)) is None:
            files.write_json(name, result)
        elif there != json_file.parse(json_file.encode(result)):
            raise LostError(_FINISHED.format(url=files.url, trial_id=trial_id)) from None


def refuse_finished(files: Files, trial_id: str) -> None:
    """Raises LostError where the trial has a whole result."""
    if _whole_result(files, trial_id) is not None:
        raise LostError(_FINISHED.format(url=files.url, trial_id=trial_id))


def _whole_result(files: Files, trial_id: str) -> JsonObject | None:
    try:
        value = files.read_json(f"trials/{trial_id}/result.json")
    except ValueError:
        return None
    whole = value is not None and holds("result.json", value) and other_trial(value, trial_id) is None
    return value if whole else None
