"""What the file system says of a file, enough to notice a change without reading it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

_SETTLED = 2.0
"""Seconds; the coarsest clock of a file system (FAT) ticks every two seconds."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """Times of the last changes to the content and to anything, in nanoseconds, size in bytes, and number of the file.

    Programs can set `modified` back; `changed` they can't (on Windows it is when the file was created).
    """

    modified: int
    size: int
    changed: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return the mark of a file, or None without one."""
        try:
            status = path.stat()
        except OSError:
            return None
        return cls(status.st_mtime_ns, status.st_size, status.st_ctime_ns, status.st_ino)

    def is_of(self, path: Path) -> bool:
        """Return whether the file is still the one with this modification time and size."""
        now = FileMark.of(path)
        return now is not None and (now.modified, now.size) == (self.modified, self.size)

    def settled(self, now: float) -> "FileMark | None":
        """Return a mark taken at `now` (seconds since the epoch) if every later change to the file shows in it.

        Otherwise None: a change could still fall on the same tick of the clock.
        """
        return self if now - max(self.modified, self.changed) / 1e9 > _SETTLED else None
