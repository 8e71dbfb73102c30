"""What every command prints in a Japanese terminal is Japanese: results, findings, questions asked, refusals."""

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import Bot
from bot.cli import main
from bot.playground import LocalSlack
from bot.source_watch import told_of_sources
from bot.status import write_status
from indexes.text import is_japanese

PAGES = "https://api.slack.com/apps"
NAMES_ONLY = re.compile(r"\[ok\]   sentence-transformers [\d.]+、torch \S+|kotae_\w+|  .*: /.*")
"""Lines of names alone, the same in every language."""

Told = Callable[..., list[str]]


@pytest.fixture
def told(
    slack: LocalSlack, knowledge: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Told:
    """Run a command in the folder of a running bot, with lines of input; return the lines that it printed."""
    monkeypatch.chdir(knowledge.parent)
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    where = {"DATA_DIR": "data", "KNOWLEDGE_DIR": "knowledge", "ENCODER_BACKEND": "lexical", "LANG": "ja_JP.UTF-8"}
    for name, value in {**where, "SLACK_API_URL": slack.api_url}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, said: str = "", **changed: str) -> list[str]:
        with monkeypatch.context() as changes:
            changes.setattr(sys, "stdin", io.StringIO(said))
            for name, value in changed.items():
                changes.setenv(name, value)
            main(arguments)
        printed = capsys.readouterr()
        lines = f"{printed.out}{printed.err}".splitlines()
        assert lines, arguments
        english = [each for each in lines if each.strip() and not is_japanese(each) and not NAMES_ONLY.fullmatch(each)]
        assert english == [], arguments
        return lines

    return run


def test_the_bots_commands(slack: LocalSlack, bot: Bot, told: Told, knowledge: Path) -> None:
    tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    assert any("ローカルワークスペースが起動します" in each for each in told("doctor"))
    assert any("トークンは2つとも有効です" in each for each in told("doctor", **tokens))
    for wrong in ("postgresql+psycopg://127.0.0.1:9/kotae", "nothing://db/kotae", "mysql://db/kotae", "sqlite://"):
        assert any(each.startswith("[fail] ") for each in told("doctor", DATABASE_URL=wrong)), wrong
    told("doctor", DATABASE_URL="sqlite:///x?uri=foo")
    told("doctor", DATA_DIR="elsewhere", API_BIND="0.0.0.0:0")
    assert told("status", DATA_DIR="elsewhere") == ["DATA_DIR = elsewhere で動いているボットもお試しもありません"]
    told("quiet", "1h")
    write_status(knowledge.parent / "data", bot.services, told_of_sources(bot.services))
    assert told("status")[0].startswith("Kotae は動作中です（pid ")
    told("quiet", "off")
    told("quiet", "1h", DATA_DIR="elsewhere")
    told("token", "create", "website", "--knowledge-bases", "it-help")
    told("token")
    told("token", "revoke", "website")
    told("token", "revoke", "website")
    told("token", "list")
    told("forget", "U012AB3CD")
    told("forget", "U012AB3CD", DATA_DIR="elsewhere")
    told("backup", "kotae.zip")
    told("backup", "kotae.zip")
    told("backup", "other.zip", DATA_DIR="elsewhere")
    assert told("restore", "kotae.zip", said="no\n", DATA_DIR="elsewhere")[-1].endswith("何も変更していません")
    told("restore", "kotae.zip", "--yes", DATA_DIR="elsewhere")
    told("serve")
    told("manifest", "--search-command", "no name")
    told("model", "clear", "nothing")
    told("model", "list", HF_HOME=str(knowledge.parent / "empty"))


