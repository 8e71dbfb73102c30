"""The bot's own words, in Japanese and English, and with them what `indexes` has to say.

Values put into a text must be escaped already: texts know nothing of Slack's markup beyond what they contain.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from handlers.texts import en, ja
from indexes.errors import KnowledgeBaseError
from indexes.messages import Translatable, say
from indexes.messages import en as indexes_en
from indexes.messages import ja as indexes_ja
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

    def say(self, message: Translatable, show: Callable[[str], str] = str) -> str:
        """Put a message in words. Escape the result, or every text among its values by `show`."""
        return say(message, self.words, show)


ENGLISH = Texts("en", {**indexes_en.WORDS, **en.WORDS})
JAPANESE = Texts("ja", {**indexes_ja.WORDS, **ja.WORDS})


class HandlerError(KnowledgeBaseError):
    """An error whose sentence is one of the bot's own."""

    def __str__(self) -> str:
        return ENGLISH.say(self.message)


def for_locale(locale: str) -> Texts:
    """Choose by a reader's Slack locale: Japanese for ``ja*``, else English."""
    return JAPANESE if locale.lower().startswith("ja") else ENGLISH


def for_question(question: str) -> Texts:
    """Choose by the language of a question, for replies that everybody reads."""
    return JAPANESE if is_japanese(question) else ENGLISH


def for_questions(questions: Sequence[str]) -> Texts:
    """Choose by the language of at least half of several questions; English for none."""
    japanese = sum(map(is_japanese, questions))
    return JAPANESE if japanese and 2 * japanese >= len(questions) else ENGLISH
