"""The language of this terminal, for what commands print; the log is in English."""

import time

from bot.texts import BY_LANGUAGE
from handlers.texts import Texts
from indexes.messages import Translatable, reason


def terminal_texts() -> Texts:
    """Return the words in the language of the terminal."""
    from bot.settings import language  # noqa: PLC0415 - it takes a quarter of a second, and --help prints none of them

    return BY_LANGUAGE[language()]


def moment(at: float) -> str:
    """Return a time, as it is read in both languages; seconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def told(message: Translatable | str) -> str:
    """Put a message in the words of the terminal."""
    return message if isinstance(message, str) else terminal_texts().say(message)


def told_of_system(error: OSError) -> str:
    """Say what the system refused, and of which file."""
    why, file = reason(error), error.filename2 or error.filename
    said = told(why) if not isinstance(why, (int, float, tuple)) else str(error)
    return f"{file}: {said}" if file else said
