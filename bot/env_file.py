"""Changes a few settings in `.env` and nothing else in it."""

import errno
import os
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile

from dotenv.parser import Binding, parse_stream

from indexes.atomic_file import replace_file

MARK = "\ufeff"
"""The byte order mark that Windows' Notepad puts at the beginning."""
_COMMENT = re.compile(r"(?<![^\S\r\n])[^\S\r\n]+#[^\r\n]*(?=[\r\n]*$)")


def write_settings(path: Path, values: Mapping[str, str], fresh: str = "") -> None:
    """Write settings to a `.env`, readable by its owner only; a missing one starts as `fresh`.

    Raises OSError, and UnicodeDecodeError for a file that isn't UTF-8; the file is then what it was.
    """
    there = path.resolve()  # a link stays a link
    text = there.read_bytes().decode("utf-8") if there.exists() else fresh
    replace_file(there, merged(text, values).encode("utf-8"), mode=0o600)


def ensure_writable(path: Path) -> None:
    """Raise OSError when a `.env` can't be written there; leaves nothing behind."""
    there = path.resolve()
    if there.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(there))
    with TemporaryFile(dir=there.parent):
        pass


def merged(text: str, values: Mapping[str, str]) -> str:
    """Return the text of a `.env` with these values in it; every other line, comment and line end as it was.

    A setting takes the place of its earlier value, else of the line where it is commented out, else it comes last.
    """
    mark, body = (MARK, text[1:]) if text.startswith(MARK) else ("", text)
    end = "\r\n" if "\r\n" in body else "\n"
    bindings = list(parse_stream(StringIO(body, newline="")))
    lines = [_replaced(binding, values) for binding in bindings]
    missing = [key for key in values if key not in {binding.key for binding in bindings}]
    added = [key for key in missing if not _uncommented(lines, bindings, key, values[key])]
    gap = "" if not any(lines) or "".join(lines).endswith(("\n", "\r")) else end
    return mark + "".join([*lines, gap if added else "", *(f"{key}={values[key]}{end}" for key in added)])


def _replaced(binding: Binding, values: Mapping[str, str]) -> str:
    original = binding.original.string
    if binding.key is None or binding.key not in values:
        return original
    end = original[len(original.rstrip("\r\n")) :]
    before = original[: len(original) - len(original.lstrip())]
    export = "export " if original.lstrip().startswith("export ") else ""
    comment = _COMMENT.search(original)
    return f"{before}{export}{binding.key}={values[binding.key]}{comment[0] if comment else ''}{end}"


def _uncommented(lines: list[str], bindings: Sequence[Binding], key: str, value: str) -> bool:
    """Put a setting in the place of the first line where it is commented out; tell whether there is one.

    What only looks like a comment inside a quoted value of more than one line belongs to that value.
    """
    commented = re.compile(rf"^#[^\S\r\n]*{key}=[^\r\n]*", re.MULTILINE)
    for place, binding in enumerate(bindings):
        if binding.key is None and commented.search(lines[place]):
            lines[place] = commented.sub(lambda _: f"{key}={value}", lines[place], count=1)
            return True
    return False
