"""A start with a damaged state database: it answers, and posts nothing unasked until an admin confirms the settings."""

import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.housekeeping import Housekeeping
from bot.playground import LocalSlack, Message
from bot.status import format_status, read_status, write_status
from handlers.store.audit import AuditLog
from handlers.store.backup import backup_of
from handlers.store.recovery import set_aside
from tests.slack.conftest import Start, redeliver, settle, stop

pytestmark = [
    pytest.mark.sqlite("its file is damaged; a server repairs its own"),
    pytest.mark.usefixtures("lawful"),
]

QUESTION, ANSWER = "パスワードを忘れました", "再設定ページから"
VPN = "VPNにつながりません。"


@pytest.fixture
def config() -> ConfigFile:
    return ConfigFile.model_validate({"channels": {"it-help": {"auto_reply": "on", "threshold": 0.5}}})


@pytest.fixture
def file(knowledge: Path) -> Path:
    return knowledge.parent / "data" / "state.db"


def admins(slack: LocalSlack) -> tuple[str, ...]:
    return (slack.person("olivia").id, slack.person("ichiro").id)


def told(slack: LocalSlack, who: str) -> list[Message]:
    return [each for each in slack.bot_messages(slack.person(who)) if "rotating_light" in each.shown]


def damaged(slack: LocalSlack, bot: Bot, file: Path) -> None:
    """Stop the bot and damage its database."""
    stop(slack, bot)
    file.write_bytes(b"garbage" * 1000)


def unasked(slack: LocalSlack, bot: Bot, text: str = QUESTION) -> list[str]:
    """What is posted when somebody asks nobody in particular."""
    said = slack.say("hanako", "it-help", text)
    settle(slack, bot)
    return [reply.shown for reply in slack.replies(said)]


def test_the_newest_copy_goes_on_in_shadow_until_an_admin_confirms(
    slack: LocalSlack, start: Start, config: ConfigFile, file: Path
) -> None:
    bot = start(config, admin_users=admins(slack))
    slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.4"))
    assert unasked(slack, bot)
    backup_of(file).unlink(missing_ok=True)
    Housekeeping(bot.services, 90).keep_files()
    slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.9"))
    damaged(slack, bot, file)
    bot = start(config, admin_users=admins(slack))
    [message] = slack.wait_until(lambda: told(slack, "olivia"))
    settle(slack, bot)
    assert f"`{set_aside(file)[0].name}`" in message.shown
    assert "it-help" in message.shown
    assert "40%" in message.shown
    assert ANSWER in slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}")).shown
    assert unasked(slack, bot, VPN) == []
    status = slack.reply(slack.command("ichiro", "it-help", "/kb status"))
    assert "起動時に、状態データベースが壊れていました" in status.shown
    write_status(file.parent, bot.services)
    known = read_status(file.parent)
    assert known
    assert "Recovered: the state database had to be given up (" in format_status(known)
    stop(slack, bot)
    bot = start(config, admin_users=admins(slack))
    settle(slack, bot)
    assert (len(told(slack, "olivia")), len(told(slack, "ichiro"))) == (1, 1)
    assert unasked(slack, bot, "プリンターで印刷できません。") == []
    slack.press("olivia", message, "recovery_confirm")
    slack.wait_until(lambda: "Auto-reply goes on" in message.shown, what="the confirmation")
    assert unasked(slack, bot, "How do I set up two-factor authentication?")
    [entry] = AuditLog(bot.services.database).newest(1)
    assert (entry.user, entry.done.key) == (slack.person("olivia").id, "audit.settings_confirmed")
    assert "rotating_light" not in slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
    stop(slack, bot)
    bot = start(config, admin_users=admins(slack))
    assert unasked(slack, bot, "How do I connect to the office Wi-Fi?")
    assert told(slack, "olivia") == []


def test_without_a_copy_it_begins_empty_and_asks_as_well(
    slack: LocalSlack, start: Start, config: ConfigFile, file: Path
) -> None:
    bot = start(config)
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply off"))
    settle(slack, bot)
    damaged(slack, bot, file)
    backup_of(file).write_bytes(b"no better")
    bot = start(config)
    [message] = slack.wait_until(lambda: told(slack, "olivia"))
    assert "there was no good copy" in message.shown
    assert ANSWER in slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}")).shown
    assert unasked(slack, bot) == []


