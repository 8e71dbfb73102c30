"""Questions that stand elsewhere than in a message's text: forwarded messages, links to messages, workflow forms."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message
from handlers.channel_rules import AutoReply
from handlers.slack.message_text import message_text
from tests.slack.conftest import Start, settle

QUESTION = "How do I connect to the office Wi-Fi?"
ANSWER = "Sample-Office"


def text(words: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"style": style} if style else {})}


def rich(*elements: dict[str, Any], kind: str = "rich_text_section") -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]}


def listed(*items: str) -> dict[str, Any]:
    sections = [{"type": "rich_text_section", "elements": [text(item)]} for item in items]
    return {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": sections}]}


FORMS: dict[str, list[dict[str, Any]]] = {
    "rich text": [rich(text("Question", bold=True), text(f"\n{QUESTION}"))],
    "rich text with a mention": [rich({"type": "user", "user_id": "U0000000X"}, text(f" asks: {QUESTION}"))],
    "rich text in pieces": [rich(text("How do I connect to "), text("the office", bold=True), text(" Wi-Fi?"))],
    "a quote": [rich(text(QUESTION), kind="rich_text_quote")],
    "a list": [listed("Question", QUESTION)],
    "a section": [{"type": "section", "text": {"type": "mrkdwn", "text": f"*Question*\n{QUESTION}"}}],
    "fields": [
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Question*"}, {"type": "mrkdwn", "text": QUESTION}]}
    ],
    "a header and a context": [
        {"type": "header", "text": {"type": "plain_text", "text": QUESTION}},
        {"type": "context", "elements": [{"type": "plain_text", "text": "a form"}]},
    ],
    "a table": [
        {"type": "table", "rows": [[{"type": "raw_text", "text": "Question"}, {"type": "raw_text", "text": QUESTION}]]}
    ],
    "other blocks first": [
        {"type": "divider"},
        {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a picture"},
        rich(text(QUESTION)),
    ],
}


def asked_in_rich_text(slack: LocalSlack) -> Message:
    return slack.other_bot_says("random", "", name="Form", blocks=FORMS["rich text"])


ORIGINALS: dict[str, Callable[[LocalSlack], Message]] = {
    "a person's": lambda slack: slack.say("alice", "random", QUESTION),
    "one with the bot's mention": lambda slack: slack.say("alice", "dev-faq", f"<@{slack.bot}> {QUESTION}", raw=True),
    "a form's": asked_in_rich_text,
    "one with marks": lambda slack: slack.say("alice", "random", f"&lt;urgent&gt; *{QUESTION}* :wave:", raw=True),
}


@pytest.mark.parametrize("original", ORIGINALS)
def test_a_message_forwarded_to_the_bot_is_the_question(common_slack: LocalSlack, original: str) -> None:
    sent = common_slack.forward("hanako", common_slack.person("hanako"), ORIGINALS[original](common_slack))
    assert sent.text == ""
    assert ANSWER in common_slack.reply(sent).shown


@pytest.mark.parametrize("original", ORIGINALS)
def test_a_message_that_was_forwarded_before_is_the_question(common_slack: LocalSlack, original: str) -> None:
    sent = ORIGINALS[original](common_slack)
    for where in ("random", "random", common_slack.person("hanako")):
        sent = common_slack.forward("hanako", where, sent)
    assert ANSWER in common_slack.reply(sent).shown


def test_a_file_that_is_forwarded_asks_nothing(common_slack: LocalSlack) -> None:
    sent = common_slack.forward(
        "hanako", common_slack.person("hanako"), common_slack.upload("alice", "random", "notes.txt", b"notes")
    )
    assert "no preview available" not in common_slack.reply(sent).shown


def test_the_comment_on_a_forwarded_message_is_the_question(common_slack: LocalSlack) -> None:
    original = common_slack.say("alice", "random", "We have lunch at noon.")
    sent = common_slack.forward("hanako", common_slack.person("hanako"), original, QUESTION)
    assert ANSWER in common_slack.reply(sent).shown


@pytest.mark.parametrize("original", ORIGINALS)
def test_a_message_forwarded_with_a_mention_is_the_question(common_slack: LocalSlack, original: str) -> None:
    sent = common_slack.forward("hanako", "it-help", ORIGINALS[original](common_slack), "@kotae")
    assert ANSWER in common_slack.reply(sent).shown


@pytest.mark.parametrize("original", ORIGINALS)
def test_a_mention_below_a_forwarded_message_asks_its_question(common_slack: LocalSlack, original: str) -> None:
    first = common_slack.forward("hanako", "it-help", ORIGINALS[original](common_slack))
    sent = common_slack.mention("alice", "it-help", "", thread_ts=first.ts)
    assert ANSWER in common_slack.reply(sent).shown


@pytest.mark.parametrize("form", FORMS)
def test_a_mention_below_a_form_asks_its_question(common_slack: LocalSlack, form: str) -> None:
    first = common_slack.other_bot_says("it-help", "", name="IT request", blocks=FORMS[form])
    sent = common_slack.mention("alice", "it-help", "?", thread_ts=first.ts)
    assert ANSWER in common_slack.reply(sent).shown


def test_a_mention_below_a_link_to_a_message_asks_its_question(common_slack: LocalSlack) -> None:
    original = common_slack.say("alice", "random", QUESTION)
    first = common_slack.say("hanako", "it-help", common_slack.permalink(original))
    common_slack.show_linked(first, original)
    sent = common_slack.mention("hanako", "it-help", "", thread_ts=first.ts)
    assert ANSWER in common_slack.reply(sent).shown


def test_a_page_shown_below_a_link_is_no_question(common_slack: LocalSlack) -> None:
    first = common_slack.say("hanako", "it-help", "https://example.com/")
    common_slack.unfurl(first, QUESTION)
    sent = common_slack.mention("hanako", "it-help", "", thread_ts=first.ts)
    assert ANSWER not in common_slack.reply(sent).shown.split("\n")[0]


@pytest.mark.usefixtures("lawful")
def test_nobody_is_answered_unasked_because_of_a_forwarded_message(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile(channels={"it-help": ChannelSection(auto_reply=AutoReply.ON, threshold=0.0)}))
    slack.forward("hanako", "it-help", slack.say("alice", "random", QUESTION))
    slack.other_bot_says("it-help", "", name="Form", blocks=FORMS["rich text"])
    mentioned = slack.say("alice", "random", f"<@{slack.bot}> {QUESTION}", raw=True)
    slack.forward("hanako", "dev-faq", mentioned)
    settle(slack, bot)
    assert slack.bot_messages("it-help") == slack.bot_messages("dev-faq") == []


@pytest.mark.usefixtures("lawful")
def test_the_form_for_a_new_entry_has_the_words_of_a_forwarded_message(slack: LocalSlack, bot: Bot) -> None:
    sent = slack.forward("olivia", "it-help", slack.say("alice", "random", "Choose the *other* network."))
    slack.shortcut("olivia", "save_to_kb", sent)
    slack.wait_until(lambda: [each for each in slack.views("olivia") if each.content["type"] == "modal"])
    [form] = [each for each in slack.views("olivia") if each.content["type"] == "modal"]
    assert "Choose the *other* network." in str(form.content)
    settle(slack, bot)


def test_words_are_found_however_deep_they_are_and_nothing_odd_is_an_error() -> None:
    nested: dict[str, Any] = text(QUESTION)
    for _ in range(50_000):
        nested = {"type": "rich_text_section", "elements": [nested]}
    assert message_text({"text": "", "blocks": [nested]}).strip() == QUESTION
    oddities: list[Any] = [None, [], [None], [{}], [{"type": "x", "text": 1}], {"type": "section"}, "text", [[["a"]]]]
    for odd in oddities:
        shared = {"is_share": True, "message_blocks": [{}], "blocks": odd}
        assert message_text({"text": None, "blocks": odd}) == message_text({"text": "", "attachments": [shared]}) == ""
    assert message_text({"text": "", "blocks": [{"text": "without a type"}]}) == "without a type"
    assert message_text({"text": "<@U1>", "attachments": [{"is_share": True, "fallback": QUESTION}]}) == QUESTION
