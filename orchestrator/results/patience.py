"""Storage that goes away and comes back: a full disk is cleared, a share is mounted again.

What fails is tried again for so many seconds, and whoever waits is told so, before it is an error.
"""

from collections.abc import Callable
from typing import TypeVar

from model.errors import InputError, reason
from orchestrator.results.storage_errors import LostError, StorageError

#: A file that is not there, or is there, is an answer and no failure.
ABSENT = (FileNotFoundError, NotADirectoryError)
_ANSWERS = (InputError, LostError, FileExistsError, *ABSENT)
_T = TypeVar("_T")


def patiently(
    action: Callable[[], _T], place: str, seconds: float, waiting: Callable[[str], None] = lambda _: None
) -> _T:
    """Do it, and where storage fails do it again, ever more slowly, for so long; then StorageError.

    `place`: what the errors name. `waiting`: told once, at the first failure.
    """
    import tenacity  # with asyncio; a command that only looks is not patient

    def tell(state: tenacity.RetryCallState) -> None:
        if state.attempt_number == 1 and state.outcome is not None and (error := state.outcome.exception()):
            waiting(f"waiting for {place}: {reason(error)}")

    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_pass),
        wait=tenacity.wait_exponential(multiplier=0.1, max=5.0),
        stop=tenacity.stop_before_delay(seconds),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return trying(action)
    except Exception as error:
        if not _may_pass(error):
            raise
        raise as_storage_error(error, place) from error


def as_storage_error(error: Exception, place: str) -> StorageError:
    """An error of storage that names the place, once."""
    text = reason(error)
    return StorageError(text if text.startswith(place) else f"{place}: {text}")


def _may_pass(error: BaseException) -> bool:
    """Whether storage failed, which may pass: not so a wrong URL, an absent file or an interrupt."""
    return isinstance(error, Exception) and not isinstance(error, _ANSWERS)
