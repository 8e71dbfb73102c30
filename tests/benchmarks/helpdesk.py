"""The texts of a very large help desk: any number of different rows, Japanese and English, the same every time.

A row is what is asked about (a device, a system, a form, a place), what is the matter, and when it happens; the words
are in helpdesk.json. The first `BASES` rows differ in what they ask. Every other row asks what one of these asks, in
other words. Every answer names a guide of its own.
"""

import json
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from indexes.text import normalize
from tests.benchmarks.corpus import Row

WORDS = Path(__file__).with_name("helpdesk.json")
BASES = 50_000
"""Rows that ask something of their own; two texts each, the question and the question with its answer."""


def rows(count: int, bases: int = BASES) -> Iterator[Row]:
    """Yield `count` different rows; row n from `bases` on is row `n % bases` in other words."""
    words = json.loads(WORDS.read_text("utf-8"))
    asked = list(_bases(words, min(bases, count)))
    for number in range(count):
        language, question, answer = asked[number % bases]
        opener, closer = _wording(words[language], number // bases)
        guide = words[language]["guide"].format(number=number)
        yield Row(f"HD-{number:07}", f"{opener}{question}{closer}", f"{answer}{guide}", language)


def _wording(words: dict[str, Any], number: int) -> tuple[str, str]:
    """Return what is before and behind a question: 20 different pairs."""
    openers, closers = words["openers"], words["closers"]
    return openers[number % len(openers)], closers[number // len(openers) % len(closers)]


def _bases(words: dict[str, Any], count: int) -> Iterator[tuple[str, str, str]]:
    """Yield language, question and answer; two thirds are Japanese."""
    left = {language: _shuffled(list(_all(words[language]))) for language in ("ja", "en")}
    for number in range(count):
        language = "ja" if number % 3 < 2 else "en"
        yield (language, *left[language].pop())


def _shuffled(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return random.Random(13).sample(pairs, len(pairs))


def _all(words: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every question with its answer; things that come in many models have a model number."""
    model = random.Random(14)
    for kind in words["kinds"]:
        for thing, (matter, answer), moment in product(kind["things"], kind["matters"], words["moments"]):
            named = f"{thing} {model.choice('ADKMRST')}{model.randrange(100, 1000)}" if kind["models"] else thing
            yield moment + matter.format(thing=named), answer.format(thing=named)


def texts(row: Row) -> tuple[str, str]:
    """Return what is encoded for a row: the question, and the question with its answer."""
    return normalize(row.question), normalize(f"{row.question}\n{row.answer}")
