"""Writing to a CSV: the row that was meant, and not a byte else."""

import csv
import io
import multiprocessing
import os
import re
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.errors import KnowledgeBaseError
from indexes.records import KnowledgeBase, parse_records, read_records
from indexes.records.csv_editor import UnwritableTextError
from indexes.records.editing import (
    FOLDER,
    ChangedFileError,
    StaleFileError,
    UnusableRowError,
    UnwritableFileError,
    add,
    change,
    digest_of,
    replace_csv,
)
from tests.test_records_properties import ANCHOR, HEADER, rows_in, unhurried, written

NOW = datetime(2026, 4, 5, 9, 7, 3, tzinfo=timezone.utc)  # noqa: UP017 - the same in 3.11
JAPANESE = {"question": "経費の締め日はいつですか", "answer": "毎月末です。\n「経費, 精算」の画面から。"}

FILES = st.tuples(
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp932", "euc_jp"]).flatmap(
        lambda encoding: st.tuples(st.just(encoding), rows_in(encoding))
    ),
    st.sampled_from(",\t;"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.booleans(),
)

PIECES = [
    "a",
    "質",
    "\u200b",
    "\ufeff",
    "\u200e",
    " ",
    "　",
    "\x0b",
    "<p>",
    "</p>",
    "&nbsp;",
    "&shy;",
    '"',
    ",",
    "\n",
    '="1"',
]
ODD_CELLS = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
"""With what exports and copies leave in them: letters that show nothing, other line breaks, HTML, text formulas."""


def base(folder: Path, data: bytes) -> KnowledgeBase:
    path = folder / "kb.csv"
    path.write_bytes(data)
    return read_records(path)


def text_of(read: KnowledgeBase) -> str:
    return read.path.read_bytes().decode(read.encoding)


@settings(unhurried, max_examples=100)
@given(FILES)
def test_an_added_row_is_read_as_typed_and_stands_behind_the_same_bytes(
    file: tuple[tuple[str, list[tuple[str, str, str]]], str, str, bool, bool],
) -> None:
    (encoding, rows), delimiter, line_end, quote, ended = file
    text = written([HEADER, ANCHOR, *rows], delimiter, line_end, quote=quote)
    data = (text if ended else text.removesuffix(line_end)).encode(encoding)
    with tempfile.TemporaryDirectory() as folder:
        read = base(Path(folder), data)
        done = add(read, JAPANESE, NOW)
        after = read.path.read_bytes()
    assert after.startswith(data)
    assert (done.record.question, done.record.answer) == (JAPANESE["question"], JAPANESE["answer"])
    assert done.knowledge_base == parse_records(after, read.path)
    assert [one.as_dict() for one in done.knowledge_base.records[:-1]] == [one.as_dict() for one in read.records]
    if encoding not in {"utf-16", "utf-32"}:  # decoding these needs the mark before it
        appended = after[len(data) :].decode(encoding)
        cells = [*JAPANESE.values(), ""]
        assert appended == ("" if ended else line_end) + written_row(cells, delimiter, quote=quote) + (
            line_end if ended else ""
        )


def written_row(cells: list[str], delimiter: str, *, quote: bool) -> str:
    first, second, third = cells
    return written([(first, second, third)], delimiter, "", quote=quote)


@settings(unhurried, max_examples=100)
@given(FILES, st.data())
def test_changing_a_cell_changes_nothing_around_it(
    file: tuple[tuple[str, list[tuple[str, str, str]]], str, str, bool, bool], data: st.DataObject
) -> None:
    (encoding, rows), delimiter, line_end, quote, ended = file
    before = written([HEADER, ANCHOR, *rows], delimiter, line_end, quote=quote)
    before = before if ended else before.removesuffix(line_end)
    with tempfile.TemporaryDirectory() as folder:
        read = base(Path(folder), before.encode(encoding))
        record = data.draw(st.sampled_from(read.records))
        done = change(read, record.id, {"question": record.question, "answer": "こうしてください。"}, NOW)
        after = text_of(read)
    assert done.record.answer == "こうしてください。"
    assert done.record.question == record.question
    lines = list(io.StringIO(before, newline=""))
    reader = csv.reader(lines[record.line - 1 :], delimiter=delimiter)
    question, _, note = next(reader)
    end = record.line - 1 + reader.line_num
    head, row_end = "".join(lines[: record.line - 1]), re.search(r"(\r\n|\r|\n)?\Z", lines[end - 1])
    assert row_end
    row = written_row([question, "こうしてください。", note], delimiter, quote=quote)
    assert after == head + row + row_end[0] + "".join(lines[end:])


