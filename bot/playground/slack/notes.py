"""Texts of the trial's own, which are no part of the workspace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A text in both languages; `is_problem` if somebody has to mend something."""

    en: str
    ja: str
    is_problem: bool = False

    def text(self, locale: str) -> str:
        """Return it in a reader's language."""
        return self.ja if locale.startswith("ja") else self.en
