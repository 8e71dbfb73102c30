"""Finding the words of a question in a text, to show why it was found. Searching doesn't use this."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import islice

from indexes.retrieval.tokens import runs, words
from indexes.text import normalize

_COMMON = """
    a about after all also am an and any are arent as at be been before but by can cant could did do does doesnt
    doing dont for from get gets getting go had has have how i im if in into is isnt it its just let me my need no
    not of off on one or other our out over please should so some than that the their them then there these they
    this those to too up us want was we were what whats when where which while who why will with wont would yes you
    your
"""
COMMON = frozenset(_COMMON.split())
"""English words that are not highlighted. In Japanese they are hiragana, which is never highlighted."""
KANJI = 2
"""Kanji in a row that text and question must share; a single one counts if it is a word of the question."""
KATAKANA = 0.6
"""Share of the shorter katakana word that both must have in a row: ルーター and プリンター are different words."""

LONGEST_RUN, MOST_RUNS = 60, 60
"""Of kanji or katakana: a longer run is no word, and more runs than this are not looked for; comparing takes a time
that grows with the product of both."""
COMPOUND = 3
"""Most parts (with the whole) of a compound that is highlighted because the question has one of them; an address has
more."""
_AFTER_WORDS = "をがはにのでとへやも"


class Matcher:
    """Finds the words of one question in texts."""

    def __init__(self, question: str) -> None:
        asked = normalize(question)
        self._words = {word for word in words(asked) if word not in COMMON and len(word) > 1}
        found = dict.fromkeys(asked[start:end] for start, end in runs(asked) if end - start <= LONGEST_RUN)
        self._runs = list(islice((run for run in found if not _is_spaced(run)), MOST_RUNS))
        self._found: dict[str, list[tuple[int, int]]] = {}

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of each word of the question in the text, ascending."""
        for start, end in runs(text):
            if end - start > 1 or _stands_alone(text[:start][-1:], text[end : end + 1]):
                for first, last in self._within(text[start:end]):
                    yield start + first, start + last

    def _within(self, run: str) -> list[tuple[int, int]]:
        if run not in self._found:
            self._found[run] = self._look(run)
        return self._found[run]

    def _look(self, run: str) -> list[tuple[int, int]]:
        if _is_spaced(run):
            parts = set(words(normalize(run)))
            return [(0, len(run))] if len(parts) <= COMPOUND and self._has(parts) else []
        if len(run) > LONGEST_RUN:
            return []
        covered = {place for asked in self._runs for place in _shared(asked, run)}
        starts = sorted(place for place in covered if place - 1 not in covered)
        ends = sorted(place + 1 for place in covered if place + 1 not in covered)
        return list(zip(starts, ends, strict=True))

    def _has(self, parts: set[str]) -> bool:
        """Return whether the question has one of a word's parts; of a code, its number: ERR-4031 is not ERR-4012."""
        numbers = {part for part in parts if any(map(str.isdigit, part))}
        return not self._words.isdisjoint(numbers or parts)


def _stands_alone(before: str, after: str) -> bool:
    """Return whether a single kanji is a word, such as 鍵を, and not part of one, such as 忘れ or 使い方."""
    return not _is_hiragana(before) and (after in _AFTER_WORDS or not _is_hiragana(after))


def _is_hiragana(letter: str) -> bool:
    return "ぁ" <= letter <= "ゖ"


def _is_spaced(run: str) -> bool:
    return next(words(normalize(run)), None) is not None


def _shared(asked: str, run: str) -> Iterator[int]:
    """Yield the positions in a run of kanji or katakana that are shared with a run of the question."""
    if set(asked).isdisjoint(run):
        return
    for _, at, size in SequenceMatcher(None, asked, run, autojunk=False).get_matching_blocks():
        if size >= _enough(asked, run):
            yield from range(at, at + size)


def _enough(asked: str, run: str) -> float:
    if "ァ" <= run[0] <= "ヿ":
        return max(KANJI, KATAKANA * min(len(asked), len(run)))
    return min(KANJI, len(asked))
