"""What stands in an answer's cell until somebody writes the answer, and what is an answer however short."""

from pathlib import Path

import pytest

from indexes.confidence.confidence import DOUBTFUL, with_confidence
from indexes.records import Record, check_file, format_report, has_answer
from indexes.retrieval.index import Index, Question
from indexes.retrieval.synonyms import Synonyms
from indexes.text import normalize

PLACEHOLDERS = (
    "", "　", "-", "—", "--", "ー", "−", "…", "...", "・・・", "?", "？？", "/", "*", "***", "_", "(空欄)",
    "未定", "未定です", "（未定）", "未定。", "【調整中】", "調整中です", "準備中", "ただいま準備中です。",
    "確認中", "検討中", "現在作成中", "後日", "後日記入", "後日回答します", "後日ご案内いたします", "追って連絡",
    "追ってご連絡します", "回答待ち", "要確認", "未回答", "未記入", "追記予定", "回答なし", "不明", "同上", "〃",
    "TBD", "ＴＢＤ", "tbd.", "T.B.D.", "TBA", "TBC", "[TBD]", "<TODO>", "To do", "to be determined", "To be announced",
    "N/A", "n.a.", "#N/A", "#REF!", "null", "NaN", "Coming soon!", "pending", "WIP", "work in progress", "unknown",
    "xxx", "XXXX", "○○", "〇〇", "●●●", "××", "dummy", "ダミー",
    "🚧", "TBD 🚧", "🚧WIP🚧", "⏳ 確認中です", "⌛️", "#NUM!", "#SPILL!", "＃ＣＡＬＣ！", "#GETTING_DATA",
    "#エラー!", "Err:502", "同じ", "上記と同じ", "左に同じ", "以下同文", "々", "ヽ", "仝", "工事中", "対応中です",
    "保留中", "後ほど", "後ほどご連絡します", "のちほど記入", "あとで記入します", "ここに回答を入力",
    "回答を記入してください", "<p>TBD</p>", '<p style="text-align: center;">準備中です。</p>', "<div>-</div>",
    "<p><br></p>", "回答作成中", "詳細は後日ご連絡します", "内容は未定です", "確認しております", "↑", "↑と同じ", "同左",
    "（仮）", "要回答", "後で書く", "回答が入ります", "See above", "Answer pending", "not available yet",
    "to be completed", "Lorem ipsum",
)  # fmt: skip
ANSWERS = (
    "なし", "特になし", "無し", "None", "No", "いいえ", "可", "不可", "○", "×", "◎", "✓", "👍", "0", "3", "x", "12:30",
    "$5", "5%", "A", "未定（4月に決まります）", "準備中のページは /draft にあります", "TBD means to be determined.",
    "後日、総務から連絡があります", "To do list: see the wiki", "xxxx.example.com", "済", "同上の手順で", "はい", "C++",
    "🍣", "✅", "同じ部署の方へ", "#help", "#HELP", "保留音は 3 番です", "後ほど総務から連絡します",
    "回答を記入して総務へ", "工事中の入口は使えません", "Error 502: restart it",
    "対応しています", "更新が必要です", "下書き", "要更新", "内容を更新します", "詳細を確認してください", "↑キー",
    "同じ内容です", "<p>なし</p>", "<p>はい</p>", "<b>5%</b>", "See above for the fee",
    "not applicable to interns", "unknown_host は DNS の設定です", "調整中の場合は総務へ",
)  # fmt: skip


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_is_no_answer(text: str) -> None:
    assert not has_answer(Record("1", "いつですか", text))


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_one_however_short(text: str) -> None:
    assert has_answer(Record("1", "いつですか", text))


@pytest.mark.parametrize("answer", ["", "未定", "TBD"])
def test_a_row_without_an_answer_is_found_but_doubted(answer: str) -> None:
    index = Index("faq", [Record("1", "送別会はいつですか", answer), Record("2", "会議室の予約", "総務へ")], Synonyms())
    question = Question("送別会はいつですか", normalize("送別会はいつですか"))
    hits = with_confidence(question, index.search(question))
    assert (hits[0].record.id, hits[0].confidence) == ("1", DOUBTFUL)


def problems(folder: Path, text: str) -> list[tuple[int, str, bool]]:
    path = folder / "faq.csv"
    path.write_text(text, encoding="utf-8")
    report = check_file(path)
    assert all(f"faq.csv:{problem.line}: {problem.message}" in format_report(report) for problem in report.problems)
    return [(problem.line, str(problem.message), problem.skipped) for problem in report.problems]


def test_check_names_the_rows_without_an_answer(tmp_path: Path) -> None:
    text = 'question,answer\nWhere?,Here\nWhen?,\n"How\nlong?",TBD\n,Only text\nWho?,n/a\nWhat?,\n'
    assert problems(tmp_path, text) == [
        (3, "the answer is blank: the row is shown to who asks, but never volunteered", False),
        (4, 'the answer "TBD" says nothing yet: the row is shown to who asks, but never volunteered', False),
        (7, 'the answer "n/a" says nothing yet: the row is shown to who asks, but never volunteered', False),
        (8, "the answer is blank: the row is shown to who asks, but never volunteered", False),
    ]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("question,anser", 'no column has the answers: is it "anser"? Name it "answer"'),
        ("question,Bot_Reply", 'no column has the answers: is it "Bot_Reply"? Name it "reply"'),
        ("質問,回当", 'no column has the answers: is it "回当"? Name it "回答"'),
        ("質問,備考", 'no column has the answers; name it "回答"'),
        ("question,remark", 'no column has the answers; name it "answer"'),
        ("questoin,answer", 'no column has the questions: is it "questoin"? Name it "question"'),
        ("製品,説明", 'no column has the questions; name it "質問"'),
    ],
)
def test_check_names_the_closest_known_header(tmp_path: Path, header: str, says: str) -> None:
    found = problems(tmp_path, f"\n{header}\nWhere is the printer?,Floor 2\nWhen is lunch?,TBD\n")
    assert found == [(2, f"{says}. Until then no row is volunteered", False)]


def test_check_is_content_with_a_file_that_is_whole(tmp_path: Path) -> None:
    assert problems(tmp_path, "question,answer,remark\nWhere?,Here,\nAny fee?,None,\n有料ですか,なし,\n") == []
