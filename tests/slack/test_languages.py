"""What went wrong, and what was done, in the language of whoever reads it: ichiro reads Japanese, olivia English."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from handlers.store.audit import AuditLog
from indexes.text import is_japanese
from tests.conftest import FOLDER
from tests.slack.conftest import IT_HELP, settle

JAPANESE, ENGLISH = "ichiro", "olivia"
ROWS = IT_HELP + "only-one\npw,また,同じ番号です,,,,\nx,,,,,,\n"


def kb(slack: LocalSlack, who: str, line: str, answers: int = 1) -> str:
    asked = slack.command(who, "it-help", f"/kb {line}")
    slack.wait_until(lambda: len(asked.messages) >= answers, 20, "the answer")
    return asked.messages[answers - 1].shown


def upload(slack: LocalSlack, who: str, name: str, data: bytes) -> str:
    before = len(slack.bot_messages(slack.person(who)))
    slack.upload(who, slack.person(who), name, data)
    return slack.wait_until(lambda: slack.bot_messages(slack.person(who))[before:], what="a card")[0].shown


UNUSABLE = [
    (b"", "it-help.csv: ファイルが空です", "it-help.csv: the file is empty"),
    (
        b'question,answer\na,b\n"c,d\n',
        "it-help.csv 3行目: 引用符が閉じられていません",
        "it-help.csv:3: a quotation mark in this row is never closed",
    ),
    (b"foo,bar\n1,2\n", "1行目は 「foo」、「bar」 です", 'the first row has "foo", "bar"'),
    (b"PK\x03\x04\x14\x00", "CSV ではなく Excel ブック（.xlsx）", "not a CSV but an Excel workbook (.xlsx)"),
    (
        b"question,answer\na,\n\x01,b\n",
        "it-help.csv 3行目: テキストにない文字（U+0001）",
        "it-help.csv:3: not plain text: it contains the character U+0001",
    ),
    (
        b"question,answer\n,\n",
        "it-help.csv: 使える行がありません。2行目: すべてのセルが空です",
        "it-help.csv: no usable row in the file; it-help.csv:2: every cell is blank",
    ),
]


@pytest.mark.usefixtures("bot", "lawful")
def test_a_file_that_can_not_be_used(slack: LocalSlack, knowledge: Path) -> None:
    for data, japanese, english in UNUSABLE:
        (knowledge / "it-help.csv").write_bytes(data)
        for who, says, other in ((JAPANESE, japanese, english), (ENGLISH, english, japanese)):
            commands = [kb(slack, who, "reload it-help", 2), kb(slack, who, "status")]
            shown = [*commands, upload(slack, who, "it-help.csv", data)]
            assert [(says in text, other in text) for text in shown] == [(True, False)] * 3, (data, who)


@pytest.mark.usefixtures("bot", "lawful")
def test_rows_that_are_left_out(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "it-help.csv").write_text(ROWS, encoding="utf-8")
    japanese = (
        "7行目: 質問も回答も空です",
        "8行目: ID「pw」は 2行目で使われています。別の ID にしてください",
        "9行目: 質問も回答も空です",
    )
    english = (
        "line 7: question and answer are both blank",
        'line 8: id "pw" is taken by line 2; give the row its own',
        "line 9: question and answer are both blank",
    )
    for who, lines in ((JAPANESE, japanese), (ENGLISH, english)):
        for shown in (kb(slack, who, "reload it-help", 2), upload(slack, who, "it-help.csv", f"{ROWS}\n".encode())):
            assert [line for line in lines if line not in shown] == []


@pytest.mark.usefixtures("bot", "lawful")
def test_synonyms_that_are_left_out(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "_synonyms.csv").write_text("original,normalized\nPC,\n", encoding="utf-8")
    assert "_synonyms.csv 2行目: original と normalized の両方を書いてください" in kb(slack, JAPANESE, "reload", 2)
    assert "_synonyms.csv:2: original and normalized must both be filled in" in kb(slack, ENGLISH, "reload", 2)


MISTAKES = ["reload <@U0&x", "rollback it-help 99", "threshold many", "versions nothing", "stats 0"]


@pytest.mark.usefixtures("bot", "lawful")
def test_a_mistake_in_a_command(slack: LocalSlack) -> None:
    for line in MISTAKES:
        japanese, english = kb(slack, JAPANESE, line), kb(slack, ENGLISH, line)
        assert (is_japanese(japanese), is_japanese(english)) == (True, False), line
        assert "<@U0" not in japanese + english, line


@pytest.mark.usefixtures("lawful")
def test_an_unknown_knowledge_base_is_answered_with_those_there_are(slack: LocalSlack, bot: Bot) -> None:
    assert kb(slack, JAPANESE, "reload it-helpp") == (
        "「it-helpp」というナレッジベースはありません。次のものがあります: _shared、dev-faq、it-help"
    )
    assert AuditLog(bot.services.database).newest() == []


@pytest.mark.sqlite(FOLDER)
def test_what_was_done_is_listed_in_each_reader_s_language(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    kb(slack, ENGLISH, "auto-reply shadow")
    kb(slack, JAPANESE, "threshold 0.8")
    kb(slack, ENGLISH, "export it-help")
    kb(slack, JAPANESE, "reload it-help", 2)
    (knowledge / "it-help.csv").write_bytes(b"")
    kb(slack, ENGLISH, "reload it-help", 2)
    settle(slack, bot)
    assert done(kb(slack, JAPANESE, "audit")) == [
        "*it-help の読み直しに失敗* · it-help.csv: ファイルが空です。まず見出しの行を書いてください",
        "*it-help を読み直し* · 5件（追加 0、変更 0、削除 0）",
        "*it-help を書き出し* · 5行",
        "*必要な確信度* · 0.8",
        "*自動回答* · シャドー",
    ]
    assert done(kb(slack, ENGLISH, "audit")) == [
        "*reload it-help* · it-help.csv: the file is empty; give it a header row first",
        "*reload it-help* · entries: 5, +0 ~0 -0",
        "*export it-help* · rows: 5",
        "*threshold* · 0.8",
        "*auto-reply* · Shadow",
    ]


def done(listing: str) -> Sequence[str]:
    """What was done, without when, by whom and where."""
    return [line[line.index("*") :] for line in listing.splitlines() if " · " in line]


@pytest.mark.sqlite("its file is lost; a server: test_lost_server")
@pytest.mark.usefixtures("lawful")
def test_a_lost_database(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    (knowledge.parent / "data" / "state.db").unlink()
    japanese, english = kb(slack, JAPANESE, "threshold 0.7"), kb(slack, ENGLISH, "threshold 0.7")
    assert japanese.startswith("設定を保存できませんでした。状態データベースに書き込めません（state.db が削除されたか")
    assert english.startswith("The setting was not stored: the state database can't be written (state.db was removed")
    settle(slack, bot)