def test_other_settings_than_those_shown_are_not_confirmed(
    slack: LocalSlack, start: Start, config: ConfigFile, file: Path
) -> None:
    bot = start(config, admin_users=admins(slack))
    Housekeeping(bot.services, 90).keep_files()
    damaged(slack, bot, file)
    bot = start(config, admin_users=admins(slack))
    [message] = slack.wait_until(lambda: told(slack, "olivia"))
    set_in = slack.reply(slack.command("ichiro", "it-help", "/kb threshold 0.3"))
    assert "シャドーモード" in set_in.shown
    slack.press("olivia", message, "recovery_confirm")
    slack.wait_until(lambda: "changed since they were shown" in message.shown, what="the settings of now")
    assert unasked(slack, bot) == []
    slack.press("olivia", message, "recovery_confirm")
    slack.wait_until(lambda: "Auto-reply goes on" in message.shown, what="the confirmation")
    assert unasked(slack, bot, VPN)


def test_what_was_said_before_is_not_answered_again(
    slack: LocalSlack, start: Start, config: ConfigFile, file: Path
) -> None:
    bot = start(config, admin_users=admins(slack))
    Housekeeping(bot.services, 90).keep_files()
    asked = slack.say("hanako", "it-help", QUESTION)
    mentioned = slack.mention("hanako", "it-help", VPN)
    direct = slack.dm("hanako", "プリンターで印刷できません。")
    for each in (asked, mentioned, direct):
        slack.reply(each)
    settle(slack, bot)
    events = [each for each in slack.envelopes if each.kind == "events_api"]
    damaged(slack, bot, file)
    bot = start(config, admin_users=admins(slack))
    slack.wait_until(lambda: told(slack, "olivia"))
    settle(slack, bot)
    bot.services.database.recovery.confirm()
    before = len(slack.bot_messages())
    for envelope in events:
        redeliver(slack, envelope)
    slack.edit(asked, f"{QUESTION}。助けて")
    settle(slack, bot)
    assert len(slack.bot_messages()) == before
    assert [len(slack.replies(each)) for each in (asked, mentioned)] == [1, 1]


def test_settings_changed_from_outside_are_to_be_confirmed(
    slack: LocalSlack, start: Start, config: ConfigFile, file: Path
) -> None:
    bot = start(config, admin_users=admins(slack))
    slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.9"))
    stop(slack, bot)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE settings SET value = '0.1' WHERE key = 'threshold'")
    bot = start(config, admin_users=admins(slack))
    [message] = slack.wait_until(lambda: told(slack, "olivia"))
    assert "can't tell whether the settings" in message.shown
    assert unasked(slack, bot) == []


def test_a_database_that_is_damaged_while_it_runs_is_reported_once(
    slack: LocalSlack, start: Start, config: ConfigFile, file: Path
) -> None:
    bot = start(config, admin_users=admins(slack))
    slack.wait_until(backup_of(file).exists, what="the copy that the bot makes at its start")
    bot.services.database.compact()
    good = backup_of(file).read_bytes()
    noise = ["dd", "if=/dev/urandom", f"of={file}", "bs=4096", "seek=1", "count=20", "conv=notrunc"]
    subprocess.run(noise, check=True, capture_output=True)  # not in this process: that would end SQLite's locks
    tomorrow = Housekeeping(bot.services, 90, clock=lambda: time.time() + 25 * 3600)
    tomorrow.keep_files()
    tomorrow.keep_files()
    [message] = told(slack, "olivia")
    assert "Please restart me" in message.shown
    assert backup_of(file).read_bytes() == good
    assert ANSWER in slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}")).shown
    assert "database disk image is malformed" in slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
    stop(slack, bot)
    bot = start(config, admin_users=admins(slack))
    slack.wait_until(lambda: len(told(slack, "olivia")) == 2, what="the report of the restart")
    assert ANSWER in slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}")).shown
