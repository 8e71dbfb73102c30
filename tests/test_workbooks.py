"""Workbooks as knowledge bases: every kind of cell that people have in them, and files that mean harm."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from pathlib import Path

import pytest
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from bot.cli import main
from indexes.errors import UnusableFileError
from indexes.records import KnowledgeBase, check_file, read_records
from indexes.records.reading import parse_records
from indexes.records.table import read_table
from indexes.records.workbook import as_csv, read_sheet
from tests.workbooks import XLS, compound, ods, ods_cell, ods_row, sheets, table, with_part, xlsx

HEADER = ["質問", "回答"]
ROWS = [HEADER, ["VPNにつながりません", "再起動してください"], ["印刷できません", "用紙を確かめてください"]]


def read(data: bytes, name: str = "faq.xlsx", sheet: str = "") -> KnowledgeBase:
    return parse_records(data, Path(name), sheet)


def refusal(data: bytes, name: str = "faq.xlsx", sheet: str = "") -> str:
    with pytest.raises(UnusableFileError) as raised:
        read(data, name, sheet)
    return str(raised.value)


at = partial(datetime, 2026, 3, 4)
"""A time of day without a time zone: a spreadsheet knows none."""


def of_cell(write: object, number_format: str = "") -> str:
    """Return as what one cell of an answer is read."""

    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, [*HEADER, "備考"])
        sheet.write_row(1, 0, ["q", "a"])
        style = workbook.add_format({"num_format": number_format} if number_format else {})
        if callable(write):
            write(sheet)
        elif isinstance(write, datetime | date | time | timedelta):
            sheet.write_datetime(1, 2, write, style)
        else:
            sheet.write(1, 2, write, style)

    [record] = read(xlsx(fill)).records
    return record.details.get("備考", "")


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        ("text", "", "text"),
        ("  surrounded  ", "", "surrounded"),
        ("two\nlines", "", "two\nlines"),
        ("two\r\nlines", "", "two\nlines"),
        ("two\x0blines", "", "two\nlines"),
        (3, "", "3"),
        (3.0, "0.00", "3"),
        (-0.5, "", "-0.5"),
        (0.1 + 0.2, "", "0.3"),
        (0.05, "0%", "0.05"),
        (1e-7, "", "0.0000001"),
        (123456789012345, "", "123456789012345"),
        (1e15, "", "1000000000000000"),
        (1e300, "", "1e+300"),
        (True, "", "TRUE"),
        (False, "", "FALSE"),
        (date(2026, 3, 4), "yyyy/m/d", "2026-03-04"),
        (date(2026, 3, 4), 'yyyy"年"m"月"d"日"', "2026-03-04"),
        (46085, '[$-411]ggge"年"m"月"d"日"', "2026-03-04"),
        (at(), "yyyy-mm-dd hh:mm", "2026-03-04"),
        (at(9, 30), "yyyy-mm-dd hh:mm", "2026-03-04 09:30"),
        (at(9, 20), "yyyy-mm-dd hh:mm", "2026-03-04 09:20"),
        (at(23, 59, 59), "yyyy-mm-dd hh:mm:ss", "2026-03-04 23:59:59"),
        (time(9, 20), "hh:mm", "09:20"),
        (timedelta(hours=36, minutes=30), "[h]:mm", "36:30:00"),
        ("=literal", "", "=literal"),
    ],
)
def test_a_cell_is_read_as_people_see_it(value: object, number_format: str, text: str) -> None:
    def write(sheet: Worksheet) -> None:
        sheet.write_string(1, 2, str(value))

    assert of_cell(write if isinstance(value, str) else value, number_format) == text


def test_formulas_links_and_rich_text_are_what_they_show() -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["質問", "回答", "件数", "エラー"])
        sheet.write_url(1, 0, "https://example.com/", string="リンク")
        sheet.write_rich_string(1, 1, workbook.add_format({"bold": True}), "太字", "と普通")
        sheet.write_formula(1, 2, "=1+2", None, 3)
        sheet.write_formula(1, 3, "=NA()", None, "#N/A")

    [record] = read(xlsx(fill)).records
    assert (record.question, record.answer, dict(record.details)) == ("リンク", "太字と普通", {"件数": "3"})


def test_readings_of_kanji_and_returns_of_excel_are_no_text() -> None:
    data = with_part(
        table(HEADER, ["東京_", "一行目@二行目^三行目$"]),
        {
            "xl/sharedStrings.xml": lambda xml: (
                xml.replace("<t>東京_</t>".encode(), "<t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh>".encode())
                .replace(b"@", b"_x000D_\n")
                .replace(b"^", b"_x000B_")
                .replace(b"$", b"_x0008__x001F_")
            )
        },
    )
    [record] = read(data).records
    assert (record.question, record.answer) == ("東京", "一行目\n二行目\n三行目")


def merged(workbook: Workbook) -> None:
    sheet = workbook.add_worksheet()
    sheet.write_row(0, 0, ["カテゴリ", "質問", "回答"])
    sheet.merge_range("A2:A4", "アカウント")
    sheet.merge_range("B2:B3", "パスワードを忘れました")
    sheet.write_column(1, 2, ["再設定ページを開く", "社員番号を入れる", "30分待つ"])
    sheet.write("B4", "ロックされました")


def test_merged_cells_are_filled_downwards() -> None:
    records = read(xlsx(merged)).records
    assert [(one.category, one.question, one.answer) for one in records] == [
        ("アカウント", "パスワードを忘れました", "再設定ページを開く"),
        ("アカウント", "パスワードを忘れました", "社員番号を入れる"),
        ("アカウント", "ロックされました", "30分待つ"),
    ]


def test_rows_merged_to_look_taller_are_one_row_and_no_problem() -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for cells, text in (("A2:A3", "q1"), ("B2:B3", "a1"), ("A4:A6", "q2"), ("B4:B6", "a2")):
            sheet.merge_range(cells, text)

    found = read(xlsx(fill))
    assert [(one.line, one.question, one.answer) for one in found.records] == [(2, "q1", "a1"), (4, "q2", "a2")]
    assert found.problems == ()


def test_blank_merged_cells_are_no_damage() -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, [*HEADER, "備考"])
        sheet.merge_range("A2:A3", "q1")
        sheet.write("B2", "a1")
        sheet.merge_range("C3:C4", "")
        sheet.write_row(3, 0, ["q2", "a2"])
        sheet.merge_range("X2:Y4", "")

    found = read(xlsx(fill))
    assert [(one.line, one.question, one.answer) for one in found.records] == [(2, "q1", "a1"), (4, "q2", "a2")]


def test_a_title_merged_over_columns_is_said_once_and_the_header_is_found() -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet()
        sheet.merge_range("A1:B1", "FAQ一覧")
        sheet.write_row(2, 0, HEADER)
        sheet.write_row(3, 0, ["q", "a"])

    assert "FAQ一覧" in (said := refusal(xlsx(fill)))
    assert "line 3 looks like the header: delete the lines above it" in said


def test_the_lines_of_problems_are_the_rows_of_the_sheet() -> None:
    found = read(table(HEADER, ["q", "one\ntwo\nthree"], ["q", "one\ntwo\nthree"], ["", ""], ["r", "b"]))
    assert [(one.line, one.skipped) for one in found.problems] == [(3, True), (4, True)]
    assert [one.line for one in found.records] == [2, 5]


def test_a_table_may_stand_anywhere_in_the_sheet_and_formats_reach_far() -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(ROWS):
            sheet.write_row(3 + number, 2, row)
        sheet.write_blank(1_000_000, 1_000, None, workbook.add_format({"bold": True}))
        sheet.set_row(5, None, None, {"hidden": True})

    found = read(xlsx(fill))
    assert [one.question for one in found.records] == ["VPNにつながりません", "印刷できません"], "hidden rows as well"
    assert found.header_line == 4


# -- Which sheet


def several(workbook: Workbook) -> None:
    for name, row in (("内部", "hidden"), ("FAQ", "shown"), ("ＦＡＱ２", "second")):
        sheet = workbook.add_worksheet(name)
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, [row, "a"])
    workbook.worksheets()[0].hide()
    workbook.worksheets()[1].activate()
    workbook.add_chartsheet("図")


@pytest.mark.parametrize(
    ("wanted", "question", "name"),
    [
        ("", "shown", "FAQ"),
        ("FAQ", "shown", "FAQ"),
        (" faq ", "shown", "FAQ"),
        ("FAQ2", "second", "ＦＡＱ２"),
        ("内部", "hidden", "内部"),
    ],
)
def test_the_first_shown_sheet_is_read_or_the_named_one(wanted: str, question: str, name: str) -> None:
    found = read(xlsx(several), sheet=wanted)
    assert ([one.question for one in found.records], found.sheet) == ([question], name)


def test_a_sheet_that_is_missing_or_useless_names_the_others() -> None:
    assert refusal(xlsx(several), sheet="Q&A") == (
        'faq.xlsx: no sheet is called \'Q&A\'; there are: "内部", "FAQ", "ＦＡＱ２", "図"'
    )
    cover = sheets(表紙=[["2026年度"], ["総務部"]], FAQ=ROWS)
    said = refusal(cover)
    assert said.startswith('faq.xlsx: no column to search: the first row has "2026年度".')
    assert 'This is the sheet \'表紙\' of "表紙", "FAQ"' in said
    assert "[knowledge_bases.faq] sheet = " in said
    assert len(read(cover, sheet="FAQ").records) == 2
    assert refusal(sheets(a=[], b=ROWS)).startswith(
        'faq.xlsx: the file is empty; give it a header row first. This is the sheet \'a\' of "a", "b"; another is read'
    )
    assert refusal(sheets(a=[])) == "faq.xlsx: the file is empty; give it a header row first"


# -- Other programs


def test_an_old_workbook_is_read_like_a_new_one() -> None:
    found = read(XLS.read_bytes(), "faq.xls")
    assert [(one.category, one.question, one.updated, dict(one.details)) for one in found.records] == [
        ("アカウント", "パスワードを忘れました", "2026-01-02", {"件数": "5"}),
        ("アカウント", "ロックされました", "2026-03-04", {"件数": "2.5"}),
    ]


def test_an_open_document_is_read_like_a_workbook() -> None:
    spans = 'table:number-rows-spanned="2" table:number-columns-spanned="1"'
    covered = "<table:covered-table-cell/>"
    day = '<table:table-cell office:value-type="date" office:date-value="2026-01-02"/>'
    empty = '<table:table-cell table:number-columns-repeated="16384"/>'
    data = ods(
        ods_row(ods_cell("カテゴリ"), ods_cell("質問"), ods_cell("回答"), ods_cell("更新日"))
        + ods_row(ods_cell("前"), ods_cell("q0"), ods_cell("one</text:p><text:p>two"), day)
        + ods_row(ods_cell("同"), ods_cell("q"), ods_cell("a", 'table:number-columns-repeated="2"'), repeated=2)
        + ods_row(ods_cell("共通", spans), ods_cell("q1"), ods_cell("a1"))
        + ods_row(covered, ods_cell("q2"), ods_cell("a2"))
        + ods_row(empty, repeated=1_048_000)
    )
    found = read(data, "faq.ods")
    assert [(one.category, one.question, one.answer, one.updated) for one in found.records] == [
        ("前", "q0", "one\ntwo", "2026-01-02"),
        ("同", "q", "a", "a"),
        ("共通", "q1", "a1", ""),
        ("共通", "q2", "a2", ""),
    ]


# -- Harm


@cache
def bomb() -> bytes:
    """Two megabytes that unpack to more than four hundred."""
    return with_part(table(*ROWS), {"xl/worksheets/sheet1.xml": lambda xml: xml + b" " * 410_000_000})


def far() -> bytes:
    """One value in the far corner: five kilobytes for which the reader alone would ask for half a terabyte."""
    return with_part(
        table(*ROWS),
        {
            "xl/worksheets/sheet1.xml": lambda xml: xml.replace(
                b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
            )
        },
    )


def echo() -> bytes:
    """One long text that ten thousand cells share: half a megabyte that would be hundreds."""
    cells = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (row, row) for row in range(10, 10_510))
    return with_part(
        table(*ROWS),
        {
            "xl/sharedStrings.xml": lambda xml: xml.replace(b"<t>", b"<t>" + b"x" * 20_000, 1),
            "xl/worksheets/sheet1.xml": lambda xml: xml.replace(b"</sheetData>", cells + b"</sheetData>"),
        },
    )


def laughs() -> bytes:
    """Entities of entities."""
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    document = f"<?xml version='1.0'?><!DOCTYPE x [{entities}]>".encode()
    return with_part(
        table(*ROWS),
        {"xl/sharedStrings.xml": lambda xml: document + xml.split(b"?>", 1)[1].replace(b"<t>", b"<t>&a9;", 1)},
    )


def repeated() -> bytes:
    """One cell, repeated over the whole sheet."""
    return ods(ods_row(ods_cell("x", 'table:number-columns-repeated="16384"'), repeated=1_048_576))


def lying() -> bytes:
    """An archive that says that its sheet is small."""
    data = bytearray(bomb())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size.to_bytes(4, "little")
    return bytes(data).replace(size, (1000).to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("made", "name", "said"),
    [
        (lambda: b"", "faq.xlsx", "named like a workbook, but not one"),
        (lambda: b"question,answer\na,b\n", "faq.xlsx", "named like a workbook, but not one"),
        (lambda: b"<html><table><tr><td>question</td></tr></table>", "faq.xls", "named like a workbook, but not one"),
        (lambda: b"PK\x03\x04 and nothing more", "faq.xlsx", "damaged"),
        (lambda: table(*ROWS)[:3000], "faq.xlsx", "damaged"),
        (lambda: XLS.read_bytes()[:1500], "faq.xls", "damaged"),
        (lambda: ods("<table:table-row"), "faq.ods", "damaged"),
        (lambda: compound("WordDocument"), "faq.xls", "damaged"),
        (lambda: compound("EncryptionInfo", "EncryptedPackage"), "faq.xlsx", "protected by a password"),
        (bomb, "faq.xlsx", "takes too much memory or time"),
        (far, "faq.xlsx", "takes too much memory or time"),
        (echo, "faq.xlsx", "takes too much memory or time"),
        (repeated, "faq.ods", "damaged"),
    ],
)
def test_what_is_no_workbook_or_means_harm_is_refused(made: Callable[[], bytes], name: str, said: str) -> None:
    refused = refusal(made(), name)
    assert refused.startswith(f"{name}: ")
    assert said in refused


@pytest.mark.parametrize("made", [laughs, lying])
def test_a_file_that_means_harm_does_none(made: Callable[[], bytes]) -> None:
    try:
        assert all(len(one.question) < 100 for one in read(made()).records)
    except UnusableFileError as error:
        assert str(error).startswith("faq.xlsx: ")  # noqa: PT017 - refusing it is as good as reading what is sound


def test_a_control_character_is_refused_by_row() -> None:
    data = with_part(table(*ROWS), {"xl/sharedStrings.xml": lambda xml: xml.replace("用紙".encode(), b"\xef\xbf\xbd")})
    assert refusal(data).startswith("faq.xlsx:3: not plain text: it contains the character U+FFFD")


# -- As a CSV, and the command line


@pytest.mark.parametrize("data", [table(*ROWS), xlsx(merged), table(HEADER, ["q,1", 'a "b"\nc'], ["-x", "=1"])])
def test_a_sheet_as_csv_reads_as_the_sheet(data: bytes) -> None:
    written = as_csv(read_sheet(data, "faq.xlsx"))
    sheet, of_csv = (read_table(each, name, bool) for each, name in ((data, "faq.xlsx"), (written, "faq.csv")))
    assert (of_csv.header, of_csv.columns) == (sheet.header, sheet.columns)
    assert written.startswith(b"\xef\xbb\xbf")


def test_check_says_which_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "faq.xlsx"
    path.write_bytes(xlsx(several))
    assert main(["check", str(path)]) == 0
    assert 'faq.xlsx: 1 record, 0 skipped (sheet "FAQ")' in capsys.readouterr().out
    assert main(["check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["sheet"] == "FAQ"
    assert check_file(path, "内部").sheet == "内部"
    assert len(read_records(path, "内部").records) == 1
