"""Code of one's own that is not what the folder's trials were declared with: told before it trains. Pure.

It is another norm, network or data set, whose trials are new ones. Who edited a file without that in mind
should know why so much is to run.
"""

from collections import Counter
from collections.abc import Iterable

from model.own import is_own
from model.spec import AXES
from orchestrator.grid.own import own_code
from orchestrator.grid.trial import Trial
from orchestrator.results.json_file import JsonObject


def edited(trials: Iterable[Trial], declared: JsonObject) -> list[str]:
    """A sentence for each import path of `trials` that `declared`, a sweep.json, has with other digests."""
    before: dict[str, Counter[str]] = {}
    for identity in declared.get("trials", {}).values():
        for value in (str(identity.get(name)) for name, axis in AXES.items() if axis.own):
            if is_own(value):
                path, _, digest = value.partition("@")
                before.setdefault(path, Counter())[digest] += 1
    told = []
    for value in own_code(trials):
        path, _, now = value.partition("@")
        if (there := before.get(path)) and now not in there:
            count = f"{there.total()} trial{'' if there.total() == 1 else 's'}"
            told.append(
                f"{path} is not the code that {count} of this folder were declared with (digest {now}, not "
                f"{' or '.join(there)}): it, or what it imports, was edited. It counts as another one and "
                "trains anew; what is there is kept, and goes on once the code is as it was."
            )
    return told
