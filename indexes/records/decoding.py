"""Decoding bytes strictly: a file that can't be decoded exactly is refused; characters are never replaced."""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from indexes.errors import UnusableFileError
from indexes.messages import Translatable

# UTF-32 before UTF-16: its byte order mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# cp932 is Shift_JIS on Windows; Python's shift_jis fails on ① and 髙. euc_jis_2004 is for the ① of EUC files.
_LEGACY = ("cp932", "euc_jp", "euc_jis_2004")
WESTERN = "cp1252"
"""Windows-1252, in which many programs save English with ’ and “ ”, and French, German or Spanish."""

MAX_BYTES = 400_000_000
"""More than a million rows; reading needs about five times this memory."""

_SIGNATURES = (
    (b"PK\x03\x04", Translatable("kind.workbook")),
    (b"\xd0\xcf\x11\xe0", Translatable("kind.old_workbook")),
    (b"%PDF-", Translatable("kind.pdf")),
    (b"\x1f\x8b", Translatable("kind.gzip")),
    (b"\x89PNG", Translatable("kind.picture")),
    (b"\xff\xd8\xff", Translatable("kind.picture")),
    (b"GIF8", Translatable("kind.picture")),
    (b"SQLite format 3", Translatable("kind.sqlite")),
    (b"{\\rtf", Translatable("kind.rich_text")),
)
_WEB_PAGE = re.compile(r"\s*<(?:!doctype\s+html|html|head|body|\?xml)\b", re.IGNORECASE)
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*"')
# Without NUL, of which a stray one only makes a problem of its row, and what breaks a line within a cell.
_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
_UNASSIGNED = re.compile("[\x80-\xa0\uf8f0-\uf8f3]")
"""What Python's CP932 makes of the bytes 80, A0 and FD to FF, which are no characters there, and C1 controls."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_DOS_END_OF_FILE = "\x1a"

_BEYOND_ASCII = re.compile(r".?[^\x00-\x7f]+.?")
_WESTERN_RUN = re.compile(r"[^\x00-\x7f]+")
_LONGEST_WESTERN_RUN = 3
_SAMPLE = 5_000
_IMPLAUSIBLE = 0.25
"""Least plausibility of a legacy encoding: Japanese reaches 0.7, French decoded as cp932 about 0.1."""
_SURELY_JAPANESE = 0.6
_DAMAGED_UP_TO = 0.1
"""Most bad bytes, as a share of the characters beyond ASCII, for which a file is called damaged."""
_WESTERN_FROM = 0.6
_KANJI_WITHOUT_KANA = 40
"""Kanji from which a text without kana isn't Japanese: Chinese and Korean bytes decode as EUC-JP to kanji only."""

_SYMBOLS = "€£¥¢§•©®™°±½¼¾×²³·–—…ºª"
"""Usual in Western texts; most of them not within a word."""
_QUOTES: Mapping[str, Callable[[str, str], bool]] = {
    "’": lambda before, _: before.isalnum(),
    **dict.fromkeys("“‘«¿¡„‚", lambda before, after: not before.isalnum() and (after.isalnum() or after.isspace())),
    **dict.fromkeys("”»", lambda before, after: bool(before) and not after.isalnum()),
}
"""Quotation marks, and whether they fit between two characters."""

