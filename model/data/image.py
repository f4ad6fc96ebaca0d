"""One image file as RGB pixels of 8 bits."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from model.errors import InputError, first_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

#: What `decode` remarks of an image, as bits of one number.
RESIZED, FRAMES = 1, 2


def image_size(path: str) -> tuple[int, int]:
    """Width and height from the file's header. Raises InputError."""
    import PIL.Image

    try:
        with PIL.Image.open(path) as image:
            return image.size
    except Exception as error:
        raise unreadable(path, error) from None


def decode(content: bytes, path: str, size: tuple[int, int]) -> tuple[NDArray[np.uint8], int]:
    """The image as uint8 [H, W, 3] of `size` (width, height), and remarks. Raises InputError.

    16 bits a pixel are scaled to 8 by the range of the type; a palette, grey and transparency become RGB.
    """
    import numpy as np
    import PIL.Image

    remarks = 0
    try:
        with PIL.Image.open(io.BytesIO(content)) as image:
            remarks |= FRAMES * (getattr(image, "n_frames", 1) > 1)
            rgb = _eight_bits(image, path).convert("RGB")
    except InputError:
        raise
    except Exception as error:  # PIL raises whatever a damaged file makes it stumble over
        raise unreadable(path, error) from None
    if rgb.size == size:
        return np.asarray(rgb), remarks
    return np.asarray(rgb.resize(size, PIL.Image.Resampling.BILINEAR)), remarks | RESIZED


def _eight_bits(image: Image, path: str) -> Image:
    """PIL's own conversion clips 16 bits to the lowest 256 values, and numbers of any range too."""
    import numpy as np
    import PIL.Image

    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    if sixteen:  # of a portable grey map PIL makes 0 to 65535 whatever its own maximum is
        values = np.asarray(image).astype(np.uint32)
        return PIL.Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode in ("I", "F"):
        kind = "floating point" if image.mode == "F" else "32-bit integers"
        raise InputError(
            f"the image {path} has pixels of {kind}, whose range nobody knows; save it with 8 or 16 bits"
        )
    return image


def unreadable(path: str, error: Exception) -> InputError:
    reason = first_line(error)
    if "cannot identify image file" in reason:
        reason = "not an image, or damaged"
    return cannot_read(path, reason)


def cannot_read(path: str, reason: str) -> InputError:
    return InputError(f"cannot read the image {path}: {reason}. Repair or remove it.")