@settings(unhurried, max_examples=20)
@given(
    st.lists(st.tuples(ODD_CELLS, ODD_CELLS), max_size=4),
    st.sampled_from(["", "\u200b\n", "　,\n", "\ufeff\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.data(),
)
def test_saving_what_readers_see_changes_nothing_however_odd_the_cells(
    cells: list[tuple[str, str]], first: str, encoding: str, data: st.DataObject
) -> None:
    rows = [(question, answer, "") for question, answer in cells]
    with tempfile.TemporaryDirectory() as folder:
        before = (first + written([HEADER, ANCHOR, *rows])).encode(encoding)
        read = base(Path(folder), before)
        record = data.draw(st.sampled_from(read.records))
        assert change(read, record.id, {"question": record.question, "answer": record.answer}, NOW).data == before
        done = change(read, record.id, {"question": record.question, "answer": "こうしてください。"}, NOW)
    assert (done.record.question, done.record.answer) == (record.question, "こうしてください。")


def test_bytes_an_encoding_would_write_in_another_way_stay_as_they_are(tmp_path: Path) -> None:
    # CP932 has two codes for 髙; Python writes one of them, IBM's machines the other.
    odd = "質問,回答\r\n".encode("cp932") + b"\xfb\xfc\x82\xcc\x8e\xbf\x96\xe2,\xfb\xfc\r\n\x82\xa0,\x82\xa2\r\n"
    read = base(tmp_path, odd)
    assert (read.encoding, read.records[0].answer) == ("cp932", "髙")
    assert "髙".encode("cp932") != b"\xfb\xfc"
    change(read, read.records[0].id, {"question": "高さは？"}, NOW)
    assert read.path.read_bytes() == odd.replace(b"\xfb\xfc\x82\xcc\x8e\xbf\x96\xe2", "高さは？".encode("cp932"))


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["1", "2", "10"], "11"),
        (["001", "002"], "003"),
        (["FAQ-8", "FAQ-9"], "FAQ-10"),
        (["IT-001", "HR-007", "IT-002", "x"], None),
        (["IT-001", "HR-007", "IT-002"], "IT-003"),
        (["", ""], ""),
    ],
)
def test_the_next_id_follows_the_form_of_the_others(tmp_path: Path, ids: list[str], expected: str | None) -> None:
    rows = "".join(f"{id_},q{place},a{place}\n" for place, id_ in enumerate(ids))
    read = base(tmp_path, f"id,question,answer\n{rows}".encode())
    add(read, {"question": "new", "answer": "yes"}, NOW)
    written_id = text_of(read).splitlines()[-1].partition(",")[0]
    assert written_id == expected if expected is not None else re.fullmatch("[0-9a-f]{8}", written_id)


def test_the_ids_of_rows_that_are_not_used_are_not_given_away(tmp_path: Path) -> None:
    read = base(tmp_path, b"id,question,answer\n1,q,a\n2,,\n")
    assert add(read, {"question": "new"}, NOW).record.id == "3"


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["2025-01-31"], "2026-04-05"),
        (["2025/1/31", "2025/12/31", "2025/1/1"], "2026/4/5"),
        (["2025/01/31"], "2026/04/05"),
        (["2025年1月3日"], "2026年4月5日"),
        (["20250131"], "20260405"),
        (["31.01.2025"], "05.04.2026"),
        (["01/31/2025", "02/01/2025"], "04/05/2026"),
        (["31/01/2025", "02/01/2025"], "05/04/2026"),
        (["02/01/2025"], "2026-04-05"),
        (["2025-01-31 10:00"], "2026-04-05 09:07"),
        (["2025-01-31T10:00:00"], "2026-04-05T09:07:03"),
        (["last week"], "2026-04-05"),
        ([""], "2026-04-05"),
    ],
)
def test_the_date_follows_the_style_of_the_others(tmp_path: Path, dates: list[str], expected: str) -> None:
    rows = "".join(f"q{place},a{place},{date}\n" for place, date in enumerate(dates))
    read = base(tmp_path, f"question,answer,updated\n{rows}".encode())
    assert add(read, {"question": "new"}, NOW).record.updated == expected
    first = read_records(read.path)
    assert change(first, first.records[0].id, {"answer": "other"}, NOW).record.updated == expected


