"""What the C library does with freed memory: keep enough for the next answer, give the rest back.

Left alone, glibc gives the megabytes of an answer back as soon as it is sent and faults them in again, page
by page, with the next one, which is a third of the CPU that an answer costs; and the hundreds of megabytes
of a burst of uploads stay, scattered, for good.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping

__all__ = ["find_trim", "tune"]

KEPT = 64 * 2**20
"""Bytes at the end of a heap that are kept for what comes next."""

LARGE = 8 * 2**20
"""Bytes of a block that is the system's own business: it goes back whole. Most answers are smaller."""

# malloc.h of glibc
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def tune(environ: Mapping[str, str] = os.environ, library: object = None) -> bool:
    """Set the C library's thresholds for this process, unless an operator has set them.

    Returns:
        Whether they are set now; other libraries have no such thresholds.
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in environ):
        return False
    set_option = getattr(library or _library(), "mallopt", None)
    if set_option is None:
        return False
    # Setting them also ends glibc's own adjusting, which would raise the threshold to the largest
    # block that was ever freed.
    return bool(set_option(_M_MMAP_THRESHOLD, LARGE) and set_option(_M_TRIM_THRESHOLD, KEPT))


def find_trim() -> Callable[[int], int] | None:
    """Return what gives all freed memory back but for so many bytes; ``None`` where nothing does."""
    return getattr(_library(), "malloc_trim", None)


def _library() -> object:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # where programs are not linked in that way
        return None
