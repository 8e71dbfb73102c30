"""Why a message got an auto-reply or none, as the local workspace's inspector says it: it is what the bot did."""

from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack, Message
from bot.playground.explanation import explain_answer
from bot.playground.page import serializers
from handlers.channel_rules import Unproved
from tests.slack.conftest import Start, settle
from tests.slack.test_proof import ASK_WIFI, WIFI, judge, promising, reported

CHATTER = "Lunch at noon, anyone?"


def why(slack: LocalSlack, bot: Bot, message: Message) -> dict[str, list[str]]:
    """What the inspector says of a message, by language."""
    found = explain_answer(bot.services, serializers.message(slack.workspace, message))
    return {language: [each[language] for each in found["why"]] for language in ("en", "ja")}


def asked(slack: LocalSlack, bot: Bot, text: str, where: str = "it-help", **more: Any) -> Message:
    message = slack.say("alice", where, text, **more)
    settle(slack, bot)
    return message


@pytest.mark.parametrize(
    ("mode", "english", "japanese"),
    [
        ("on", "Auto-reply is on here: what is sure enough is posted.", "自動回答はオンです"),
        ("shadow", "Auto-reply is in shadow mode here: only admins see what is sure enough.", "シャドーモードです"),
        (
            "off",
            "Auto-reply is off here: mention the bot or use its command to get an answer.",
            "自動回答はオフです",
        ),
    ],
)
def test_the_channels_mode_comes_first_then_the_row(
    slack: LocalSlack, start: Start, mode: str, english: str, japanese: str
) -> None:
    bot = start(promising(0.0, mode), admin_users=slack.person("olivia").id)
    sure, unsure = asked(slack, bot, ASK_WIFI), asked(slack, bot, CHATTER)
    assert bool(slack.replies(sure)) == (mode == "on")
    said = why(slack, bot, sure)
    assert said["en"][0] == english
    assert japanese in said["ja"][0]
    assert said["en"][1].startswith(f"Given unasked: the best row says “{ASK_WIFI}” with ")
    assert f"最も近い行は「{ASK_WIFI}」で確信度" in said["ja"][1]
    assert slack.replies(unsure) == []
    assert why(slack, bot, unsure)["en"][1].startswith("Nothing is given unasked: ")


def test_a_proof_is_named_before_and_after(slack: LocalSlack, start: Start) -> None:
    bot = start(promising(), admin_users=slack.person("olivia").id)
    silent = asked(slack, bot, ASK_WIFI)
    assert slack.replies(silent) == []
    said = why(slack, bot, silent)
    assert (
        "Not proved yet, so only admins see what is sure enough: it-help needs more right ratings (14)." in said["en"]
    )
    assert "未確認のため、確信度が足りる回答も管理者にだけ見えます（it-help: あと14件の正解が必要）。" in said["ja"]
    report = reported(slack, bot, f"Hello: {ASK_WIFI}")
    assert why(slack, bot, report) == {**said, **why(slack, bot, report)}
    judge(slack, bot, 14)
    answered = asked(slack, bot, ASK_WIFI)
    assert WIFI in slack.reply(answered).shown
    for message in (answered, slack.reply(answered)):
        assert why(slack, bot, message)["en"][0] == (
            "Auto-reply is on here, and it-help is proved: 14 of 14 rated replies were right."
        )


@pytest.mark.parametrize(
    ("allowed", "said"),
    [(Unproved.KEPT, "it was on before proofs were asked for"), (Unproved.OVERRULED, "an admin lets it reply")],
)
def test_what_replies_without_a_proof_says_so(slack: LocalSlack, start: Start, allowed: Unproved, said: str) -> None:
    bot = start(promising(), admin_users=slack.person("olivia").id)
    bot.services.channels.allow_unproved(slack.channel("it-help").id, allowed, "")
    answered = asked(slack, bot, ASK_WIFI)
    assert WIFI in slack.reply(answered).shown
    assert said in why(slack, bot, answered)["en"][0]


def test_what_was_asked_for_is_told_from_what_would_be_volunteered(slack: LocalSlack, start: Start) -> None:
    bot = start(promising(0.0))
    private = slack.reply(slack.dm("alice", "office Wi-Fi"))
    first, then, *_ = why(slack, bot, private)["en"]
    assert first == "Somebody asked, so the closest rows are shown, sure or not. Unasked it would be like this:"
    assert then.startswith(("Given unasked: ", "Nothing is given unasked: "))
    in_thread = asked(slack, bot, CHATTER, thread_ts=asked(slack, bot, CHATTER).ts)
    assert "this is not a person's message to the whole channel" in why(slack, bot, in_thread)["en"][0]


def test_a_reply_that_was_posted_before_follows_its_question(slack: LocalSlack, start: Start) -> None:
    bot = start(promising(0.0))
    question = asked(slack, bot, ASK_WIFI)
    bot.services.channels.set(slack.channel("it-help").id, "auto_reply", "off", "U1")
    assert "a reply that was posted before follows" in why(slack, bot, question)["en"][0]


def test_silence_before_any_search_has_its_reasons(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "_shared.csv").unlink()
    config = {"promise": 0.0, "auto_reply": "on", "channels": {"it-help": {"threshold": 0.5}}}
    bot = start(ConfigFile.model_validate(config))
    wordless, elsewhere = asked(slack, bot, ":wave:"), asked(slack, bot, ASK_WIFI, "general")
    assert why(slack, bot, wordless)["en"] == ["Nothing is given unasked: the question has no letters or digits."]
    assert why(slack, bot, elsewhere)["ja"] == [
        "自動では回答しません。このチャンネルには、全員が読めるナレッジベースがありません。"
    ]
    slack.faults.error("users.info", "internal_error", times=None)
    stranger = slack.say("hanako", "it-help", ASK_WIFI)
    settle(slack, bot)
    assert slack.bot_messages() == []
    assert why(slack, bot, stranger)["en"] == ["Nothing is given unasked: Slack did not say who wrote this."]
