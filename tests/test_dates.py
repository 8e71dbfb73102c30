"""Dates as people and spreadsheets write them, and what they make of a row: due, checked, never encoded again."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from indexes.builder import Builder
from indexes.messages import ja as japanese
from indexes.messages import say
from indexes.records import KnowledgeBase, Record, Source, parse_records
from indexes.records.dates import read_day, read_days
from indexes.records.editing import change, confirm
from indexes.records.owners import named_owners, without_ids
from indexes.records.review import Overdue, ReviewPolicy, deadline, deadlines
from indexes.records.stored import StoredRecords, record_arrays
from indexes.retrieval.synonyms import Synonyms
from tests.encoders import hashing_encoder

DAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 29, 10, 30, tzinfo=UTC)
FILE = Path("faq.csv")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-11-29",
            "2026/11/29",
            "2026.11.29",
            "20261129",
            "2026年11月29日",
            "２０２６／１１／２９",
            " 2026-11-29 ",
        ),
        *(
            "2026-11-29 10:15",
            "2026-11-29T10:15:00Z",
            "2026/11/29 9:05:00",
            "2026年11月29日 15時30分",
            "2026/11/29(日)",
        ),
        *("2026年11月29日（日）", "2026年11月29日 日曜日", "29.11.2026", "29/11/2026", "11/29/2026", "29-11-2026 8:00"),
        *("29 Nov 2026", "29-Nov-26", "Nov 29, 2026", "November 29 2026", "29th November, 2026", "Sun, 29 Nov 2026"),
        *("令和8年11月29日", "R8.11.29", "46355", "46355.5"),
        *(
            "11月 29, 2026",
            "11月29日 2026年",
            "2026/11/29 午後 3:04",
            "2026/11/29 3:04:05 午後 GMT+9",
            "11/29/2026 AM 9:00",
        ),
    ],
)
def test_a_day_is_read_however_it_is_written(text: str) -> None:
    assert read_day(text) == DAY


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11", date(2026, 11, 30)),
        ("2026年12月", date(2026, 12, 31)),
        ("Feb 2028", date(2028, 2, 29)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("平成31年4月30日", date(2019, 4, 30)),
        ("5/5/2026", date(2026, 5, 5)),
    ],
)
def test_months_eras_and_doubles(text: str, day: date) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "soon",
            "every year",
            "2026-13-01",
            "2026-02-30",
            "31/31/2026",
            "3/4/2026",
            "11/29/26",
            "1850-01-01",
            "9999-01-01",
        ),
        *(
            "1234",
            "123456",
            "x" * 10_000,
            "2026-11-29 or later",
            "毎年4月",
            "Q3 2026",
            "2026-11-29\n2027-01-01",
            "5 May",
        ),
    ],
)
def test_what_names_no_day_is_none(text: str) -> None:
    assert read_day(text) is None


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["3/4/2026", "25/4/2026"], date(2026, 4, 3)),
        (["3/4/2026", "4/25/2026"], date(2026, 3, 4)),
        (["3.4.2026"], date(2026, 4, 3)),
    ],
)
def test_the_other_cells_say_which_number_is_the_day(cells: list[str], first: date) -> None:
    found = read_days(cells)
    assert (date.fromordinal(int(found.days[0])), found.unreadable) == (first, [])


def read(text: str, path: Path = FILE) -> KnowledgeBase:
    return parse_records(text.encode(), path)


def test_an_unreadable_date_is_told_by_line_column_and_value_and_the_row_is_read() -> None:
    rows = [f"q{n},a,{cell}" for n, cell in enumerate(["2026-11-29", "春ごろ", "", "TBD", "なし", "3/4/2026"])]
    found = read("\n".join(["question,answer,review by", *rows]) + "\n")
    assert len(found.records) == 6
    assert [(each.line, str(each.message), each.skipped) for each in found.problems] == [
        (
            line,
            f'"{cell}" in the column "review by" is no date; write it as 2026-01-31. Until then it counts as blank',
            False,
        )
        for line, cell in ((3, "春ごろ"), (7, "3/4/2026"))
    ]
    assert "「review by」の「春ごろ」" in say(found.problems[0].message, japanese.WORDS)
    assert found.days["review_by"].tolist() == [DAY.toordinal(), 0, 0, 0, 0, 0]


def test_many_unreadable_dates_are_counted() -> None:
    found = read("question,answer,updated\n" + "".join(f"q{n},a,whenever\n" for n in range(500)))
    assert len(found.problems) == 21
    assert "480 more rows" in str(found.problems[-1].message)


@pytest.mark.parametrize(
    "header", ["review by", "Review_By", "次回確認日", "確認期限", "見直し期限", "Next review date", "nextReview"]
)
def test_the_column_is_found_by_many_names(header: str) -> None:
    found = read(f"question,answer,{header}\nq,a,2026-11-29\n")
    assert (found.columns["review_by"], found.records[0].details) == (header, {})


# When a row is due

DATED = "id,question,answer,updated,review by\n" + "".join(
    f"{id_},q{id_},a,{updated},{by}\n"
    for id_, updated, by in (
        ("own", "2026-01-01", "2026-10-01"),
        ("later", "2020-01-01", "2030-01-01"),
        ("counted", "2026-05-01", ""),
        ("fresh", "2026-11-01", ""),
        ("none", "", ""),
        ("unknown", "whenever", "soon"),
    )
)
DEADLINES = {
    "own": date(2026, 10, 1),
    "later": date(2030, 1, 1),
    "counted": date(2026, 10, 28),
    "fresh": date(2027, 4, 30),
}


def test_a_row_is_due_by_its_own_date_else_so_long_after_its_last_check() -> None:
    base = read(DATED)
    days = deadlines(base, 180)
    one_by_one = {each.id: found for each in base.records if (found := deadline(each, base, 180))}
    at_once = {each.id: date.fromordinal(int(day)) for each, day in zip(base.records, days, strict=True) if day}
    assert one_by_one == at_once == DEADLINES
    own = deadlines(base, None)
    assert [each.id for each, day in zip(base.records, own, strict=True) if day] == ["own", "later"]


@pytest.mark.parametrize(
    ("text", "after"), [("question,answer\nq,a\n", 180), ("question,answer,updated\nq,a,2020-01-01\n", None)]
)
def test_without_the_columns_or_the_setting_nothing_is_ever_due(text: str, after: int | None) -> None:
    base = read(text)
    assert (len(deadlines(base, after)), deadline(base.records[0], base, after)) == (0, None)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, None),
        (date(2026, 11, 29), None),
        (date(2026, 11, 28), Overdue(date(2026, 11, 28), is_held_back=False)),
        (date(2026, 10, 30), Overdue(date(2026, 10, 30), is_held_back=False)),
        (date(2026, 10, 29), Overdue(date(2026, 10, 29), is_held_back=True)),
    ],
)
def test_overdue_from_the_next_day_and_held_back_after_the_limit(last: date | None, expected: Overdue | None) -> None:
    assert ReviewPolicy(30, lambda: DAY).overdue(last) == expected
    never = ReviewPolicy(None, lambda: DAY).overdue(last)
    assert never is None or not never.is_held_back


# Writing that a row was checked


def base_in(folder: Path, text: str, encoding: str = "utf-8") -> KnowledgeBase:
    path = folder / "faq.csv"
    path.write_bytes(text.encode(encoding))
    return parse_records(path.read_bytes(), path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize(
    ("updated", "by", "written"),
    [
        ("2026-01-01", "2026-06-01", ("2026-11-29", "2027-05-28")),
        ("2026年1月1日", "2026年6月1日", ("2026年11月29日", "2027年5月28日")),
        ("2026/1/1", "1.6.2026", ("2026/11/29", "28.5.2027")),
        ("20260101", "", ("20261129", "")),
        ("", "2026-06-01 12:00", ("2026-11-29", "2027-05-28 10:30")),
    ],
)
def test_a_check_is_written_in_the_style_of_the_column_and_nothing_else_changes(
    tmp_path: Path, encoding: str, updated: str, by: str, written: tuple[str, str]
) -> None:
    text = f'id,質問,回答,更新日,確認期限\r\n1,あ,"い\n,う",{updated},{by}\r\n2,え,お,,\r\n'
    read = base_in(tmp_path, text, encoding)
    done = confirm(read, "1", NOW, 180 if not by else None)
    assert done.data.decode(encoding) == text.replace(f"{updated},{by}\r\n2", f"{written[0]},{written[1]}\r\n2")
    assert deadline(done.record, done.knowledge_base, 180) == date(2027, 5, 28)


def test_no_date_of_its_own_is_made_up(tmp_path: Path) -> None:
    read = base_in(tmp_path, "question,answer,updated,review by\nq,a,2026-01-01,なし\n")
    assert confirm(read, read.records[0].id, NOW, 90).record.review_by == "なし"


@pytest.mark.parametrize(("by", "after"), [("2026-06-01", "2027-02-27"), ("2027-01-01", "2027-01-01"), ("", "")])
def test_an_edit_of_an_overdue_row_is_a_check(tmp_path: Path, by: str, after: str) -> None:
    read = base_in(tmp_path, f"id,question,answer,review by\n1,q,a,{by}\n")
    assert change(read, "1", {"answer": "b"}, NOW, review_after=90).record.review_by == after


# Kept on disk


def test_dates_are_stored_and_no_text_is_encoded_again_for_them(tmp_path: Path) -> None:
    path, encoder = tmp_path / "faq.csv", hashing_encoder()
    path.write_text(DATED, encoding="utf-8")
    source, builder = Source("faq", path, review_after=180), Builder(tmp_path / "data")
    read, data = builder.read(source, Synonyms(), None)
    built = builder.with_vectors(read, encoder, (), data=data)
    assert built.loaded.snapshot
    confirm(built.loaded.knowledge_base, "own", NOW, 180)
    changed, data = builder.read(source, Synonyms(), built.loaded.snapshot)
    again = builder.with_vectors(changed, encoder, (built.loaded.snapshot,), data=data)
    encoder.close()
    assert (again.encoded, again.reused) == (0, built.encoded)
    opened, unread = Builder(tmp_path / "data").open(source, Synonyms())
    assert (opened.is_stored, unread) == (True, None)
    expected = {**dict.fromkeys(["none", "unknown"]), **DEADLINES, "own": date(2027, 5, 28)}
    assert {each.id: opened.deadline(each) for each in opened.knowledge_base.records} == expected
    assert [(opened.knowledge_base.records[row].id, last) for row, last in opened.due(DAY)] == [
        ("counted", DEADLINES["counted"])
    ]
    assert opened.undated == 2


def test_a_record_keeps_its_date_and_an_earlier_ones_is_read() -> None:
    records = (
        Record("1", "q", "a", review_by="2026-01-01"),
        Record("2", "q2", "a", image="x.png"),
        Record("3", "q3", "a"),
    )
    assert tuple(StoredRecords(record_arrays(records))) == records


# Whose it is


@pytest.mark.parametrize(
    ("cell", "ids", "addresses"),
    [
        ("U012AB3CD", ("U012AB3CD",), ()),
        ("<@U012AB3CD>, <@W034CD5EF|taro>", ("U012AB3CD", "W034CD5EF"), ()),
        ("情報システム部 U012AB3CD・U034CD5EF", ("U012AB3CD", "U034CD5EF"), ()),
        ("Desk (Desk@Example.com)", (), ("desk@example.com",)),
        ("U012AB3CD@example.com", (), ("u012ab3cd@example.com",)),
        ("UNDERWRITING, WAREHOUSE 7, @taro, 総務部, U1", (), ()),
        ("", (), ()),
    ],
)
def test_owners_are_named_by_id_or_address(cell: str, ids: tuple[str, ...], addresses: tuple[str, ...]) -> None:
    named = named_owners(cell)
    assert (named.ids, named.addresses) == (ids, addresses)


def test_people_do_not_read_ids() -> None:
    assert without_ids("総務部 (<@U012AB3CD>)") == "総務部"
    assert without_ids("U012AB3CD") == ""
    assert without_ids("Desk, 3rd floor") == "Desk, 3rd floor"