def test_quotation_marks_are_as_in_the_rest_of_the_column(tmp_path: Path) -> None:
    read = base(tmp_path, b'id,question,answer,note\n1,"q","a",""\n2,"r","b",""\n')
    add(read, {"question": 'so "called"', "answer": "c"}, NOW)
    assert text_of(read).splitlines()[-1] == '3,"so ""called""","c",""'


def test_a_change_to_the_same_text_writes_nothing(tmp_path: Path) -> None:
    read = base(tmp_path, b"question,answer,updated\nq,a,2025-01-01\n")
    stamp = read.path.stat().st_mtime_ns
    change(read, read.records[0].id, {"question": "q ", "answer": "a"}, NOW)
    assert read.path.stat().st_mtime_ns == stamp


def test_an_excel_delimiter_line_and_the_dos_end_of_file_stay(tmp_path: Path) -> None:
    read = base(tmp_path, b"sep=;\r\nquestion;answer;\r\nq;a;\r\n\x1a")
    add(read, {"question": "new", "answer": "1;2"}, NOW)
    assert read.path.read_bytes() == b'sep=;\r\nquestion;answer;\r\nq;a;\r\nnew;"1;2";\r\n\x1a'


def test_a_file_that_changed_is_refused_with_the_difference(tmp_path: Path) -> None:
    read = base(tmp_path, b"id,question,answer\n1,q,a\n2,r,b\n")
    read.path.write_bytes(b"id,question,answer\n1,q,A\n3,s,c\n")
    with pytest.raises(
        StaleFileError, match=r"kb\.csv: the file has changed .*1 added, 1 changed, 1 removed"
    ) as refused:
        add(read, {"question": "new"}, NOW)
    found = refused.value.difference
    assert [one.id for one in found.added] == ["3"]
    assert [(old.answer, new.answer) for old, new in found.changed] == [("a", "A")]
    assert [one.id for one in found.removed] == ["2"]
    assert read.path.read_bytes() == b"id,question,answer\n1,q,A\n3,s,c\n"
    assert add(refused.value.found, {"question": "new"}, NOW).record.id == "4"


@pytest.mark.parametrize(
    ("cells", "role", "character"),
    [
        ({"question": "絵文字🎉は？"}, "question", "🎉"),
        ({"question": "q", "answer": "한"}, "answer", "한"),
        ({"question": "bell\x07"}, "question", "U+0007"),
        ({"question": "x" * 32_001}, "question", ""),
        ({"question": "q", "category": "none"}, "category", ""),
    ],
)
def test_a_text_that_does_not_fit_is_refused_by_column(
    tmp_path: Path, cells: dict[str, str], role: str, character: str
) -> None:
    data = "質問,回答\r\n経費は？,こちらです。\r\n".encode("cp932")
    read = base(tmp_path, data)
    with pytest.raises(UnwritableTextError) as refused:
        add(read, cells, NOW)
    assert (refused.value.role, refused.value.character) == (role, character)
    assert read.path.read_bytes() == data


def test_a_wave_dash_is_written_as_windows_writes_it(tmp_path: Path) -> None:
    read = base(tmp_path, "質問,回答\r\n経費は？,こちらです。\r\n".encode("cp932"))
    assert add(read, {"question": "9時〜18時"}, NOW).record.question == "9時～18時"


def test_a_row_that_would_not_be_used_is_not_written(tmp_path: Path) -> None:
    read = base(tmp_path, b"question,answer\nq,a\nr,b\n")
    with pytest.raises(UnusableRowError, match="the same question and answer as in line 2"):
        add(read, {"question": "q", "answer": "a"}, NOW)
    with pytest.raises(UnusableRowError, match="the same question and answer as in line 2"):
        change(read, read.records[1].id, {"question": "q", "answer": "a"}, NOW)
    with pytest.raises(UnusableRowError, match="no row has the id 'gone'"):
        change(read, "gone", {"question": "q"}, NOW)
    assert read.path.read_bytes() == b"question,answer\nq,a\nr,b\n"


