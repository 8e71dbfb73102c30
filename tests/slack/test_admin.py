"""`/kb`: who may, what it says, what it changes, and what it refuses."""

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack
from bot.settings import Environment
from bot.slack_client import slack_client
from handlers.access import REMEMBERED_SECONDS, Access
from handlers.channel_rules import AutoReply
from handlers.store.audit import AuditLog
from handlers.store.channel_settings import ChannelSettings
from tests.audit import action, outcome
from tests.conftest import FOLDER
from tests.slack.conftest import Start

HELP = "*/kb reload [name|all]*: read a CSV again"
Common = tuple[LocalSlack, Bot]
ADMINS_ONLY = "Only workspace admins can do that."
ADMINS_ONLY_JA = "この操作はワークスペースの管理者だけが行えます。"


def kb(slack: LocalSlack, who: str, line: str, where: str = "it-help") -> str:
    """What the bot says to `/kb line`; only to the one who typed it."""
    asked = slack.command(who, where, f"/kb {line}".strip())
    assert asked.error is None
    answer = slack.reply(asked)
    assert answer.ephemeral_to == slack.person(who).id
    return answer.shown


def audited(bot: Bot) -> list[tuple[str, str, str]]:
    return [(entry.user, action(entry), outcome(entry)) for entry in AuditLog(bot.services.database).newest()]


# Who may


@pytest.mark.parametrize(
    "line", ["reload", "status", "auto-reply on", "threshold 0.5", "channels", "help", "", "nonsense"]
)
def test_a_member_is_refused_every_action(common_slack: LocalSlack, common_bot: Common, line: str) -> None:
    assert kb(common_slack, "alice", line) == ADMINS_ONLY
    assert kb(common_slack, "hanako", line) == ADMINS_ONLY_JA
    assert audited(common_bot[1]) == []
    assert ChannelSettings(common_bot[1].services.database).channels() == []


@pytest.mark.parametrize("who", ["guest", "multi", "external"])
@pytest.mark.usefixtures("guests", "lawful", "bot")
def test_guests_and_other_organisations_are_refused(slack: LocalSlack, who: str) -> None:
    where = "partner-it" if who == "external" else "it-help"
    assert kb(slack, who, "status", where) in {ADMINS_ONLY, ADMINS_ONLY_JA}


@pytest.mark.usefixtures("guests", "lawful")
def test_a_guest_is_no_admin_even_when_named(slack: LocalSlack, start: Start) -> None:
    named = tuple(slack.person(who).id for who in ("guest", "external", "alice"))
    start(admin_users=named)
    assert kb(slack, "guest", "help") == ADMINS_ONLY
    assert kb(slack, "external", "help", "partner-it") == ADMINS_ONLY
    assert kb(slack, "alice", "help").startswith(HELP)


@pytest.mark.usefixtures("lawful")
def test_members_of_the_user_group_are_admins(slack: LocalSlack, start: Start) -> None:
    [group] = [each.id for each in slack.workspace.groups.values() if each.handle == "helpdesk"]
    start(admin_usergroup=group)
    assert kb(slack, "alice", "help").startswith(HELP)
    assert kb(slack, "hanako", "help") == ADMINS_ONLY_JA


