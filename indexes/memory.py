"""Memory that the allocator holds though nobody uses it."""

import ctypes
import sys


def release_memory() -> None:
    """Return freed memory to the system, in some milliseconds; glibc would keep a tenth or more of it."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