def test_replacing_keeps_permissions_follows_links_and_refuses_what_changed(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    real = base(folder, b"question,answer\nq,a\n").path
    real.chmod(0o640)
    link = tmp_path / "linked.csv"
    link.symlink_to(real)
    seen = digest_of(link)
    replace_csv(link, b"question,answer\nr,b\n", seen)
    assert link.is_symlink()
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (b"question,answer\nr,b\n", 0o640)
    for stale in (seen, ""):
        with pytest.raises(ChangedFileError, match=r"linked\.csv: the file has changed meanwhile"):
            replace_csv(link, b"question,answer\ns,c\n", stale)
    assert real.read_bytes() == b"question,answer\nr,b\n"


def test_a_new_file_is_made_only_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    replace_csv(path, b"question,answer\nq,a\n", "")
    seen = digest_of(path)
    path.unlink()
    with pytest.raises(ChangedFileError):
        replace_csv(path, b"question,answer\nr,b\n", seen)
    assert not path.exists()


def test_of_many_who_replace_the_same_file_one_wins(tmp_path: Path) -> None:
    path = base(tmp_path, b"question,answer\nq,a\n").path
    seen = digest_of(path)
    contents = [f"question,answer\n{number},x\n".encode() for number in range(8)]
    barrier = threading.Barrier(len(contents))

    def write(data: bytes) -> bool:
        barrier.wait(60)
        try:
            replace_csv(path, data, seen)
        except ChangedFileError:
            return False
        return True

    with ThreadPoolExecutor(len(contents)) as pool:
        won = list(pool.map(write, contents))
    assert won.count(True) == 1
    assert path.read_bytes() == contents[won.index(True)]


def test_writers_keep_each_other_out_and_leave_no_lock_behind(tmp_path: Path) -> None:
    path, writers, each = tmp_path / "count.csv", 8, 25
    path.write_text("0")
    barrier = threading.Barrier(writers)

    def count() -> None:
        barrier.wait(60)
        for _ in range(each):
            with FOLDER.locked(path):
                path.write_text(str(int(path.read_text()) + 1))

    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(count) for _ in range(writers)]:
            done.result()
    assert path.read_text() == str(writers * each)
    assert [*tmp_path.iterdir()] == [path]


def test_a_full_disk_changes_nothing_and_is_told(tmp_path: Path) -> None:
    """A process whose files may not grow gets the same EFBIG on write as others get ENOSPC."""
    read = base(tmp_path, b"question,answer\n" + b"".join(b"q%d,a\n" % row for row in range(500)))
    before = read.path.read_bytes()
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        message = pool.apply(add_without_room, (read.path,))
    assert message.startswith("kb.csv: can't be written (File too large)")
    assert read.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["kb.csv"]


def add_without_room(path: Path) -> str:
    import resource  # noqa: PLC0415 - in a process of its own
    import signal  # noqa: PLC0415

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        add(read_records(path), {"question": "new"}, NOW)
    except UnwritableFileError as error:
        return str(error)
    return "written"


def test_a_folder_that_is_gone_or_not_writable_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    read = base(folder, b"question,answer\nq,a\n")
    shutil.rmtree(folder)
    with pytest.raises(KnowledgeBaseError, match=r"kb\.csv: "):
        add(read, {"question": "new"}, NOW)
    if os.geteuid() != 0:  # root may write anywhere
        folder.mkdir()
        read = base(folder, b"question,answer\nq,a\n")
        folder.chmod(0o500)
        with pytest.raises(UnwritableFileError, match="Permission denied"):
            add(read, {"question": "new"}, NOW)
        folder.chmod(0o700)


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    read = base(tmp_path, b"id,question,answer\n1,q,a\n")
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        pool.starmap(add_many, [(read.path, name) for name in "abc"])
    found = read_records(read.path)
    assert [record.id for record in found.records] == [str(number) for number in range(1, 32)]
    assert {record.question for record in found.records} == {
        "q",
        *(f"{name}{one}" for name in "abc" for one in range(10)),
    }


def add_many(path: Path, name: str) -> None:
    for number in range(10):
        while True:
            try:
                add(read_records(path), {"question": f"{name}{number}"}, NOW)
            except StaleFileError:
                continue
            break