def test_somebody_slack_can_not_vouch_for_is_refused(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("users.info", "fatal_error", times=None)
    assert kb(slack, "olivia", "auto-reply on").startswith("I couldn't check with Slack who you are")
    assert ChannelSettings(bot.services.database).channels() == []


def test_an_admin_no_more_is_refused_within_a_minute(slack: LocalSlack) -> None:
    now = [0.0]
    values = {"slack_api_url": slack.api_url, "slack_bot_token": slack.bot_token}
    client = slack_client(Environment.model_validate(values))
    home: dict[str, Any] = client.auth_test().data  # type: ignore[assignment]
    access = Access(client, home, clock=lambda: now[0])
    olivia = slack.person("olivia")
    assert access.person(olivia.id).is_admin
    olivia.is_admin = olivia.is_owner = False
    now[0] = REMEMBERED_SECONDS - 1
    assert access.person(olivia.id).is_admin
    now[0] = REMEMBERED_SECONDS
    assert not access.person(olivia.id).is_admin
    assert REMEMBERED_SECONDS == 60


# Help and nonsense


@pytest.mark.parametrize("line", ["", "help", "HELP", "  help  "])
def test_help_lists_every_action_with_the_configured_name(common_slack: LocalSlack, line: str) -> None:
    text = kb(common_slack, "olivia", line)
    for each in ("reload [name|all]", "status", "auto-reply on|shadow|off", "threshold 0.80", "channels", "help"):
        assert f"*/kb {each}*" in text


def test_help_is_japanese_for_japanese(common_slack: LocalSlack) -> None:
    assert kb(common_slack, "ichiro", "help").startswith("*/kb reload [名前|all]*: CSV を読み直します")


@pytest.mark.parametrize("commands", [("/ask", "/admin")])
@pytest.mark.usefixtures("lawful")
def test_another_command_name_is_used_throughout(slack: LocalSlack, start: Start) -> None:
    start(search_command="/ask", admin_command="/admin")
    answer = slack.reply(slack.command("olivia", "it-help", "/admin help"))
    assert answer.shown.startswith("*/admin reload")
    assert "/kb" not in answer.shown


@pytest.mark.parametrize(
    ("line", "echo"),
    [
        ("frobnicate it-help", "frobnicate it-help"),
        ("`rm` <!channel>", "'rm' &lt;!channel&gt;"),
        ("x" * 3000, "x" * 59 + "…"),
        ("＜!here＞", "＜!here＞"),
    ],
)
def test_an_unknown_action_is_repeated_harmlessly_with_help(common_slack: LocalSlack, line: str, echo: str) -> None:
    text = kb(common_slack, "olivia", line)
    assert text.startswith(f"I don't know `{echo}`.\n")
    assert HELP in text


# Auto-reply and threshold


@pytest.mark.parametrize(
    ("argument", "mode", "says"),
    [
        ("on", AutoReply.ON, "I now answer in this channel without being asked when I am at least 90% sure."),
        ("ON", AutoReply.ON, "I now answer in this channel without being asked when I am at least 90% sure."),
        ("shadow", AutoReply.SHADOW, "Shadow mode: I answer nothing here unasked"),
        ("off", AutoReply.OFF, "I now answer in this channel only when asked."),
        ("\u3000ｏｎ ", AutoReply.ON, "I now answer in this channel"),
    ],
)
@pytest.mark.usefixtures("lawful")
def test_auto_reply_is_set_and_audited(slack: LocalSlack, bot: Bot, argument: str, mode: AutoReply, says: str) -> None:
    assert kb(slack, "olivia", f"auto-reply {argument}").startswith(says)
    channel, olivia = slack.channel("it-help").id, slack.person("olivia").id
    rules = bot.services.channels.of(channel)
    assert (rules.auto_reply, rules.set_by) == (mode, {"auto_reply": olivia})
    assert audited(bot) == [(olivia, "auto-reply", mode.value.capitalize())]


@pytest.mark.parametrize("argument", ["", "yes", "on please", "オン"])
def test_another_mode_is_refused_with_the_choices(common_slack: LocalSlack, common_bot: Common, argument: str) -> None:
    says = "Say which: `/kb auto-reply on`, `shadow` or `off`. Here it is *Off* now."
    assert kb(common_slack, "olivia", f"auto-reply {argument}") == says
    assert audited(common_bot[1]) == []


@pytest.mark.usefixtures("lawful")
def test_auto_reply_needs_something_to_answer_from(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "_shared.csv").unlink()
    bot = start()
    says = "This channel has no knowledge base, so there is nothing to answer from."
    assert kb(slack, "olivia", "auto-reply on", "general") == says
    assert kb(slack, "olivia", "auto-reply off", "general") == "I now answer in this channel only when asked."
    assert len(audited(bot)) == 1


THRESHOLDS = {
    "0.8": 0.8,
    "5": 0.05,
    "80%": 0.8,
    "0": 0.0,
    "80": 0.8,
    "1": 1.0,
    "８０％": 0.8,
    "100": 1.0,
    " .5 ": 0.5,
    "85.5 %": 0.855,
}
"""No two that are the same follow each other: each changes something."""


@pytest.mark.usefixtures("lawful")
def test_a_threshold_is_set_and_audited(slack: LocalSlack, bot: Bot) -> None:
    channel, olivia = slack.channel("it-help").id, slack.person("olivia").id
    for number, (argument, value) in enumerate(THRESHOLDS.items(), 1):
        says = f"I now answer unasked in this channel when I am at least {value * 100:.0f}% sure."
        assert kb(slack, "olivia", f"threshold {argument}") == says
        assert bot.services.channels.of(channel).threshold == pytest.approx(value)
        assert audited(bot)[0] == (olivia, "threshold", str(value))
        assert len(audited(bot)) == number


@pytest.mark.parametrize(
    "argument",
    ["", "high", "-0.1", "101", "nan", "inf", "1e9", "0.8 0.9", ".95%", "0.95%", "0.9 %", "1.5", "9.5%", "1_0", "."],
)
def test_what_is_no_probability_is_refused(common_slack: LocalSlack, common_bot: Common, argument: str) -> None:
    says = "Give a number from 0 to 1, such as `/kb threshold 0.80`. Here it is *0.90*."
    assert kb(common_slack, "olivia", f"threshold {argument}") == says
    assert audited(common_bot[1]) == []


def test_settings_survive_a_restart_win_over_the_file_and_say_who_set_them(slack: LocalSlack, start: Start) -> None:
    section = ChannelSection(auto_reply=AutoReply.ON, threshold=0.7)
    config = ConfigFile(channels={"it-help": section, "dev-faq": section})
    first = start(config)
    kb(slack, "olivia", "auto-reply shadow")
    kb(slack, "ichiro", "threshold 0.95")
    kb(slack, "olivia", "threshold 0.6", "general")
    first.stop()
    slack.wait_until(lambda: slack.connections == 0)
    start(config)
    text = kb(slack, "olivia", "channels")
    ids = {name: slack.channel(name).id for name in ("it-help", "dev-faq", "general")}
    olivia, ichiro = slack.person("olivia").id, slack.person("ichiro").id
    assert (
        f"• <#{ids['it-help']}>: it-help, _shared · auto-reply Shadow, set by <@{olivia}>"
        f" · from 95% sure, set by <@{ichiro}>"
    ) in text
    assert f"• <#{ids['dev-faq']}>: dev-faq, _shared · auto-reply On · from 70% sure" in text
    assert f"• <#{ids['general']}>: _shared · auto-reply Off · from 60% sure, set by <@{olivia}>" in text
    assert "Every channel: _shared" in text
    assert f"searched in <#{ids['it-help']}> (auto-reply Shadow, set by <@{olivia}>)" in kb(slack, "olivia", "status")


@pytest.mark.usefixtures("lawful")
def test_a_renamed_channel_keeps_its_knowledge_base_even_after_a_reload(slack: LocalSlack, start: Start) -> None:
    start(ConfigFile(channels={"dev-faq": ChannelSection(threshold=0.7)}))
    slack.rename("it-help", "it-support")
    slack.rename("dev-faq", "developers")
    kb(slack, "olivia", "reload all", "general")
    text = kb(slack, "olivia", "channels", "general")
    assert f"• <#{slack.channel('it-support').id}>: it-help, _shared" in text
    assert f"• <#{slack.channel('developers').id}>: dev-faq, _shared · auto-reply Off · from 70% sure" in text


# Status


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_status_tells_rows_words_channels_and_the_process(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    slack.wait_until(lambda: bot.connection.pong_age is not None)
    slack.wait_until(lambda: all(each.snapshot for each in bot.services.registry.loaded.values()), what="snapshots")
    text = kb(slack, "olivia", "status")
    assert "*it-help*: 5 entries, words only, snapshot just made" in text
    assert f"searched in <#{slack.channel('it-help').id}> (auto-reply Off)" in text
    assert "*_shared*: 1 entry, words only" in text
    assert "searched in every channel" in text
    assert "Connection to Slack: heard from " in text
    assert "memory " in text
    assert "has changed since" not in text
    (knowledge / "it-help.csv").write_text("question,answer\nNew?,Yes.\n")
    assert "*it-help*: 5 entries" in kb(slack, "olivia", "status")
    assert kb(slack, "olivia", "status").count("the file has changed since; reload it") == 1
    assert "データベース" not in kb(slack, "ichiro", "status")


@pytest.mark.usefixtures("lawful")
def test_status_tells_the_encoder(slack: LocalSlack, start: Start) -> None:
    bot = start(encoder_backend="sentence-transformers", model_name="some/model")
    slack.wait_until(lambda: all(one.index.dense for one in bot.services.registry.loaded.values()))
    assert "*it-help*: 5 entries, some/model, snapshot just made" in kb(slack, "olivia", "status")
    assert "it-help*: 5件、some/model、スナップショット: 作成したばかり" in kb(slack, "ichiro", "status")


@pytest.mark.usefixtures("lawful")
def test_status_tells_why_a_file_is_not_loaded(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "hr-somu.csv").write_text("<html><body>Sign in</body></html>")
    start()
    assert "*hr-somu*: hr-somu.csv" in kb(slack, "olivia", "status")


@pytest.mark.usefixtures("lawful")
@pytest.mark.long("indexes hundreds of knowledge bases")
def test_hundreds_of_files_and_errors_still_fit_in_a_message(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    for number in range(60):
        (knowledge / f"{'a' * 90}-{number}.csv").write_text("question,answer\nWhat?,That.\n")
        (knowledge / f"{'b' * 90}-{number}.csv").write_text("")
    start()
    status = kb(slack, "olivia", "status")
    assert "… and " in status
    assert "Connection to Slack: heard from" in status
    asked = slack.command("olivia", "it-help", "/kb reload all")
    slack.wait_until(lambda: len(asked.messages) == 2, 30)
    assert "… and " in asked.messages[1].shown
    asked = slack.command("olivia", "it-help", "/kb reload nosuch" + "&" * 2000)
    assert slack.reply(asked).shown.startswith("No knowledge base is called 'nosuch&amp;&amp;&amp;")


# The state database


@pytest.mark.long("waits for a locked database")
@pytest.mark.sqlite("its file is lost; a server: test_lost_server")
@pytest.mark.parametrize("how", ["removed", "replaced by a directory", "locked"])
def test_with_a_broken_database_answers_go_on_and_admins_are_told(
    slack: LocalSlack, bot: Bot, knowledge: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    kb(slack, "olivia", "threshold 0.7")
    file = knowledge.parent / "data" / "state.db"
    holder = sqlite3.connect(file, isolation_level=None)
    if how == "locked":
        holder.execute("BEGIN IMMEDIATE")
    else:
        for part in file.parent.glob("state.db*"):
            part.unlink()
        if how == "replaced by a directory":
            file.mkdir()
    slack.quiet(0.05)
    with caplog.at_level(logging.ERROR, "handlers"):
        asked = slack.command("hanako", "it-help", "/search パスワードを忘れました")
        assert "再設定ページから" in slack.reply(asked, 20).shown
        mentioned = slack.mention("hanako", "it-help", "VPNにつながりません")
        assert "ルーターを再起動" in slack.reply(mentioned, 30).shown
        status = kb(slack, "olivia", "status")
    assert ":warning: The state database can't be used (" in status
    assert "answers go on, but nothing new is remembered." in status
    refusal = slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.2"), 20).shown
    assert refusal.startswith("The setting was not stored: the state database can't be written (")
    assert bot.services.channels.of(slack.channel("it-help").id).threshold == 0.7
    assert len([record for record in caplog.records if "answering goes on" in record.getMessage()]) == 1
    slack.quiet(0.5, 30)
    assert len(slack.replies(mentioned)) == 1
    holder.close()


@pytest.mark.usefixtures("bot")
def test_the_audit_log_is_newest_first_and_for_admins(slack: LocalSlack) -> None:
    assert "Nothing yet." in kb(slack, "olivia", "audit")
    kb(slack, "olivia", "threshold 0.8")
    kb(slack, "olivia", "auto-reply shadow")
    lines = kb(slack, "olivia", "audit").splitlines()
    assert ["*auto-reply* · Shadow" in lines[1], "*threshold* · 0.8" in lines[2]] == [True, True]
    assert slack.person("olivia").id in lines[1]
    assert "admins" in kb(slack, "alice", "audit")
