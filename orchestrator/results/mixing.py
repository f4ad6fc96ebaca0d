"""Whether a run may add to what lies in a results folder: numbers of two kinds are not mixed unawares."""

from collections.abc import Mapping

from model.data.dataset import DataInfo
from model.errors import InputError
from model.own import short_name
from orchestrator.grid.trial import PROTOCOL
from orchestrator.results.codes import (
    Codes,
    count,
    differing_files,
    enumerated,
    record_of,
    short_label,
    trained_by,
)
from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import CodeRecord, Identity
from orchestrator.results.source import Code
from orchestrator.results.stretches import other_data
from orchestrator.results.trial_state import TrialState


def check_protocol(url: str, others: Mapping[str, Identity]) -> None:
    """Raises InputError where the folder holds trials of another training protocol: never a mixture.

    `others`: identities of the trials there that are not declared, by id.
    """
    for trial_id, identity in others.items():
        protocol = identity.get("protocol")
        if protocol != PROTOCOL:
            raise InputError(
                f"{url} holds trials of protocol {protocol} ({trial_id}); this version trains protocol "
                f"{PROTOCOL}, and their numbers must not be mixed. Give another --results, or go on with the "
                f"version that made them (CHANGELOG.md says what changed)."
            )


def check_data(
    url: str, states: Mapping[str, TrialState], infos: Mapping[str, DataInfo], datasets: Mapping[str, str]
) -> None:
    """Raises InputError where a trial that is there says that it was trained on other data than `infos`.

    The trials are asked beside sweep.json, which can be lost. `datasets`: by trial id; where it lacks one,
    the id begins with the data set.
    """
    for trial_id, state in states.items():
        info = infos.get(datasets.get(trial_id) or trial_id.partition("-")[0])
        if info is None:
            continue
        if there := other_data({**(state.result or state.history or {})}, info.fingerprints):
            raise InputError(
                f"{url} holds trials on another {short_name(info.name)} ({trial_id}): data fingerprint "
                f"{there}, now {info.fingerprint}. Choose another --results, or go on with the data of then."
            )


def check_code(
    url: str,
    sweep: JsonObject,
    states: Mapping[str, TrialState],
    here: Code,
    *,
    adds: bool,
    accept: bool,
) -> tuple[CodeRecord, list[str]]:
    """What sweep.json is to say of codes from now on, and what a person should be told.

    `sweep`: of the folder, as it is. `adds`: the run would train something; one that does not mixes nothing.
    `accept`: the mixture is wanted. What was accepted once is not asked again. Raises InputError.
    """
    held = {trial_id: codes for trial_id, state in states.items() if (codes := trained_by(state))}
    present = {code for codes in held.values() for code in codes}
    others = {code for code in present if code is not None and code != here.digest}
    record = record_of(sweep)
    record["files"] = {code: files for code, files in record["files"].items() if code in present}
    if not adds:
        told = _UNTOUCHED.format(others=_others(held, states, record, here))
        return record, [told] if others and here.digest not in present else []
    record["files"][here.digest] = here.files
    if others:
        known = {*others, here.digest} <= {*record["accepted"]}
        what = _others(held, states, record, here)
        if not accept and not known:
            raise InputError(f"{url} holds {what}.\n{_WAYS_OUT}")
        record["accepted"] = sorted({*record["accepted"], *others, here.digest})
        return record, [_ADDED.format(others=what, how="accepted before" if known else "--accept-code says")]
    if None in present and here.digest not in present:
        return record, [_UNKNOWN.format(trials=count(len(held)), here=short_label(here.digest))]
    return record, []


_WAYS_OUT = (
    "Give another --results, so that no numbers are mixed; or --accept-code, if the edit changes no number "
    "or you want both, which the report then tells apart. An edit that is to stay also raises PROTOCOL in "
    "orchestrator/grid/trial.py."
)
_ADDED = "as {how}, this run adds to {others}. The report tells them apart."
_UNTOUCHED = "the folder holds {others}. Nothing is trained again: the numbers are those of before."
_UNKNOWN = (
    "it is not known which code trained {trials} here: an older version did, which does not say. "
    "This run goes on with {here}, and the report tells them apart."
)


def _others(
    held: Mapping[str, Codes], states: Mapping[str, TrialState], record: CodeRecord, here: Code
) -> str:
    """'24 trials (3 of them half-trained) by other code (e7fa551, now 0a1b2c3): model/recipe.py differs'."""
    trials = {trial_id: [c for c in codes if c and c != here.digest] for trial_id, codes in held.items()}
    trials = {trial_id: codes for trial_id, codes in trials.items() if codes}
    half = sum(not states[trial_id].finished for trial_id in trials)
    some = " (half-trained)" if half == len(trials) else f" ({half} of them half-trained)" if half else ""
    codes = sorted({code for those in trials.values() for code in those})
    names = enumerated([short_label(code) for code in codes])
    known: CodeRecord = {**record, "files": {**record["files"], here.digest: here.files}}
    found = [differing_files(known, code, here.digest) or [] for code in codes]
    files = sorted({path for paths in found for path in paths})
    where = f"{enumerated(files)} differ{'s' if len(files) == 1 else ''}" if files else _NOT_RECORDED
    return f"{count(len(trials))}{some} by other code ({names}, now {short_label(here.digest)}): {where}"


_NOT_RECORDED = "which files differ is not known"
