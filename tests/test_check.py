"""`check_file`: what it counts, what it reports, and which questions it takes for the same."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indexes.records import CheckReport, check_file, format_report, parse_records
from indexes.records.checking import MAX_PAIRS, near_duplicates

SAMPLE = (
    "番号,質問,回答,備考\n"
    "1,パスワードを忘れました,再設定します,\n"
    "2,VPNに接続できない,再起動します,x\n"
    "3,,,\n"
    "2,会議室の予約方法,カレンダーから,\n"
    "4,パスワードを忘れた,情シスへ,\n"
)

VERBS, THINGS = ("open", "close", "reset", "clean", "order"), ("printer", "projector", "window", "coffee machine")
PLACES = ("lobby", "kitchen", "meeting room", "large meeting room")


def check(folder: Path, text: str, name: str = "it-help.csv") -> CheckReport:
    path = folder / name
    path.write_bytes(text.encode())
    return check_file(path)


def pairs(*questions: str) -> list[tuple[int, int]]:
    text = "question,answer\n" + "".join(f'"{question}",{number}\n' for number, question in enumerate(questions))
    return [pair.lines for pair in near_duplicates(parse_records(text.encode(), Path("x.csv")))]


def test_a_report_says_all_there_is_to_say(tmp_path: Path) -> None:
    report = check(tmp_path, SAMPLE)
    found = report.as_dict()
    assert found == {
        "file": str(tmp_path / "it-help.csv"),
        "usable": True,
        "encoding": "utf-8",
        "delimiter": ",",
        "columns": {"id": "番号", "question": "質問", "answer": "回答"},
        "details": ["備考"],
        "rows": 5,
        "records": 3,
        "skipped": 2,
        "problems": [
            {"line": 4, "message": "question and answer are both blank", "skipped": True},
            {"line": 5, "message": 'id "2" is taken by line 3; give the row its own', "skipped": True},
        ],
        "near_duplicates": [
            {"lines": [2, 6], "questions": ["パスワードを忘れました", "パスワードを忘れた"], "similarity": 0.61}
        ],
    }
    assert json.loads(json.dumps(report.as_dict())) == report.as_dict()


def test_the_report_for_people_names_file_and_line(tmp_path: Path) -> None:
    assert format_report(check(tmp_path, SAMPLE)).splitlines() == [
        "it-help.csv: 3 records, 2 skipped (utf-8, comma)",
        "  columns: id = 番号, question = 質問, answer = 回答",
        "  shown as details: 備考",
        "  it-help.csv:4: question and answer are both blank (skipped)",
        '  it-help.csv:5: id "2" is taken by line 3; give the row its own (skipped)',
        "  1 pair of nearly the same question:",
        "    it-help.csv:2: パスワードを忘れました",
        "    it-help.csv:6: パスワードを忘れた  (0.61)",
    ]


def test_an_unusable_file_is_reported_with_the_same_keys(tmp_path: Path) -> None:
    report = check(tmp_path, "質問,回答\n")
    assert not report.usable
    assert format_report(report) == "it-help.csv: only a header; add one row per question\n"
    usable = check(tmp_path, SAMPLE).as_dict()
    assert report.as_dict().keys() - usable.keys() == {"error"}
    assert report.as_dict()["rows"] == 0
    assert str(check_file(tmp_path / "gone.csv").error) == "gone.csv: there is no such file; was it moved or renamed?"


def test_long_lists_are_cut_for_people_and_whole_in_json(tmp_path: Path) -> None:
    report = check(tmp_path, "質問,回答\na,b\n" + "x,y\n" * 101)
    assert len(report.as_dict()["problems"]) == 100
    text = format_report(report)
    assert text.count("the same question and answer as in line 3") == 40
    assert text.endswith("  … and 60 more lines (--json has them all)\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VPNに接続できない", "ＶＰＮに接続できない。"),
        ("パスワードを忘れました", "パスワードを忘れた"),
        ("How do I reset my password?", "how can I reset my password"),
        ("経費精算の締め日はいつですか", "経費精算の締め日はいつ？"),
        ("ﾊﾟｽﾜｰﾄﾞの変更", "パスワードの変更"),
    ],
)
def test_nearly_the_same_questions_are_found(one: str, other: str) -> None:
    assert pairs(one, "プリンターが動かない", other) == [(2, 4)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Windows 10 の更新", "Windows 11 の更新"),
        ("how many dollars for 10000 yen", "how many dollars for 100000 yen"),
        ("名刺の発注方法", "会議室の予約方法"),
        ("VPN", "Wi-Fi"),
        ("?", "!"),
    ],
)
def test_different_questions_are_not(one: str, other: str) -> None:
    assert pairs(one, other) == []


def test_the_similarity_is_the_weighted_share_of_character_pairs() -> None:
    text = "question,answer\nabcd,1\nabce,2\n"  # ab bc cd / ab bc ce: two of four shared, in two rows each
    found = parse_records(text.encode(), Path("x.csv"))
    assert near_duplicates(found) == []  # 2 log 501 / (2 log 501 + 2 log 1001) = 0.47
    text = "question,answer\nabcdefg,1\nabcdefh,2\n"  # five of seven: 5 log 501 / (5 log 501 + 2 log 1001) = 0.692
    assert [pair.similarity for pair in near_duplicates(parse_records(text.encode(), Path("x.csv")))] == [0.69]


def test_equal_questions_with_different_answers_come_first() -> None:
    assert pairs("有給休暇の残りの日数", "有給休暇の残り日数", "有給休暇の残りの日数") == [(2, 4), (2, 3)]


def test_texts_without_questions_are_compared_by_how_they_begin(tmp_path: Path) -> None:
    report = check(tmp_path, '本文\n"就業規則について\n一"\n"就業規則について\n二"\n')
    assert [pair.lines for pair in report.near_duplicates] == [(2, 4)]


def test_prefix_filtering_misses_no_pair() -> None:
    words = ["経費", "精算", "申請", "締め日", "期限", "方法", "変更", "VPN", "接続"]
    questions = [f"{a}の{b}を{c}する" for a in words for b in words[:5] for c in words[4:]]
    found = parse_records(
        ("question,answer\n" + "".join(f"{q},{n}\n" for n, q in enumerate(questions))).encode(), Path("x.csv")
    )
    quick = {pair.lines: pair.similarity for pair in near_duplicates(found)}
    from indexes.records.checking import SIMILAR, _grams, _weights  # noqa: PLC0415 - the slow way, spelled out

    grams = [_grams(question) for question in questions]
    weights = _weights(list(dict.fromkeys(grams)))
    slow = {}
    for later, b in enumerate(grams):
        for earlier, a in enumerate(grams[:later]):
            both, either = sum(weights[gram] for gram in a & b), sum(weights[gram] for gram in a | b)
            if a != b and both / either >= SIMILAR:
                slow[earlier + 2, later + 2] = round(both / either, 2)
    distinct = {lines: similarity for lines, similarity in quick.items() if similarity < 1}
    assert len(quick) < MAX_PAIRS
    assert distinct.items() <= slow.items()
    first_of = {gram: number for number, gram in reversed(list(enumerate(grams, start=2)))}
    expected = {lines for lines in slow if all(first_of[grams[line - 2]] == line for line in lines)}
    assert expected == {lines for lines in distinct if lines in expected}


def test_ten_thousand_rows_take_seconds(tmp_path: Path) -> None:
    kana = "アイウエオカキクケコサシスセソタチツテト"
    text = "質問,回答\n" + "".join(
        f"サーバー{''.join(kana[n // 20**place % 20] for place in range(4))}の再起動方法を教えてください,{n}\n"
        for n in range(0, 150_000, 15)
    )
    started = time.monotonic()
    report = check(tmp_path, text)
    assert time.monotonic() - started < 30
    assert report.records == 10_000
    assert len(report.near_duplicates) <= MAX_PAIRS


def test_a_report_is_the_same_whatever_the_order_of_sets(tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    rows = [f"How do I {verb} the {thing} in the {place}?,x" for verb in VERBS for thing in THINGS for place in PLACES]
    path.write_text("\n".join(["question,answer", *rows]) + "\n", "utf-8")
    command = [sys.executable, "-m", "bot", "check", str(path), "--json"]
    outputs = {
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed}).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(outputs) == 1
    assert json.loads(outputs.pop())[0]["near_duplicates"]