def test_commands_on_files(told: Told, knowledge: Path) -> None:
    told_of = knowledge / "faq.csv"
    told_of.write_text("質問,回答\n同じ質問です,はい\n同じ質問です。,いいえ\n,\n何か,\n", "utf-8")
    assert told("check", str(told_of))[0] == "faq.csv: 3件、除いた行 1（utf-8、カンマ区切り）"
    told("check", str(knowledge / "gone.csv"))
    told("search", str(told_of), "まったく別のこと")
    told("search", str(knowledge / "gone.csv"), "何か")
    told("convert", str(told_of))
    for wrong in (
        "thresold = 0.9",
        'threshold = "x"',
        "threshold =",
        'watch = "x"',
        "synonyms = 'none.csv'",
        "ask = 1",
    ):
        (knowledge.parent / "kotae.toml").write_text(wrong)
        told("doctor")
    for wrong in ('auto_reply = "maybe"', 'auto_reply = "shadow"', 'knowledge_bases = ["nope"]'):
        (knowledge.parent / "kotae.toml").write_text(f"[channels.it-help]\n{wrong}\n")
        told("doctor")
    (knowledge.parent / "kotae.toml").unlink()
    told("doctor", KNOWLEDGE_DIR="nowhere")
    told("doctor", SLACK_BOT_TOKEN="xapp-1", SLACK_APP_TOKEN="x", SEARCH_COMMAND="/A B", ADMIN_USERS="me")
    told("doctor", INDEX_BACKEND="pgvector")
    (knowledge / "FAQ.csv").write_text("question,answer\n")
    told("doctor")
    (knowledge.parent / ".env").write_text("SLACK_BOT_TOKN=x\n")
    told("check", str(told_of))


def test_putting_it_into_a_database(told: Told, knowledge: Path, postgresql: str) -> None:
    shared = {"DATABASE_URL": postgresql}
    table, other = knowledge / "it-help.csv", knowledge / "other.csv"
    first, second = "質問,回答\n時刻は？,9時です\n", "質問,回答\n時刻は？,10時です\n"
    told("import")
    told("import", "nowhere", **shared)
    told("import", said="no\n", **shared)
    for text in (first, second):
        table.write_text(text, "utf-8")
        told("import", "--yes", **shared)
    other.write_text("質問,回答\n場所は？,2階です\n", "utf-8")
    told("import", "--yes", **shared)
    other.write_text("", "utf-8")
    assert any(each.startswith("使用不可  other.csv: ") for each in told("import", "--yes", **shared))
    other.unlink()
    table.write_text(first, "utf-8")
    lines = told("import", "--yes", **shared)
    assert any(each.startswith("古い版    it-help.csv: 第") for each in lines)
    assert any(each.startswith("DB のみ   other.csv: ") for each in lines)
    empty = knowledge.parent / "empty"
    empty.mkdir()
    assert told("import", str(empty), **shared)[-1].endswith("CSV もブックもありません。何も変更していません")


def test_moving_to_another_database(told: Told, knowledge: Path, postgresql: str) -> None:
    new = f"sqlite:///{knowledge.parent / 'new.db'}"
    told("migrate", "--to", "nothing")
    told("migrate", "--to", f"sqlite:///{knowledge.parent / 'data' / 'state.db'}", DATA_DIR="data")
    lines = told("migrate", "--to", new, DATA_DIR="other")
    assert any("（移行元と移行先で一致）" in each for each in lines)
    told("migrate", "--to", f"sqlite:///{knowledge}", DATA_DIR="other")
    told("migrate", "--to", postgresql, DATA_DIR="other", KNOWLEDGE_DIR="nowhere")
    told("migrate", "--to", new, DATA_DIR="third")
    told("migrate", "--to", postgresql, DATA_DIR="other")
    (knowledge / "it-help.csv").write_text("質問,回答\n別の質問,はい\n", "utf-8")
    told("migrate", "--to", f"sqlite:///{knowledge.parent / 'back.db'}", DATA_DIR="other", DATABASE_URL=postgresql)


def test_connecting(slack: LocalSlack, told: Told) -> None:
    answers = f"{slack.config_token}\nxapp-1\n{slack.bot_token}\n{slack.app_token}\n"
    lines = told("connect", said=answers)
    assert lines[0] == f"アプリ設定トークン（xoxe.xoxp-…）。{PAGES} の Generate Token で作ります:"
    assert lines[-1].endswith("次は kotae doctor、続けて kotae serve を実行してください")
    told("connect")
    told("connect", "--replace", said="xoxe-1\n")
    told("connect", "--replace", said="xoxe.xoxp-unknown\n")
    told("connect", "--replace", said="")
    told("connect", "--replace", SLACK_API_URL="http://127.0.0.1:9/api/", said="xoxe.xoxp-1\n")
