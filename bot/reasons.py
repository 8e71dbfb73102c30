"""What the bot decided, in both languages, for JSON."""

from collections.abc import Iterable

from handlers.texts import ENGLISH, JAPANESE
from indexes.messages import Translatable


def in_both_languages(messages: Iterable[Translatable]) -> list[dict[str, str]]:
    """Return each message in English and Japanese, by language."""
    return [{texts.language: texts.say(message) for texts in (ENGLISH, JAPANESE)} for message in messages]
