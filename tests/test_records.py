"""CSV intake: every row of PRODUCT.md's bad-input table that is about files, with real files."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from indexes.errors import UnusableFileError
from indexes.records import Problem, Record, parse_records, read_records
from indexes.records.columns import MAX_COLUMNS
from indexes.records.decoding import MAX_BYTES
from indexes.records.editing import add, change
from indexes.records.table import MAX_CELL

PASSWORD = ("パスワードを忘れました", "ポータルの「再設定」を押します")
VPN = ("VPNにつながらない", "①端末を再起動\n②もう一度つなぐ")
TABLE = [("質問", "回答", "備考"), (*PASSWORD, "情シス"), (*VPN, "")]


def csv_text(rows: Sequence[tuple[str, ...]], delimiter: str = ",", line_end: str = "\n") -> str:
    quoted = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return line_end.join(quoted) + line_end


def write(folder: Path, content: str | bytes, name: str = "it-help.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(content: str | bytes) -> str:
    with pytest.raises(UnusableFileError) as caught:
        parse_records(content if isinstance(content, bytes) else content.encode(), Path("it-help.csv"))
    return str(caught.value)


def told(problems: Iterable[Problem]) -> list[tuple[int, str, bool]]:
    return [(problem.line, str(problem.message), problem.skipped) for problem in problems]


def parsed(content: str) -> tuple[list[tuple[str, str]], list[Problem]]:
    found = parse_records(content.encode(), Path("it-help.csv"))
    return [(record.question, record.answer) for record in found.records], list(found.problems)


# What just loads


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"], ids=["comma", "tab", "semicolon"])
@pytest.mark.parametrize(
    ("codec", "reported"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("utf-32", "utf-32"),
        ("cp932", "cp932"),
        ("euc_jis_2004", "euc_jis_2004"),  # because of the ①: euc_jp has none
    ],
)
def test_encodings_line_ends_and_delimiters_just_load(
    tmp_path: Path, codec: str, reported: str, delimiter: str, line_end: str
) -> None:
    data = csv_text(TABLE, delimiter, line_end).encode(codec)
    if codec == "utf-16-be":
        data = b"\xfe\xff" + data
    found = read_records(write(tmp_path, data))
    assert [(record.question, record.answer) for record in found.records] == [PASSWORD, VPN]
    assert [record.details for record in found.records] == [{"備考": "情シス"}, {}]
    assert (found.encoding, found.delimiter, found.problems) == (reported, delimiter, ())
    assert data.decode(found.encoding).encode(found.encoding).decode(found.encoding) == data.decode(found.encoding)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_euc_jp_is_not_taken_for_cp932(tmp_path: Path, line_end: str) -> None:
    table = [("質問", "回答"), PASSWORD, ("経費の締め日はいつですか", "毎月25日です。")]
    data = csv_text(table, ",", line_end).encode("euc_jp")
    found = read_records(write(tmp_path, data))
    assert [(record.question, record.answer) for record in found.records] == table[1:]
    assert found.encoding == "euc_jp"


def test_euc_jp_is_recognised_even_where_its_bytes_are_valid_cp932() -> None:
    data = "question,answer\n通勤の届,ここ\n".encode("euc_jp")
    assert data.decode("cp932") == "question,answer\nﾄﾌｶﾐ､ﾎﾆﾏ,､ｳ､ｳ\n"
    record = parse_records(data, Path("x.csv")).records[0]
    assert (record.question, record.answer) == ("通勤の届", "ここ")


@pytest.mark.parametrize("text", ["ﾊﾟｽﾜｰﾄﾞ", "ﾈｯﾄﾜｰｸ", "ｶｲｷﾞｼﾂ"])
def test_half_width_katakana_in_cp932_is_not_taken_for_euc_jp_and_is_shown_as_written(text: str) -> None:
    data = f"question,answer\n{text},{text}\n".encode("cp932")
    assert parse_records(data, Path("x.csv")).records[0].question == text


def test_cp932_reads_the_characters_that_shift_jis_lacks() -> None:
    found = parse_records("質問,回答\n髙橋さんの席,①3階です\n".encode("cp932"), Path("x.csv"))
    assert (found.records[0].question, found.records[0].answer) == ("髙橋さんの席", "①3階です")
    assert found.encoding == "cp932"


def test_texts_are_shown_as_written_but_for_the_space_around_them() -> None:
    rows, problems = parsed("質問,回答\n　ＶＰＮ ﾊﾟｽﾜｰﾄﾞ ～\t, NA \n0120,null\n")
    assert rows == [("ＶＰＮ ﾊﾟｽﾜｰﾄﾞ ～", "NA"), ("0120", "null")]
    assert told(problems) == []


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_not_confused_by_the_others_inside_cells(delimiter: str) -> None:
    cell = "a, b; c, d; e, f"
    text = f"question{delimiter}answer\n" + f'"{cell}"{delimiter}"{cell}"\n' * 1 + f'"{cell}!"{delimiter}x\n'
    found = parse_records(text.encode(), Path("x.csv"))
    assert found.delimiter == delimiter
    assert [record.question for record in found.records] == [cell, cell + "!"]


def test_an_excel_separator_line_decides_and_lines_still_count_from_the_top() -> None:
    found = parse_records(b"sep=;\r\nquestion;answer\r\nWhat, now?;Nothing\r\n", Path("x.csv"))
    assert (found.delimiter, found.records[0].question, found.records[0].line) == (";", "What, now?", 3)


@pytest.mark.parametrize("hint", ["sep=;;", '"sep=;"', "SEP=;;;"])
def test_an_excel_separator_line_may_be_as_wide_as_the_rows_below(hint: str) -> None:
    found = parse_records(f"{hint}\nquestion;answer;note\nq;a, b;c\n".encode(), Path("x.csv"))
    assert (found.delimiter, found.records[0].answer, found.header_line) == (";", "a, b", 2)


def test_one_column_without_any_delimiter_is_a_knowledge_base() -> None:
    rows, problems = parsed("質問\nVPNとは\n社内, 社外の違い\n")
    assert rows == [("VPNとは", ""), ("社内, 社外の違い", "")]
    assert told(problems) == []


def test_a_dos_end_of_file_mark_is_ignored() -> None:
    assert parsed("質問,回答\na,b\n\x1a")[0] == [("a", "b")]


def test_large_files_with_bare_carriage_returns_keep_their_rows() -> None:
    text = "質問,回答\r" + "".join(f'問い{i},"答え\r{i}"\r' for i in range(40_000))
    found = parse_records(text.encode(), Path("x.csv"))
    assert len(found.records) == 40_000
    last = found.records[-1]
    assert (last.question, last.answer, last.line) == ("問い39999", "答え\r39999", 2 * 39_999 + 2)


# What is refused, with file and reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it-help.csv: the file is empty; give it a header row first"),
        (b"\xef\xbb\xbf", "it-help.csv: the file is empty; give it a header row first"),
        (b" \r\n\r\n ,\n", "it-help.csv: the file is empty; give it a header row first"),
        ("質問,回答\n", "it-help.csv: only a header; add one row per question"),
        ("質問,回答\n\n\n", "it-help.csv: only a header; add one row per question"),
        (
            "id,質問,回答\n1,,\n",
            "it-help.csv: no usable row in the file; it-help.csv:2: question and answer are both blank",
        ),
    ],
)
def test_files_without_rows_are_refused(content: str | bytes, message: str) -> None:
    assert refusal(content) == message


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "not a CSV but an Excel workbook (.xlsx) or another zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not a CSV but an old Excel workbook (.xls)"),
        (b"%PDF-1.7\n", "not a CSV but a PDF"),
        (b"\x1f\x8b\x08\x00", "not a CSV but a gzip archive"),
        (b"\x89PNG\r\n\x1a\n", "not a CSV but a picture"),
        (b"\n<!DOCTYPE html><title>Sign in</title>", "not a CSV but a web page"),
        (b"<html lang=ja>", "not a CSV but a web page"),
        (b'[\n {"question": "Where?", "answer": "Here"}]', "not a CSV but JSON"),
        (b'{"question": "Where?", "answer": "Here"}\n{"question": "When?", "answer": "Now"}', "not a CSV but JSON"),
        (bytes(range(256)), "can't be read as text in UTF-8, UTF-16, CP932 (Shift_JIS) or EUC-JP"),
        (b"\x00" * 100, "the file is empty"),
        ("質問,回答\na,b\n".encode("utf-16-le"), "can't be read as text"),  # no byte order mark
        ("question,answer\na,b\n".encode("utf-16-le"), "not plain text: NUL bytes in its header"),
        (b"\x00\x01\x02\x03,\x04\n", "not plain text: it contains the character U+0001"),
    ],
)
def test_files_that_are_not_csv_are_refused(content: bytes, what: str) -> None:
    assert refusal(content).startswith("it-help.csv:")
    assert what in refusal(content)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("вопрос,ответ\nКак сбросить пароль,Нажмите кнопку\n", "cp1251"),
        ("question,answer\n" + "비밀번호를 잊어버렸습니다,재설정하세요\n" * 3, "euc_kr"),
        ("question,answer\n" + "忘记密码怎么办,请联系管理员重置您的密码\n" * 3, "gbk"),
    ],
)
def test_other_encodings_are_refused_rather_than_read_as_nonsense(text: str, codec: str) -> None:
    assert refusal(text.encode(codec)) == (
        "it-help.csv: can't be read as text in UTF-8, UTF-16, CP932 (Shift_JIS) or EUC-JP; "
        'save it as "CSV UTF-8" and try again'
    )


def test_damaged_utf8_is_refused_by_line_and_not_tried_as_cp932() -> None:
    whole = "質問,回答\nパスワード,リセット".encode()
    assert refusal(whole[:-1]) == ("it-help.csv:2: the file is utf-8 but its bytes are damaged here; export it again")


def test_damaged_utf16_is_refused() -> None:
    assert refusal("質問,回答\na,b".encode("utf-16")[:-1]) == (
        "it-help.csv:2: the file is utf-16 but its bytes are damaged here; export it again"
    )


@pytest.mark.parametrize("char", ["\ufffd", "\x07", "\x1b", "\x85", "\x7f"])
def test_replacement_and_control_characters_are_refused_by_line(char: str) -> None:
    assert refusal(f'質問,回答\r\n"a\r\nb",c\r\nd{char},e\r\n') == (
        f"it-help.csv:4: not plain text: it contains the character U+{ord(char):04X}; "
        "remove it, or export the file again"
    )


def test_no_known_column_is_refused_with_the_names_that_are_understood() -> None:
    message = refusal("foo,カテゴリ\n1,2\n")
    assert message.startswith('it-help.csv: no column to search: the first row has "foo", "カテゴリ". ')
    for name in ("question", "質問", "問い合わせ", "answer", "回答", "body"):
        assert name in message


def test_a_title_above_the_header_is_pointed_out() -> None:
    assert refusal("社内FAQ一覧,\n,\n質問,回答\na,b\n").endswith(
        "Or: line 3 looks like the header: delete the lines above it"
    )


@pytest.mark.parametrize(
    "header", ["質問,回答,質問", "質問,回答,備考,備考", "question,answer,Ｑｕｅｓｔｉｏｎ ", "質問,a,a"]
)
def test_duplicate_headers_are_refused_by_name(header: str) -> None:
    message = refusal(f"{header}\n{',x' * header.count(',')}\n")
    last = header.rsplit(",", maxsplit=1)[-1].strip()
    assert message == f'it-help.csv: two columns are both named "{last}"; rename or remove one'


def test_an_open_quotation_mark_is_refused_with_the_line_where_its_row_begins() -> None:
    assert refusal('質問,回答\n"a\nb",c\nd,"e\nf,g\n') == (
        "it-help.csv:4: a quotation mark in this row is never closed; "
        'close it, or write "" for a quotation mark inside a cell'
    )


def test_too_many_columns_and_too_many_bytes_are_refused() -> None:
    assert refusal("質問," + ",".join(f"c{i}" for i in range(MAX_COLUMNS)) + "\n") == (
        f"it-help.csv: {MAX_COLUMNS + 1} columns, at most {MAX_COLUMNS} are read; is it a CSV?"
    )
    assert refusal(b"x" * (MAX_BYTES + 1)) == ("it-help.csv: larger than 400 MB; split it into several knowledge bases")


def test_columns_without_a_name_are_not_counted_at_the_end() -> None:
    commas = "," * 2 * MAX_COLUMNS
    rows, problems = parsed(f"質問,回答{commas}\na,b{commas}\nc,d{commas}x\ne,f\n")
    assert rows == [("a", "b"), ("e", "f")]
    message = (
        "402 fields, the header has 2; there is a text far right of the last column with a name; delete it, or name"
    )
    assert [(line, said.partition(" its")[0]) for line, said, _ in told(problems)] == [(3, message)]


def test_a_file_larger_than_the_limit_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "質問,回答\n")
    os.truncate(path, 50 * MAX_BYTES)  # sparse
    with pytest.raises(UnusableFileError, match="larger than 400 MB"):
        read_records(path)


def test_files_that_cannot_be_opened_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError, match=r"^gone\.csv: there is no such file"):
        read_records(tmp_path / "gone.csv")
    with pytest.raises(UnusableFileError, match=": not a file; name a CSV file"):
        read_records(tmp_path)
    with pytest.raises(UnusableFileError, match="can't be read"):
        read_records(tmp_path / "nul\0.csv")
    with pytest.raises(UnusableFileError, match="can't be read"):
        read_records(tmp_path / ("x" * 300))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "質問,回答\na,b\n")
    path.chmod(0)
    with pytest.raises(UnusableFileError, match="no permission"):
        read_records(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UnusableFileError, match="not a file"):
        read_records(tmp_path / "pipe.csv")


# What costs only its row


def test_rows_with_a_field_too_many_are_skipped_by_line_and_the_rest_loads() -> None:
    rows, problems = parsed("質問,回答,備考\na,b,c\nd,e,f,g\nh,i,j,,\n")
    assert rows == [("a", "b"), ("h", "i")]
    assert told(problems) == [
        (3, "4 fields, the header has 3; put quotation marks around a cell that contains the delimiter", True)
    ]


def test_a_space_before_a_quotation_mark_is_named() -> None:
    rows, problems = parsed('question, answer\n"Who?", "We"\n"Where?", "Floor 2, left"\n')
    assert rows == [("Who?", '"We"')]
    why = "remove the space between a delimiter and the quotation mark after it"
    assert told(problems) == [(3, f"3 fields, the header has 2; {why}", True)]


def test_a_field_too_many_never_shifts_columns() -> None:
    rows, problems = parsed("質問,回答\na,b,\nc,d,e\nf,g\n")
    assert rows == [("a", "b"), ("f", "g")]
    assert [problem.line for problem in problems] == [3]


def test_blank_lines_are_no_rows_but_keep_the_count() -> None:
    found = parse_records("\n質問,回答\n\na,b\n   \nc,d\n\n".encode(), Path("x.csv"))
    assert [record.line for record in found.records] == [4, 6]
    assert found.problems == ()


def test_a_run_of_blank_rows_is_reported_once() -> None:
    rows, problems = parsed('質問,回答\n,\na,b\n,\n" ",\n\n,\n,,,,\n')
    assert rows == [("a", "b")]
    assert told(problems) == [
        (2, "every cell is blank", True),
        (4, "every cell is blank", True),
    ]


def test_rows_with_neither_question_nor_answer_are_skipped_by_line() -> None:
    rows, problems = parsed('id,質問,回答\n1,,\n2,a,\n3,　,b\n4," \n",\t\n')
    assert rows == [("a", ""), ("", "b")]
    assert told(problems) == [
        (2, "question and answer are both blank", True),
        (5, "question and answer are both blank", True),
    ]


def test_duplicate_ids_are_skipped_and_name_the_first_line() -> None:
    rows, problems = parsed("id,質問,回答\nA1,a,b\nA2,c,d\n A1 ,e,f\n")
    assert rows == [("a", "b"), ("c", "d")]
    assert told(problems) == [(4, 'id "A1" is taken by line 2; give the row its own', True)]


def test_identical_rows_are_skipped_and_name_the_first_line() -> None:
    rows, problems = parsed("id,質問,回答\n1,a,b\n2,a,c\n3,a,b \n")
    assert rows == [("a", "b"), ("a", "c")]
    assert told(problems) == [(4, "the same question and answer as in line 2", True)]


def test_over_long_cells_are_cut_and_reported() -> None:
    long = "あ" * (MAX_CELL + 500)
    found = parse_records(f"質問,回答,備考\n短い,{long},x\n次,y,{'z' * MAX_CELL}\n".encode(), Path("x.csv"))
    assert found.records[0].answer == "あ" * MAX_CELL
    assert found.records[1].details["備考"] == "z" * MAX_CELL
    message = '"回答" has 32,500 characters and was cut after 32,000; split the row'
    assert told(found.problems) == [(2, message, False)]


def test_a_cell_beyond_the_csv_module_s_own_limit_is_cut_too() -> None:
    long = "x\n" * 200_000
    found = parse_records(f'質問,回答\na,"{long}"\nb,c\n'.encode(), Path("x.csv"))
    assert [(record.question, record.line) for record in found.records] == [("a", 2), ("b", 200_003)]
    assert len(found.records[0].answer) == MAX_CELL


def test_nul_bytes_are_removed_and_reported_by_line() -> None:
    rows, problems = parsed('質問,回答\n"a\n\0b",c\nd,e\nf,\0\0\n\0\0\0\n')
    message = "NUL bytes were removed; is the row complete?"
    assert rows == [("a\nb", "c"), ("d", "e"), ("f", "")]
    assert told(problems) == [(line, message, False) for line in (2, 5, 6)]


def test_problems_come_in_the_order_of_lines() -> None:
    long = "x" * (MAX_CELL + 1)
    _, problems = parsed(f"id,質問,回答\n1,a,{long}\n1,b,c\n2\n3,,\n4,d,{long}\n")
    assert [problem.line for problem in problems] == [2, 3, 4, 5, 6]
    assert [problem.skipped for problem in problems] == [False, True, True, True, False]


def test_lines_are_right_under_quoted_newlines_of_every_kind() -> None:
    found = parse_records('質問,回答\r\n"a\nb\r\nc",d\r\ne,"f\r\r"\r\ng,h\r\n'.encode(), Path("x.csv"))
    assert [record.line for record in found.records] == [2, 5, 8]
    assert [record.answer for record in found.records] == ["d", "f", "h"]


# Columns


@pytest.mark.parametrize(
    ("header", "role"),
    [
        *(
            (name, "question")
            for name in ("質問", "ご質問", "問い合わせ", "問合せ", "お問い合わせ", "title", "タイトル")
        ),
        *((name, "question") for name in ("name", "Question", " QUESTION ", "Ｑ", "FAQ", "subject", "件名")),
        *((name, "answer") for name in ("回答", "答え", "Content", "内容", "description", "BODY", "text", "ﾃｷｽﾄ")),
    ],
)
def test_the_searched_columns_are_found_by_name(header: str, role: str) -> None:
    found = parse_records(f"{header},備考\nx,y\n".encode(), Path("x.csv"))
    assert found.columns == {role: header.strip()}
    assert getattr(found.records[0], role) == "x"
    assert found.details == ("備考",)


@pytest.mark.parametrize(
    ("header", "role"),
    [
        *((name, "id") for name in ("id", "No.", "ＮＯ", "番号", "管理番号")),
        *((name, "category") for name in ("Category", "カテゴリ", "ｶﾃｺﾞﾘｰ", "分類", "区分")),
        *((name, "url") for name in ("URL", "link", "リンク", "参照先")),
        *((name, "updated") for name in ("更新日", "最終更新日", "Updated", "last updated", "updated_at")),
        *((name, "owner") for name in ("担当", "担当者", "担当部署", "Owner")),
    ],
)
def test_the_optional_columns_are_found_by_name(header: str, role: str) -> None:
    found = parse_records(f"質問,{header}\nx,y\n".encode(), Path("x.csv"))
    assert found.columns == {"question": "質問", role: header}
    assert getattr(found.records[0], role) == "y"


@pytest.mark.parametrize("header", ["キーワード", "keywords", "Keyword", "タグ", "tags"])
def test_keywords_are_split_at_commas_semicolons_bars_and_newlines(header: str) -> None:
    found = parse_records(f'質問,{header}\nx,"a, b、c;d|e\nf，g；a,,"\n'.encode(), Path("x.csv"))
    assert found.records[0].keywords == ("a", "b", "c", "d", "e", "f", "g")


@pytest.mark.parametrize("header", ["aliases", "言い換え", "別の聞き方"])
def test_aliases_are_split_at_bars_and_newlines_only(header: str) -> None:
    found = parse_records(f'質問,{header}\nx,"入れない、困る| 忘れた\r\n|ログイン, 不可"\n'.encode(), Path("x.csv"))
    assert found.records[0].aliases == ("入れない、困る", "忘れた", "ログイン, 不可")


def test_of_two_headers_for_one_role_the_plainer_wins_and_the_other_is_a_detail() -> None:
    found = parse_records("name,title,Question,body,回答\nn,t,q,b,a\n".encode(), Path("x.csv"))
    assert found.columns == {"question": "Question", "answer": "回答"}
    assert list(found.columns) == ["question", "answer"]
    assert found.records[0] == Record(
        id=found.records[0].id, question="q", answer="a", details={"name": "n", "title": "t", "body": "b"}, line=2
    )


def test_the_mapping_is_in_file_order_with_headers_as_written() -> None:
    found = parse_records(" 分類 ,Ａｎｓｗｅｒ,質問,No.\nc,a,q,7\n".encode(), Path("x.csv"))
    assert list(found.columns.items()) == [
        ("category", "分類"),
        ("answer", "Ａｎｓｗｅｒ"),
        ("question", "質問"),
        ("id", "No."),
    ]


def test_without_a_question_column_the_texts_are_records_titled_by_their_first_line() -> None:
    found = parse_records('本文,部署\n"就業規則\n第1条",総務\n'.encode(), Path("x.csv"))
    assert (found.records[0].question, found.records[0].answer) == ("", "就業規則\n第1条")
    assert found.records[0].title == "就業規則"


def test_other_columns_are_details_in_file_order_and_unnamed_ones_are_numbered() -> None:
    found = parse_records("備考,質問,,部署,,\nz,a,x,y,,\n,b,,,,\n".encode(), Path("x.csv"))
    assert list(found.records[0].details.items()) == [("備考", "z"), ("column 3", "x"), ("部署", "y")]
    assert found.records[1].details == {}
    assert found.details == ("備考", "column 3", "部署")


# Identity


def test_a_missing_id_comes_from_the_content_and_not_from_the_place() -> None:
    one = parse_records("質問,回答\na,b\nc,d\n".encode(), Path("x.csv")).records
    two = parse_records("回答,質問,カテゴリ\nd,c,new\nb,a,\n".encode(), Path("y.csv")).records
    assert [record.id for record in one] == [record.id for record in reversed(two)]
    assert one[0].id == hashlib.sha256(b"a\0b").hexdigest()[:12]


def test_ids_are_kept_as_written_and_gaps_are_filled() -> None:
    found = parse_records("番号,質問,回答\n007,a,b\n,c,d\n".encode(), Path("x.csv"))
    assert [record.id for record in found.records] == ["007", hashlib.sha256(b"c\0d").hexdigest()[:12]]


def test_a_knowledge_base_knows_its_name_path_and_digest(tmp_path: Path) -> None:
    path = write(tmp_path, "質問,回答\na,b\n", "人事.総務.csv")
    found = read_records(path)
    assert (found.name, found.path) == ("人事.総務", path)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()


# Records


def test_a_title_is_clipped_only_when_there_is_no_question() -> None:
    assert Record(id="1", question="q" * 200, answer="a").title == "q" * 200
    assert Record(id="1", question="", answer="a" * 80 + "\nb").title == "a" * 80
    assert Record(id="1", question="", answer="a" * 81).title == "a" * 79 + "…"


def test_the_json_form_has_what_is_filled_in_then_the_details() -> None:
    record = Record(
        id="1", question="q", answer="", url="https://x", keywords=("k",), details={"部署": "総務", "answer": "A"}
    )
    assert list(record.as_dict().items()) == [
        ("id", "1"),
        ("question", "q"),
        ("answer", ""),
        ("url", "https://x"),
        ("keywords", ["k"]),
        ("部署", "総務"),
        ("answer (column)", "A"),
    ]


def test_a_csv_is_read_without_waiting_for_pandas(tmp_path: Path) -> None:
    (tmp_path / "kb.csv").write_text("question,answer\nq,a\n")
    read = f"indexes.records.check_file(pathlib.Path({str(tmp_path / 'kb.csv')!r}))"
    code = (
        f"import pathlib, sys, indexes.records, indexes.retrieval.synonyms; {read}; sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="03-0000-0000"', "03-0000-0000"),
        ('"=""03-0000-0000"""', "03-0000-0000"),
        ('"=""a, b"""', "a, b"),
        ('"=""say """"hi"""""""', 'say "hi"'),
        ('="001" ', "001"),
        ('=""', ""),
        ('="a"&"b"', '="a"&"b"'),
        ('="open', '="open'),
        ("=A1", "=A1"),
        ("= ", "="),
        ('\'="x"', '\'="x"'),
    ],
)
def test_a_formula_that_is_a_text_is_that_text(cell: str, text: str) -> None:
    rows = ["番号,質問,回答", f'="001",q,{cell}', "2,r,s"]
    found = parse_records("".join(f"{row}\n" for row in rows).encode(), Path("x.csv"))
    assert [(one.id, one.answer) for one in found.records] == [("001", text), ("2", "s")]


def test_a_row_with_text_formulas_can_be_edited(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes('番号,質問,回答\n="001",代表電話は？,="03-0000-0000"\n="002",FAXは？,="03-0000-0001"\n'.encode())
    now = datetime(2026, 1, 31, tzinfo=UTC)
    written = change(read_records(path), "002", {"question": "FAX 番号は？", "answer": "03-0000-0001"}, now)
    assert written.data.decode().splitlines()[1:] == [
        '="001",代表電話は？,="03-0000-0000"',
        '="002",FAX 番号は？,="03-0000-0001"',
    ]
    assert add(written.knowledge_base, {"question": "住所は？", "answer": "東京"}, now).record.id == "003"
