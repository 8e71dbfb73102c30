"""The bot's own words, in Japanese and English.

Values put into a text must be escaped already: texts know nothing of Slack's markup beyond what they contain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from handlers.texts import en, ja
from indexes.text import is_japanese

Language = Literal["ja", "en"]


@dataclass(frozen=True)
class Texts:
    """One language's words: ``texts("search.busy")``."""

    language: Language
    words: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text with its placeholders filled; raises KeyError for an unknown key or a missing value."""
        return self.words[key].format(**values)


ENGLISH = Texts("en", en.WORDS)
JAPANESE = Texts("ja", ja.WORDS)


def for_locale(locale: str) -> Texts:
    """Choose by a reader's Slack locale: Japanese for ``ja*``, else English."""
    return JAPANESE if locale.lower().startswith("ja") else ENGLISH


def for_question(question: str) -> Texts:
    """Choose by the language of a question, for replies that everybody reads."""
    return JAPANESE if is_japanese(question) else ENGLISH
