"""Changing a few settings in `.env` and nothing else of it."""

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from indexes.atomic_file import replace_file

MARK = "\ufeff"
"""What Windows' Notepad puts at the beginning."""
_COMMENT = re.compile(r"(?<![^\S\r\n])[^\S\r\n]+#[^\r\n]*(?=[\r\n]*$)")


def write_settings(path: Path, values: Mapping[str, str], fresh: str = "") -> None:
    """Put settings into a `.env`, which only its owner may read then; one that isn't there begins as `fresh`.

    Raises OSError, and UnicodeDecodeError for a file that isn't UTF-8; the file is then what it was.
    """
    there = path.resolve()  # a link stays one
    text = there.read_bytes().decode("utf-8") if there.exists() else fresh
    replace_file(there, merged(text, values).encode("utf-8"), mode=0o600)


def merged(text: str, values: Mapping[str, str]) -> str:
    """Return the text of a `.env` with these values in it; every other line, comment and line end as it was.

    A setting takes the place of its earlier value, else of the line where it is commented out, else it comes last.
    """
    mark, body = (MARK, text[1:]) if text.startswith(MARK) else ("", text)
    end = "\r\n" if "\r\n" in body else "\n"
    bindings = list(parse_stream(StringIO(body, newline="")))
    written = "".join(_replaced(binding, values) for binding in bindings)
    for key in [key for key in values if key not in {binding.key for binding in bindings}]:
        written = _added(written, f"{key}={values[key]}", key, end)
    return mark + written


def _replaced(binding: Binding, values: Mapping[str, str]) -> str:
    original = binding.original.string
    if binding.key is None or binding.key not in values:
        return original
    end = original[len(original.rstrip("\r\n")) :]
    before = original[: len(original) - len(original.lstrip())]
    export = "export " if original.lstrip().startswith("export ") else ""
    comment = _COMMENT.search(original)
    return f"{before}{export}{binding.key}={values[binding.key]}{comment[0] if comment else ''}{end}"


def _added(text: str, line: str, key: str, end: str) -> str:
    commented = re.search(rf"^#[^\S\r\n]*{key}=[^\r\n]*", text, re.MULTILINE)
    if commented:
        return text[: commented.start()] + line + text[commented.end() :]
    gap = "" if not text or text.endswith(("\n", "\r")) else end
    return f"{text}{gap}{line}{end}"
