"""Labels that tell rows apart: what a column says, else the words that only one question has, else its beginning."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from indexes.records import Record
from indexes.retrieval.highlighting import COMMON
from indexes.retrieval.tokens import runs
from indexes.text import match_key, normalize

LABEL = 30
"""Characters of a label: Slack takes 75 on a button and shows about 30."""
READ = 300
"""Characters of a row's question or answer that are looked at."""
NUMBER = 3
"""Digits of a number that says something alone, such as a form's or an error's."""
_PARTICLES = "をがはにのでとへやも"
_ELLIPSIS = "…"

Span = tuple[int, int]


def labels(question: str, records: Sequence[Record]) -> tuple[str, ...]:
    """Return a label for each row, all different; empty if nothing tells the rows apart."""
    for found in (*_by_columns(question, records), _by_words(question, records), _by_beginnings(records)):
        if len({match_key(label) for label in found}) == len(records):
            return tuple(found)
    return ()


def _by_columns(question: str, records: Sequence[Record]) -> Iterator[list[str]]:
    """Yield what each column says of the rows if it says something short of each, and the question none of it."""
    headers = dict.fromkeys(header for record in records for header in record.details)
    cells = [*([record.details.get(header, "") for record in records] for header in headers)]
    asked = normalize(question[:READ])
    for column in (*cells, [record.category for record in records]):
        values = [_one_line(value) for value in column]
        if all(_is_name(value) and normalize(value) not in asked for value in values):
            yield values


def _is_name(value: str) -> bool:
    """Return whether a cell can stand on a button: no date or number, no address, no sentence."""
    return bool(value) and len(value) <= LABEL and not value[0].isdigit() and "://" not in value and _has_letter(value)


def _has_letter(value: str) -> bool:
    return any(map(str.isalpha, value))


def _by_words(question: str, records: Sequence[Record]) -> list[str]:
    """Return the first words of each row's question that neither the others nor the question have; empty without some.

    They stand as they are written; several if they follow one another.
    """
    titles = [_one_line(record.title) for record in records]
    found = []
    for place, title in enumerate(titles):
        others = [normalize(text) for text in (question[:READ], *titles[:place], *titles[place + 1 :])]
        own = [span for span in _words(title) if not any(_has(other, title[slice(*span)]) for other in others)]
        if not own:
            return []
        found.append(_excerpt(title, own))
    return found


def _words(text: str) -> Iterator[Span]:
    """Yield start and end of the words that mean something; a Japanese verb without its ending."""
    for start, end in runs(text):
        word = text[start:end]
        if normalize(word) not in COMMON and (_has_letter(word) or len(word) >= NUMBER):
            yield start, end


def _has(text: str, word: str) -> bool:
    """Return whether a normalized text has a word; Japanese, also within another."""
    key = normalize(word)
    return key in (text if not key.isascii() else {text[start:end] for start, end in runs(text)})


def _excerpt(text: str, spans: Sequence[Span]) -> str:
    """Return the first span with those that follow it directly, and with the ending of a verb."""
    first, end = spans[0][0], _with_ending(text, spans[0][1])
    for start, last in spans[1:]:
        if text[end:start].strip() or last - first > LABEL:
            break
        end = _with_ending(text, last)
    return _shortened(text[first:end])


def _with_ending(text: str, end: int) -> int:
    """Return the end of a word whose kanji end here: 忘 goes on in 忘れました, 申請 does not in 申請の方法."""
    if not "\u4e00" <= text[end - 1] <= "\u9fff":
        return end
    return end + len(list(takewhile(lambda letter: "ぁ" <= letter <= "ん" and letter not in _PARTICLES, text[end:])))


def _by_beginnings(records: Sequence[Record]) -> list[str]:
    """Return the beginning of each row's question, or of its answer where another row asks the same.

    Of texts that begin alike, what follows.
    """
    titles = [_one_line(record.title) for record in records]
    keys = [match_key(title) for title in titles]
    texts = [
        title if keys.count(key) == 1 else _one_line(record.answer)
        for title, key, record in zip(titles, keys, records, strict=True)
    ]
    return [_beginning(text, [other for other in texts if other != text]) for text in texts]


def _beginning(text: str, others: Sequence[str]) -> str:
    alike = [other for other in others if match_key(_shortened(other)) == match_key(_shortened(text))]
    shared = max((_shared(text, other) for other in alike), default=0)
    start = text.rfind(" ", 0, shared) + 1 or shared
    return f"{_ELLIPSIS}{_shortened(text[start:], LABEL - 1)}" if shared else _shortened(text)


def _shared(text: str, other: str) -> int:
    """Return how many letters both texts begin with."""
    pairs = zip(text, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _shortened(text: str, limit: int = LABEL) -> str:
    """Return the beginning of a text, up to the end of a word where one is near."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit // 2 else cut).rstrip() + _ELLIPSIS


def _one_line(text: str) -> str:
    return " ".join(text[:READ].split())
