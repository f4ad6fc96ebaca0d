"""What data sets that torchvision fetches have in common: where they lie, what is said where they don't come.

torchvision knows their addresses and checksums, and looks for them in the folder before it asks the network.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.data.cache import folder
from model.errors import InputError, first_line

if TYPE_CHECKING:
    from model.data.dataset import Arrays


def fetched(
    name: str,
    data_dir: str | None,
    read: Callable[[Path], Arrays],
    urls: Sequence[str],
    below: str = "",
) -> Arrays:
    """What `read` makes of the files in `data_dir`, by default the cache's folder. Raises InputError.

    `urls`: of the files that torchvision looks for, in the folder `below` that one. To be called under the
    cache's lock, so that one worker alone downloads.
    """
    root = Path(os.path.expanduser(data_dir)) if data_dir else folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return read(root)
    except (OSError, RuntimeError) as error:  # URLError is an OSError, a wrong checksum a RuntimeError
        names = " and ".join(url.rpartition("/")[2] for url in urls)
        raise InputError(
            f"cannot fetch {name}: {first_line(error)}\n"
            f"Download {' and '.join(urls)} elsewhere and put {names} into {root / below}, "
            "or use --dataset digits."
        ) from None
