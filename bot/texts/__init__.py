"""What is told in the terminal, in Japanese and English; with it go the words of `handlers` and `indexes`."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.texts import en, ja
from handlers import texts
from handlers.texts import Texts

ENGLISH = Texts("en", {**texts.ENGLISH.words, **en.WORDS})
JAPANESE = Texts("ja", {**texts.JAPANESE.words, **ja.WORDS})
BY_LANGUAGE: Mapping[str, Texts] = MappingProxyType({each.language: each for each in (ENGLISH, JAPANESE)})
