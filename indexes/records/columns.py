"""Assigning roles to columns: as an admin chose, by known header names, or else guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.names import name_of
from indexes.records.header_names import NAMES, HeaderName, bare, read_header
from indexes.text import is_japanese, normalize

SEARCHED = ("question", "answer")
"""The roles of which a file needs at least one."""
ROLES = tuple(NAMES)
"""Every role that a column can have."""
MAX_COLUMNS = 200
"""Far beyond any FAQ; more columns mean a wrong delimiter or a wrong file."""

_SHOWN_HEADERS = 12
_CLOSE, _CLOSE_LATIN, _CLOSE_OTHERS = 0.5, 0.6, 0.75
"""Least share of letters in common between a misspelt header and a name, if that is Japanese, Latin, or not of the
first group. 回当 and 回答 share half."""
_LONGEST_HEADER = 40
_SHORTEST = 4
"""Letters of a Latin name that can be misspelt and still be told from other words: Task is no ask."""
_LONGEST_NAME = 60
_SAMPLED = 1_000
"""Rows that are looked at to tell texts from numbers and dates."""
_MOSTLY = 0.5
_LETTERS = re.compile(r"[^\W\d_]{2}|[\u3041-\u30ff\u3400-\u9fff]")
_VALUE = re.compile(
    r"(?P<number>[-+]?[\d,.]*\d%?)|(?P<date>\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}.*)"
    r"|(?P<address>https?://\S+)|(?P<mail>[^\s@]+@[^\s@]+\.[a-z]+)",
    re.IGNORECASE,
)
_CLOSING = " \t\n\"'」』)）"
_SENTENCE_ENDS = ("?", "？", "。", "です", "ます", "ですか", "ますか", "ません", "ください")
_FEWEST_WORDS = 5
"""Words of an English text that ends with a full stop, from which it is a sentence."""
_BARS = "|｜¦"
_SEPARATORS: tuple[str, ...] = (*_BARS, "，", "、", "^", "~", ":", "：", "/", "／")


@dataclass(frozen=True, slots=True)
class Columns:
    """The header as written by role, in file order; `guessed` if no header is a known name of question or answer."""

    roles: Mapping[str, str]
    guessed: bool = False


def is_known(header: str) -> bool:
    """Return whether the header is a known name of a role."""
    return read_header(header) is not None


def named_columns(header: Sequence[str], chosen: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the header by role, in file order: the `chosen` ones, others by their names; may lack both texts.

    Raises UnusableFileError if two headers are the same or a chosen one doesn't exist.
    """
    refuse_duplicates(header, name)
    given = {role: _existing(role, title, header, name) for role, title in chosen.items()}
    best: dict[str, tuple[HeaderName, str]] = {}
    for title in header:
        found = read_header(title)
        if found and found.role not in given and title not in given.values():
            best[found.role] = min(best.get(found.role, (found, title)), (found, title), key=lambda entry: entry[0])
    roles = {title: role for role, (_, title) in best.items()} | {title: role for role, title in given.items()}
    return {roles[title]: title for title in header if title in roles}


def guess_columns(header: Sequence[str], columns: Sequence[Sequence[str]], roles: Mapping[str, str]) -> dict[str, str]:
    """Return `roles` with two columns of texts as question and answer, or one as answer; as they are without any.

    A header that resembles a known name is preferred; else the question is the first of them, the answer the longest
    of the others.
    """
    taken = set(roles.values())
    texts = [
        (title, length)
        for title, cells in zip(header, columns, strict=True)
        if title not in taken and (length := _text_length(cells))
    ]
    titles = [title for title, _ in texts]
    if len(texts) < 2:  # noqa: PLR2004
        guessed = dict.fromkeys(titles, "answer")
    else:
        answer = _closest("answer", titles)
        question = _closest("question", [title for title in titles if title != answer])
        question = question or next(title for title in titles if title != answer)
        others = [text for text in texts if text[0] != question]
        guessed = {question: "question", answer or max(others, key=lambda text: text[1])[0]: "answer"}
    guessed |= {title: role for role, title in roles.items()}
    return {guessed[title]: title for title in header if title in guessed}


def data_in_header(header: Sequence[str], columns: Sequence[Sequence[str]]) -> str:
    """Return the first header that looks like a cell of a row, blank for none.

    It is a sentence or a long text, a value such as the ones below it, or stands below itself again.
    """
    return next((title for title, cells in zip(header, columns, strict=True) if _is_data(title, cells)), "")


