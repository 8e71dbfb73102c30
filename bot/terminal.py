"""The language of this terminal, for what commands print; the log is in English."""

from bot.settings import language
from bot.texts import BY_LANGUAGE
from handlers.texts import Texts
from indexes.messages import Translatable


def terminal_texts() -> Texts:
    """Return the words in the language of the terminal."""
    return BY_LANGUAGE[language()]


def told(message: Translatable | str) -> str:
    """Put a message in the words of the terminal."""
    return message if isinstance(message, str) else terminal_texts().say(message)
