"""What a check of `kotae doctor` finds."""

from dataclasses import dataclass
from typing import Literal

from bot.settings import SettingsError
from bot.texts import ENGLISH
from handlers.texts import Texts
from indexes.messages import Translatable


def said_by(error: SettingsError) -> Translatable:
    """Return what an error says, as a message."""
    return error.message if isinstance(error.message, Translatable) else Translatable("doctor.system", said=str(error))


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    level: Literal["ok", "note", "fail"]
    message: Translatable

    @property
    def is_failure(self) -> bool:
        """Whether the bot can't work like this."""
        return self.level == "fail"

    @property
    def what(self) -> str:
        """What was found, in English."""
        return ENGLISH.say(self.message)

    def said(self, texts: Texts) -> str:
        """Return the line in a language."""
        return f"{'[ok]' if self.level == 'ok' else f'[{self.level}]':7}{texts.say(self.message)}"

    def __str__(self) -> str:
        return self.said(ENGLISH)