def other_separator(header: Sequence[str], cells: Sequence[str]) -> str:
    """Return the character that separates the cells of a file that was read as one column; blank for none.

    A bar may also be between names when there are delimiters within them.
    """
    title = header[0]
    for separator in _SEPARATORS if len(header) == 1 else ():
        parts = [part for part in title.split(separator) if part.strip()]
        having = sum(separator in cell for cell in cells)
        if len(parts) > 1 and 2 * having >= len(cells) and (any(map(is_known, parts)) or separator in _BARS):
            return separator
    whole = ",".join(header)
    return next((bar for bar in _BARS if sum(map(is_known, whole.split(bar))) > 1), "")


def no_columns(header: Sequence[str], name: str) -> UnusableFileError:
    """Make the error for a file without a column to search."""
    shown = tuple(Translatable("list.quoted", text=title) for title in header[:_SHOWN_HEADERS])
    more = ("…",) if len(header) > _SHOWN_HEADERS else ()
    return UnusableFileError("csv.no_columns", file=name, headers=(*shown, *more))


def closest_name(role: str, headers: Sequence[str]) -> tuple[str, str] | None:
    """Return the header that is most similar to a name of the role, and that name; None if none is similar."""
    pairs = (
        (likeness, header, name)
        for header in headers
        for group, names in enumerate(NAMES[role])
        for name in names.split()
        if len(name) >= _SHORTEST or not name.isascii()
        if len(header) <= _LONGEST_HEADER and (likeness := _likeness(bare(header), name)) >= _close(group, name)
    )
    _, header, name = max(pairs, default=(0.0, "", ""), key=lambda pair: pair[0])
    return (header, name) if header else None


def usual_names(header: Sequence[str]) -> dict[str, str]:
    """Return the usual names of question and answer, in the language of the header."""
    return dict(zip(SEARCHED, ("質問", "回答") if is_japanese("".join(header)) else SEARCHED, strict=True))


def refuse_duplicates(header: Sequence[str], name: str) -> None:
    """Raise UnusableFileError if two headers are the same."""
    seen: set[str] = set()
    for title in header:
        if normalize(title) in seen:
            raise UnusableFileError("csv.same_columns", file=name, column=title)
        seen.add(normalize(title))


def _existing(role: str, title: str, header: Sequence[str], name: str) -> str:
    """Return the header as written in the file; raises UnusableFileError if there is none."""
    same = next((other for other in header if bare(other) == bare(title)), None)
    if same is None:
        shown = tuple(Translatable("list.quoted", text=other) for other in header[:_SHOWN_HEADERS])
        values = {"role": role, "column": title, "name": name_of(Path(name))}
        raise UnusableFileError("csv.chosen_column_missing", file=name, headers=shown, **values)
    return same


def _closest(role: str, titles: Sequence[str]) -> str:
    found = closest_name(role, titles)
    return found[0] if found else ""


def _close(group: int, name: str) -> float:
    if group:
        return _CLOSE_OTHERS
    return _CLOSE_LATIN if name.isascii() else _CLOSE


def _likeness(header: str, name: str) -> float:
    """Return the share of the longer text's letters that both have in the same order."""
    shared = sum(block.size for block in SequenceMatcher(None, header, name).get_matching_blocks())
    return shared / max(len(header), len(name))


def _text_length(cells: Sequence[str]) -> float:
    """Return the mean length of the cells with texts; 0 if less than half of those that are filled in are texts."""
    filled = [cell for cell in islice(cells, _SAMPLED) if cell]
    texts = [len(cell) for cell in filled if _LETTERS.search(cell) and not _VALUE.fullmatch(cell)]
    return sum(texts) / len(texts) if texts and len(texts) >= _MOSTLY * len(filled) else 0.0


def _is_data(title: str, cells: Sequence[str]) -> bool:
    if len(title) > _LONGEST_NAME or _is_sentence(title):
        return True
    if (value := _VALUE.fullmatch(title)) and cells:
        sample = list(islice(cells, _SAMPLED))
        kinds = [found.lastgroup for cell in sample if (found := _VALUE.fullmatch(cell))]
        return kinds.count(value.lastgroup) > _MOSTLY * len(sample)
    return title in cells


def _is_sentence(title: str) -> bool:
    said = title.rstrip(_CLOSING)
    return said.endswith(_SENTENCE_ENDS) or (said.endswith((".", "!")) and len(said.split()) >= _FEWEST_WORDS)
