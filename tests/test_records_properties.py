"""CSV intake, for any table and any bytes."""

import csv
import io
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal
from unicodedata import category

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexes.errors import UnusableFileError
from indexes.records import KnowledgeBase, parse_records
from indexes.records.checking import near_duplicates

FILE = Path("kb.csv")
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp932", "euc_jp"]
HEADER = ("質問", "回答", "備考")
# Japanese enough to be told apart in legacy encodings, with everything that CSV treats specially.
ANCHOR = ("これはひらがなとカタカナの質問です", "はい、そのとおりです。", "")
CATEGORIES: tuple[Literal["L", "N", "P", "S", "Z"], ...] = ("L", "N", "P", "S", "Z")
SPECIAL = ",;\t\"'\n\r 　aZ0あ漢アｱﾞ=|\\"


@cache
def written_there(encoding: str) -> st.SearchStrategy[str]:
    """What the encoding writes and reads alike; `st.characters(codec=…)` takes seconds to find that out."""
    if encoding.startswith("utf"):
        return st.characters(categories=CATEGORIES, exclude_characters="\ufffd")
    plane = [each for each in map(chr, range(0x10000)) if category(each)[0] in CATEGORIES]
    return st.sampled_from([each for each in plane if each.encode(encoding, "ignore").decode(encoding) == each])


@cache
def rows_in(encoding: str) -> st.SearchStrategy[list[tuple[str, str, str]]]:
    cells = st.text(st.sampled_from(SPECIAL) | written_there(encoding), max_size=12)
    return st.lists(st.tuples(cells, cells, cells), max_size=8)


ENCODED = st.sampled_from(ENCODINGS).flatmap(lambda encoding: st.tuples(st.just(encoding), rows_in(encoding)))
unhurried = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


def written(rows: list[tuple[str, str, str]], delimiter: str = ",", line_end: str = "\n", *, quote: bool = True) -> str:
    """As programs write it: every cell quoted, or only those that must be."""
    special = re.compile(f'[{delimiter}"\r\n]')

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if quote or special.search(text) else text

    return "".join(delimiter.join(map(cell, row)) + line_end for row in rows)


def read_or_refused(data: bytes) -> KnowledgeBase | None:
    """Nothing but UnusableFileError may come out, and it names the file."""
    try:
        return parse_records(data, FILE)
    except UnusableFileError as error:
        if not str(error).startswith("kb.csv:"):
            raise
        return None


@unhurried
@given(
    encoded=ENCODED,
    delimiter=st.sampled_from(",\t;"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quote=st.booleans(),
)
@example(encoded=("utf-8", [("a\rb", "c\r\nd", "\n")]), delimiter=",", line_end="\r", quote=True)
def test_every_cell_comes_back_or_its_row_is_reported_by_line(
    encoded: tuple[str, list[tuple[str, str, str]]], delimiter: str, line_end: str, *, quote: bool
) -> None:
    encoding, rows = encoded
    text = written([HEADER, ANCHOR, *rows], delimiter, line_end, quote=quote)
    data = text.encode(encoding)
    found = parse_records(data, FILE)
    assert (found.delimiter, found.encoding) == (delimiter, encoding)

    lines_seen: dict[int, tuple[str, str, str]] = {}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    start = 1
    for row in reader:
        if row:
            lines_seen[start] = (row[0], row[1], row[2])
        start = reader.line_num + 1
    del lines_seen[1]

    reported = {problem.line for problem in found.problems}
    by_line = {record.line: record for record in found.records}
    assert by_line.keys() <= lines_seen.keys()
    assert reported <= lines_seen.keys()
    for line, (question, answer, note) in lines_seen.items():
        if line in by_line:
            record = by_line[line]
            cells = (record.question, record.answer, record.details.get("備考", ""))
            assert cells == (question.strip(), answer.strip(), note.strip())
        else:
            blank = not (question + answer + note).strip()  # only the first of a run of them is reported
            assert line in reported or blank


@unhurried
@given(st.binary(max_size=200))
@example(b"sep=;\n")
@example(b"\xff\xfe")
@example(b'"')
@example(b"q\n\x00")
@example(b",\n" * 300 + b"q,a\nb,c\n")
@example("\ufeff\ufeff\nq,a\nb,c\n".encode())
def test_any_bytes_are_read_or_refused_in_words(data: bytes) -> None:
    if found := read_or_refused(data):
        near_duplicates(found)


@unhurried
@given(
    st.binary(max_size=60),
    st.sampled_from(["question,answer\n", "質問\t回答\r\n", "a;q;;x\r"]),
    st.sampled_from(ENCODINGS),
)
def test_any_bytes_under_a_good_header_are_read_or_refused_in_words(tail: bytes, header: str, encoding: str) -> None:
    if found := read_or_refused(header.encode(encoding) + tail):
        lines = [record.line for record in found.records]
        skipped = [problem.line for problem in found.problems if problem.skipped]
        assert len({*lines, *skipped}) == len(lines) + len(skipped)
        assert len({record.id for record in found.records}) == len(lines) > 0


@given(st.text(st.sampled_from(",\"\n\ra ;\t'\\b\0"), max_size=40))
@settings(unhurried, max_examples=300)
def test_cells_are_what_csv_reads_however_odd_the_quoting(body: str) -> None:
    """Whatever Kotae strips, clips and leaves out, a cell stays that of its line."""
    found = read_or_refused(f"question,answer\nanchor,x\n{body}\n".encode())
    if found is None:
        return
    clean = f"question,answer\nanchor,x\n{body}\n".replace("\0", "")
    reader = csv.reader(io.StringIO(clean, newline=""), delimiter=found.delimiter)
    start, rows = 1, {}
    for row in reader:
        rows[start] = row
        start = reader.line_num + 1
    for record in found.records:
        assert [record.question, record.answer] == [cell.strip() for cell in [*rows[record.line], ""][:2]]


@unhurried
@given(rows_in("utf-8"), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_id(rows: list[tuple[str, str, str]], random: Random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = (parse_records(written([HEADER, ANCHOR, *order]).encode(), FILE) for order in (rows, shuffled))
    assert {r.id: (r.question, r.answer) for r in one.records} == {r.id: (r.question, r.answer) for r in other.records}
