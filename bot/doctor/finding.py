"""What a check of `kotae doctor` finds."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    level: Literal["ok", "note", "fail"]
    what: str

    @property
    def is_failure(self) -> bool:
        """Whether the bot can't work like this."""
        return self.level == "fail"

    def __str__(self) -> str:
        return f"{'[ok]' if self.level == 'ok' else f'[{self.level}]':7}{self.what}"