_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fc\uff66-\uff9d]")
_USUAL = re.compile(
    r"[\u3000-\u30ff\uff01-\uff60\uffe0-\uffe6\u2010-\u203b\u2150-\u217f\u2190-\u21d4\u2460-\u2473"
    r"\u25a0-\u25ef\u2600-\u266f\u3200-\u33ff]"
)
# Words of half-width katakana: two or more, with voicing marks only where they are possible.
_HALF_WIDTH_WORD = re.compile(r"(?:[ｳｶ-ﾄﾊ-ﾎ]ﾞ|[ﾊ-ﾎ]ﾟ|[ｦｱ-ﾝ])(?:[ｳｶ-ﾄﾊ-ﾎ]ﾞ|[ﾊ-ﾎ]ﾟ|[ｦ-ﾝ])+")
_KANJI = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Return the text without its byte order mark, and the Python codec that reads and writes the file.

    `name` begins the error messages. Raises UnusableFileError.
    """
    if len(data) > MAX_BYTES:
        raise UnusableFileError("csv.too_large", file=name, megabytes=MAX_BYTES // 1_000_000)
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise UnusableFileError("csv.other_kind", file=name, kind=kind)
    text, encoding = _decode(data, name)
    if _WEB_PAGE.match(text):
        raise UnusableFileError("csv.web_page", file=name)
    if _JSON.match(text):
        raise UnusableFileError("csv.other_kind", file=name, kind=Translatable("kind.json"))
    text = text.removesuffix(_DOS_END_OF_FILE)
    if found := _CONTROL.search(text):
        raise _control_character(found[0], name, line_at(text[: found.start()]))
    return text, encoding


def refuse_control_characters(text: str, name: str, line: int) -> None:
    """Raise UnusableFileError if a text from `line` has a character that no CSV may have."""
    if found := _CONTROL.search(text):
        raise _control_character(found[0], name, line)


def _control_character(character: str, name: str, line: int) -> UnusableFileError:
    return UnusableFileError("csv.control_character", file=name, line=line, character=f"U+{ord(character):04X}")


def _decode(data: bytes, name: str) -> tuple[str, str]:
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or _is_damaged_utf8(data):
            place = line_at(data[: error.start].decode(encoding, errors="ignore"))
            raise UnusableFileError("csv.damaged", file=name, line=place, encoding=encoding) from error
    return _decode_legacy(data, name)


def _is_damaged_utf8(data: bytes) -> bool:
    """Return whether this is UTF-8 with a few bad bytes, which legacy codecs might decode to nonsense."""
    text = data.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    return sum(char >= "\u0800" for char in text) - bad > bad


def _decode_legacy(data: bytes, name: str) -> tuple[str, str]:
    """Return the possible decoding that is most like Japanese; raises UnusableFileError if none is."""
    readings = [(text, encoding) for text, encoding in _readings(data) if not _UNASSIGNED.search(text)]
    plausibility, text, encoding = max(
        ((_plausibility(text), text, encoding) for text, encoding in readings),
        key=lambda reading: reading[0],
        default=(0.0, "", ""),
    )
    if encoding not in {"", "cp932"} and _is_other_asian(text):
        raise UnusableFileError("csv.unknown_encoding", file=name)
    western = _western(data)
    if western and western_plausibility(western) > max(_WESTERN_FROM, plausibility):
        return western, WESTERN
    if plausibility < _IMPLAUSIBLE:
        _refuse_damaged_japanese(data, name)
        raise UnusableFileError("csv.unknown_encoding", file=name)
    return text, encoding


def _western(data: bytes) -> str:
    """Return the text in Windows-1252, blank if it has bytes that mean nothing there, or NUL as UTF-16 has."""
    if b"\0" in data:
        return ""
    try:
        return data.decode(WESTERN)
    except UnicodeDecodeError:
        return ""


def _refuse_damaged_japanese(data: bytes, name: str) -> None:
    """Raise UnusableFileError by line if this is Japanese with a few bytes that mean nothing."""
    for encoding in ("cp932", "euc_jp"):
        text = _UNASSIGNED.sub("\ufffd", data.decode(encoding, errors="replace"))
        bad = text.count("\ufffd")
        whole = text.replace("\ufffd", "")
        beyond = len(_NOT_ASCII.findall(whole))
        if bad and _DAMAGED_UP_TO * beyond >= bad and _KANA.search(whole) and _plausibility(whole) > _SURELY_JAPANESE:
            line = line_at(text[: text.index("\ufffd")])
            raise UnusableFileError("csv.damaged", file=name, line=line, encoding=encoding)


def _readings(data: bytes) -> Iterator[tuple[str, str]]:
    for encoding in _LEGACY:
        try:
            yield data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue


def _plausibility(text: str) -> float:
    """Return 0 to 1: how usual the characters beyond ASCII are where they are, on average."""
    sample = "".join(match[0] for match in islice(_BEYOND_ASCII.finditer(text), _SAMPLE))
    words = [match.span() for match in _HALF_WIDTH_WORD.finditer(sample)]
    in_words = {place for start, end in words for place in range(start, end)}
    beyond = [place for place, char in enumerate(sample) if char > "\x7f"]
    weights = (0.85 if place in in_words else _weight(sample, place) for place in beyond)
    return sum(weights) / max(len(beyond), 1)


def western_plausibility(text: str) -> float:
    """Return 0 to 1: how usual the characters beyond ASCII are where they are, if this is a Western language."""
    runs = list(islice(_WESTERN_RUN.finditer(text), _SAMPLE))
    weights = [
        _western_weight(text[max(place - 1, 0) : place], text[place], text[place + 1 : place + 2])
        if run.end() - run.start() <= _LONGEST_WESTERN_RUN
        else 0.0
        for run in runs
        for place in range(run.start(), run.end())
    ]
    return sum(weights) / max(len(weights), 1)


def _western_weight(before: str, char: str, after: str) -> float:
    """Return how usual a character is between two others, which are blank at the ends."""
    alone = before.isascii() and after.isascii()
    if char in _QUOTES:
        fits = _QUOTES[char](before, after)
    elif char in _SYMBOLS or char.isspace():
        fits = alone and not (before.isalpha() and after.isalpha() and char not in "–—…\u00a0")
    elif char.isalpha() and char not in "ƒˆ":
        fits = not (before.islower() or before.isdigit()) if char.isupper() else alone or after.isalpha()
    else:
        fits = False
    return 1.0 if fits else 0.1


def _is_other_asian(text: str) -> bool:
    """Return whether text decoded as EUC-JP has many kanji but no kana: Chinese or Korean bytes."""
    return len(_KANJI.findall(text)) >= _KANJI_WITHOUT_KANA and not _KANA.search(text)


def _weight(text: str, place: int) -> float:
    char = text[place]
    if _USUAL.match(char):
        return 1.0
    if not _KANJI.match(char):
        return 0.1
    # An accented letter, or an apostrophe, decoded as cp932 is a kanji alone among Latin letters.
    around = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
    is_among_latin = any(char.isascii() and char.isalpha() for char in around)
    if _is_common_kanji(char):
        return 0.3 if is_among_latin and around.isascii() else 0.8
    return 0.1 if is_among_latin else 0.3


def _is_common_kanji(char: str) -> bool:
    """Return whether the kanji is in JIS level 1, the 2,965 kanji in ordinary use."""
    try:
        encoded = char.encode("euc_jp")
    except UnicodeEncodeError:
        return False
    return len(encoded) == 2 and encoded[0] < 0xD0  # noqa: PLR2004 - row 48 begins the second level


def line_at(before: str) -> int:
    """Return the number, from 1, of the line that begins after or in this text."""
    return len(re.findall(r"\r\n|\r|\n", before)) + 1
