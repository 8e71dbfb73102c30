"""`kotae forget` beside the running bot: who is forgotten is in no file, and does not come back."""

import os
import subprocess
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from handlers.learning.store.voices import Voices
from tests.processes import run
from tests.slack.conftest import Start, approve, reject, settle, stop
from tests.test_retention import found

QUESTION, CANARY = "VPNがつながりません", "CANARYTEXT はどこですか？"


def kotae(knowledge: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": os.environ["PATH"], "DATA_DIR": str(knowledge.parent / "data")}
    return run("-m", "bot", *arguments, cwd=knowledge.parent, env={**own, **environment})


def left(slack: LocalSlack, bot: Bot, who: str) -> str:
    """Let somebody ask, vote, confirm, send a file and use the admin's commands; return their id."""
    for question in (QUESTION, CANARY, QUESTION):
        answer = slack.reply(slack.command(who, "it-help", f"/search {question}"))
        (reject if question == CANARY else approve)(slack, who, answer)
    slack.reply(slack.dm(who, CANARY))
    slack.reply(slack.mention(who, "it-help", QUESTION))
    slack.reply(slack.command(who, "it-help", "/kb threshold 0.8"))
    slack.upload(who, slack.person(who), "it-help.csv", f"質問,回答\n{CANARY},はい\n".encode())
    settle(slack, bot)
    return slack.person(who).id


@pytest.mark.sqlite("its file and its copies; a server: test_forgetting")
@pytest.mark.long("starts bot after bot")
def test_who_is_forgotten_is_in_no_file_and_does_not_come_back(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    bot = start()
    data = knowledge.parent / "data"
    olivia = left(slack, bot, "olivia")
    hanako = left(slack, bot, "hanako")
    assert found(data, olivia)
    assert found(data, CANARY)
    done = kotae(knowledge, "forget", olivia)
    assert (done.returncode, "Not touched: messages in Slack" in done.stderr) == (0, True), done.stderr
    assert "state.db: " in done.stdout
    assert "voices 2" in done.stdout
    assert "uploads: removed 1" in done.stdout
    assert found(data, olivia) == []
    assert found(data, hanako)
    slack.reply(slack.command("ichiro", "it-help", "/kb channels"))
    assert bot.services.channels.of(slack.channel("it-help").id).threshold == 0.8
    audit = slack.reply(slack.command("ichiro", "it-help", "/kb audit"))
    assert "· 削除されたユーザー（<#" in audit.shown
    slack.reply(slack.command("ichiro", "it-help", "/kb status"))
    slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    settle(slack, bot)
    assert not bot.services.database.trouble
    assert kotae(knowledge, "forget", hanako).returncode == 0
    stop(slack, bot)
    assert {word: found(data, word) for word in (olivia, hanako, "CANARYTEXT")} == {
        olivia: [],
        hanako: [],
        "CANARYTEXT": [],
    }
    again = kotae(knowledge, "forget", olivia)
    searched = ("state.db", "state.db.backup", "uploads", "versions")
    assert (again.returncode, again.stdout) == (0, "".join(f"{place}: nothing\n" for place in searched))


@pytest.mark.usefixtures("lawful")
def test_the_same_press_after_being_forgotten_says_that_it_is_gone(
    slack: LocalSlack, bot: Bot, knowledge: Path, state_url: str
) -> None:
    answer = slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    settle(slack, bot)
    hanako = slack.person("hanako").id
    assert kotae(knowledge, "forget", hanako, DATABASE_URL=state_url).returncode == 0
    slack.press("hanako", answer, "show_2")
    settle(slack, bot)
    assert Voices(bot.services.database).judged() == {}
    slack.wait_until(lambda: found(knowledge.parent / "data", hanako) == [], 5, what="the end of what was kept")


@pytest.mark.sqlite("its file is missing, or damaged")
def test_wrong_use_and_failure_have_their_exit_codes(knowledge: Path) -> None:
    for wrong in ([], ["hanako"], ["<@U012AB3CD>"], ["U1", "U2"]):
        done = kotae(knowledge, "forget", *wrong)
        assert (done.returncode, done.stdout) == (2, "")
    said = kotae(knowledge, "forget", "--help")
    assert (said.returncode, "Example: kotae forget U012AB3CD" in said.stdout) == (0, True)
    none = kotae(knowledge, "forget", "U012AB3CD")
    assert none.returncode == 1
    why = f"state database: not done (there is no {knowledge.parent / 'data' / 'state.db'}. Either Kotae was never"
    assert none.stderr.startswith(why)
    assert not (knowledge.parent / "data").exists()
    (knowledge.parent / "data").mkdir()
    (knowledge.parent / "data" / "state.db").write_bytes(b"SQLite format 3\0" + bytes(500))
    broken = kotae(knowledge, "forget", "U012AB3CD", ADMIN_USERS="U012AB3CD")
    assert broken.returncode == 1
    assert "state.db: not done (" in broken.stderr
    assert "Still named in ADMIN_USERS" in broken.stderr
    assert "Traceback" not in broken.stderr
