"""Reading a sheet of a workbook (.xlsx, .xlsm, .xls, .ods) as rows of texts."""

import csv
import io
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.names import name_of

log = logging.getLogger(__name__)

MAX_WORKBOOK = 50_000_000
"""Bytes of the file: far more than a million rows, since workbooks are compressed."""
SECONDS = 30.0
"""How long reading may take; fifty thousand rows take half a second, and a damaged file may take for ever."""

_READER = Path(__file__).with_name("workbook_process.py")
_SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its name, the names of all sheets of the workbook, and its rows from the first one on.

    Formulas are their values, merged cells are filled downwards; a row is `[]` if only merged cells reach it.
    """

    name: str
    names: tuple[str, ...]
    rows: Sequence[list[str]]


def read_sheet(data: bytes, name: str, wanted: str = "") -> Sheet:
    """Return the sheet called `wanted`, else the first one that isn't hidden; `name` begins the error messages.

    Hidden rows and columns are read like any other. Raises UnusableFileError.
    """
    if len(data) > MAX_WORKBOOK:
        raise UnusableFileError("csv.too_large", file=name, megabytes=MAX_WORKBOOK // 1_000_000)
    if not data.startswith(_SIGNATURES):
        raise UnusableFileError("workbook.not_one", file=name)
    found = _run_reader(data, name, wanted)
    sheets = tuple(found["sheets"])
    if error := found.get("error"):
        raise _unusable(error, name, wanted, sheets)
    return Sheet(found["sheet"], sheets, found["rows"])


def as_csv(sheet: Sheet) -> bytes:
    """Write a sheet as a CSV that reads as the sheet does: UTF-8 with byte order mark, CRLF."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(sheet.rows)
    return text.getvalue().encode("utf-8-sig")


def of_several(error: UnusableFileError, file: str, sheet: str, sheets: Sequence[str]) -> UnusableFileError:
    """Return an error about one sheet that names all sheets of its file."""
    return UnusableFileError(
        "workbook.other_sheets",
        error=error.message,
        sheet=sheet,
        sheets=_named(sheets),
        name=name_of(Path(file)),
    )


def _named(sheets: Sequence[str]) -> tuple[Translatable, ...]:
    return tuple(Translatable("list.quoted", text=sheet) for sheet in sheets)


def _run_reader(data: bytes, name: str, wanted: str) -> dict[str, Any]:
    command = [sys.executable, "-P", str(_READER), wanted]  # -P: the reader's folder has modules called like others
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        gave_up = isinstance(error, subprocess.CalledProcessError) and error.returncode == 1
        log.warning("%s could not be read (%s)", name, type(error).__name__)
        raise _unusable("damaged" if gave_up else "too_large", name, wanted, ()) from error
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _unusable(error: str, name: str, wanted: str, sheets: Sequence[str]) -> UnusableFileError:
    if error == "no_sheet" and wanted:
        return UnusableFileError("workbook.no_such_sheet", file=name, sheet=wanted, sheets=_named(sheets))
    if error == "no_sheet":
        return UnusableFileError("workbook.no_sheet", file=name)
    if error == "password":
        return UnusableFileError("workbook.password", file=name)
    if error == "too_large":
        return UnusableFileError("workbook.too_much", file=name)
    return UnusableFileError("workbook.damaged", file=name)
