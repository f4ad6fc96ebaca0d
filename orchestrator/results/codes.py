"""Which code trained what lies in a results folder, trial by trial and in a sentence. Pure.

Every epoch says it, so a trial that was half-trained by other code names both; a checkpoint and final weights
carry their epochs. Results of versions that did not record it say nothing, and nothing is invented for them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import cast

from model.spec import cell_name
from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import CodeRecord, EpochRecord, Identity
from orchestrator.results.source import differing
from orchestrator.results.trial_state import TrialState

#: Digests in the order of epochs; None for epochs that do not say.
Codes = tuple[str | None, ...]

UNKNOWN = "not known"
_DIGEST = re.compile(r"[0-9a-f]{12,64}")
_SHORT = 7
_NAMED = 3


def codes_of(epochs: Iterable[EpochRecord]) -> list[str | None]:
    """The codes that trained these epochs, each once, in order."""
    return list(dict.fromkeys(_digest(epoch.get("code")) for epoch in epochs))


def trained_by(state: TrialState) -> Codes:
    """The codes that trained what a trial has to show; empty where it has nothing yet."""
    if state.result is not None:
        return codes_said(state.result.get("code"))
    return tuple(codes_of(state.records)) or (None,) if state.epochs else ()


def codes_said(code: object) -> Codes:
    """What a result says under `code`, held to its type."""
    return tuple(map(_digest, code)) if isinstance(code, list) and code else (None,)


def record_of(sweep: JsonObject) -> CodeRecord:
    """What a sweep.json says of codes; empty where that is absent or damaged."""
    said = sweep.get("code")
    said = said if isinstance(said, dict) else {}
    accepted, files = said.get("accepted"), said.get("files")
    return {
        "accepted": [d for d in accepted if _digest(d)] if isinstance(accepted, list) else [],
        "files": {
            code: cast(Mapping[str, str], paths)
            for code, paths in (files.items() if isinstance(files, dict) else ())
            if _digest(code) and isinstance(paths, dict) and all(map(_is_text, paths.values()))
        },
    }


def label(codes: Codes) -> str | None:
    """What results.csv says of one trial: digests joined with '+'; None where nothing is known."""
    return "+".join(code or UNKNOWN for code in codes) if any(codes) else None


def short_label(text: str) -> str:
    """A label as a person is told it: 'e7fa551', 'e7fa551+0a1b2c3'."""
    return "+".join(part if part == UNKNOWN else part[:_SHORT] for part in text.split("+"))


def mixture(
    states: Iterable[TrialState], identities: Mapping[str, Identity], record: CodeRecord
) -> str | None:
    """Who trained what, in a sentence, where it was not all the same code; else None."""
    trials: dict[Codes, list[str]] = {}
    for state in states:
        if codes := trained_by(state):
            trials.setdefault(codes, []).append(state.trial_id)
    if len(trials) < 2 and all(len(codes) == 1 for codes in trials):
        return None
    cells = {codes: [_cell(i, identities.get(i, {})) for i in ids] for codes, ids in trials.items()}
    groups = sorted(cells.items(), key=lambda item: -len(item[1]))
    everywhere = {name for names in cells.values() for name in names}
    said = [f"{count(len(names))} by {_by(codes)} ({_cells(names, everywhere)})" for codes, names in groups]
    known = sorted({code for codes in cells for code in codes if code})
    files = {path for code in known[1:] for path in differing_files(record, known[0], code) or ()}
    where = f" They differ in {enumerated(sorted(files))}." if files else ""
    return f"Not all results here were trained by the same code: {', '.join(said)}.{where}"


def differing_files(record: CodeRecord, one: str, other: str) -> list[str] | None:
    """The files that two codes differ in; None where that is not recorded."""
    files = record["files"]
    return differing(files[one], files[other]) if one in files and other in files else None


def enumerated(names: Sequence[str], most: int = 8) -> str:
    """'a, b and c', or the first of many."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def count(trials: int) -> str:
    """'1 trial', '24 trials'."""
    return f"{trials} trial{'' if trials == 1 else 's'}"


def _by(codes: Codes) -> str:
    """'e7fa551', 'e7fa551 and then 0a1b2c3', 'code that is not known'."""
    return " and then ".join(code[:_SHORT] if code else f"code that is {UNKNOWN}" for code in codes)


def _cell(trial_id: str, identity: Identity) -> str:
    """The name of a trial's cell; the trial's own where its identity is not what it should be."""
    try:
        return cell_name(identity) if identity else trial_id
    except (TypeError, ValueError):
        return trial_id


def _cells(names: Iterable[str], everywhere: Set[str]) -> str:
    distinct = list(dict.fromkeys(names))
    if len(distinct) == len(everywhere) > 1:
        return "in every cell"
    more = f"; and {len(distinct) - _NAMED} more cells" if len(distinct) > _NAMED else ""
    return "; ".join(distinct[:_NAMED]) + more


def _digest(value: object) -> str | None:
    """A digest as a file says it; None for anything else."""
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)
