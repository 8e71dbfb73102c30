"""Workbooks as spreadsheet programs write them, and as somebody makes them who means harm."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import xlsxwriter
from xlsxwriter.workbook import Workbook

XLS = Path(__file__).parent / "fixtures" / "workbooks" / "faq.xls"
"""A sheet with merged cells and dates, and a second sheet, by Excel 97."""

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMES = "".join(f' xmlns:{name}="{_OFFICE}{name}:1.0"' for name in ("office", "table", "text"))
_KIND = "application/vnd.oasis.opendocument.spreadsheet"
_MANIFEST = (
    f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{_OFFICE}manifest:1.0">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_KIND}"/></manifest:manifest>'
)


def xlsx(fill: Callable[[Workbook], object]) -> bytes:
    """Return the workbook that `fill` fills."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        fill(workbook)
    return file.getvalue()


def sheets(**tables: Sequence[Sequence[object]]) -> bytes:
    """Return a workbook of these sheets."""

    def fill(workbook: Workbook) -> None:
        for name, rows in tables.items():
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)

    return xlsx(fill)


def table(*rows: Sequence[object]) -> bytes:
    """Return a workbook of one sheet."""
    return sheets(FAQ=rows)


def with_part(data: bytes, parts: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """Return a workbook some parts of which are changed."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, parts.get(name, bytes)(old.read(name)))
    return file.getvalue()


def compound(*parts: str) -> bytes:
    """Return a compound file with these parts, all empty: what Excel puts a workbook with a password into."""
    end, free, fat = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    counts = (0, 1, 1, 0, 4096, end, 0, end, 0, 0, *[free] * 108)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<16x5H6x118I", 62, 3, 0xFFFE, 9, 6, *counts)
    sectors = struct.pack("<128I", fat, end, *[free] * 126)
    return header + sectors + b"".join(_entry(name) for name in ("Root Entry", *parts)).ljust(512, b"\0")


def _entry(name: str) -> bytes:
    written = name.encode("utf-16-le")
    kind = 5 if name == "Root Entry" else 2
    return struct.pack("<64sHBB3I36xIQ", written, len(written) + 2, kind, 1, *[0xFFFFFFFF] * 3, 0xFFFFFFFE, 0)


def ods(rows: str, name: str = "FAQ") -> bytes:
    """Return an OpenDocument workbook of one sheet, made of XML."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _KIND, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{_NAMES}><office:body><office:spreadsheet>'
            f'<table:table table:name="{name}">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return file.getvalue()


def ods_row(*cells: str, repeated: int = 1) -> str:
    """Return a row of cells."""
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


def ods_cell(text: str, attributes: str = "") -> str:
    """Return a cell of text."""
    return f'<table:table-cell office:value-type="string" {attributes}><text:p>{text}</text:p></table:table-cell>'
