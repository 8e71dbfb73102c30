"""Follow-ups in a thread: whoever asked goes on without a mention, and nobody else's conversation is interrupted."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack, Message
from handlers.channel_rules import AutoReply
from handlers.features import Feature
from handlers.store.questions import Origin
from tests.slack.conftest import Start, admit_guests, asked_so_far, labels, settle, stop

pytestmark = pytest.mark.usefixtures("lawful")

ROWS = """\
question,answer
How do I connect to the VPN?,Open the VPN client and press Connect.
How do I connect to the VPN on a Mac?,Use the built-in network settings of macOS.
How do I connect to the VPN on an iPhone?,Install the profile from the self-service page.
Where is the lost property desk?,"On the ground floor, beside the lifts."
VPNに接続するにはどうすればよいですか？,VPNクライアントを開いて「接続」を押してください。
MacからVPNに接続するにはどうすればよいですか？,macOSのネットワーク設定を使ってください。
落とし物の窓口はどこですか？,1階のエレベーターの横です。
"""
CLIENT, MAC, IPHONE = "Open the VPN client", "built-in network settings", "Install the profile"
QUESTION, FOLLOWING = "How do I connect to the VPN?", "and on a Mac?"
SURE = ConfigFile(threshold=0.35)
Say = Callable[[LocalSlack, Message], object]


@pytest.fixture
def rows(knowledge: Path) -> None:
    """A knowledge base in which one question has several variants."""
    (knowledge / "it-help.csv").write_text(ROWS, encoding="utf-8")


@pytest.fixture
def bot(start: Start, rows: None) -> Bot:
    """The bot, sure from 35%; auto-reply is off."""
    del rows
    return start(SURE)


def asked(slack: LocalSlack, bot: Bot, who: str = "alice", question: str = QUESTION) -> Message:
    """Mention the bot, and wait until it has answered and noted that."""
    message = slack.mention(who, "it-help", question)
    settle(slack, bot)
    return message


def say(slack: LocalSlack, thread: Message, text: str, who: str = "alice") -> Message:
    return slack.say(who, thread.channel, text, thread_ts=thread.ts)


def answers(slack: LocalSlack, bot: Bot, thread: Message) -> list[str]:
    """What the bot has said in a thread, when all is done."""
    settle(slack, bot)
    return [each.shown for each in slack.replies(thread) if each.user == slack.bot]


GOING_ON = [
    (QUESTION, FOLLOWING, MAC),
    (QUESTION, "and how about an iPhone?", IPHONE),
    (QUESTION, "Where is the lost property desk?", "beside the lifts"),
    ("VPNに接続するには？", "Macの場合は？", "macOSのネットワーク設定"),
    ("VPNに接続するには？", "落とし物の窓口はどこですか？", "エレベーターの横"),
]


def test_the_next_question_needs_no_mention(slack: LocalSlack, bot: Bot) -> None:
    for question, following, says in GOING_ON:
        thread = asked(slack, bot, question=question)
        reply = slack.reply(say(slack, thread, following))
        assert says in reply.shown
        assert reply.thread_ts == thread.ts
        assert len(labels(reply)) == 2
        settle(slack, bot)
        assert asked_so_far(bot)[-1].source is Origin.FOLLOW_UP


def test_it_goes_on_from_turn_to_turn(slack: LocalSlack, bot: Bot) -> None:
    thread = asked(slack, bot)
    for following, says in ((FOLLOWING, MAC), ("and on an iPhone?", IPHONE)):
        assert says in slack.reply(say(slack, thread, following)).shown
        settle(slack, bot)
    assert len(answers(slack, bot, thread)) == 3


def test_a_mention_in_the_thread_has_its_context_too(slack: LocalSlack, bot: Bot) -> None:
    thread = asked(slack, bot)
    reply = slack.reply(slack.mention("hanako", "it-help", FOLLOWING, thread_ts=thread.ts))
    assert reply.shown.index(MAC) < reply.shown.index("Also close")
    assert [each.source for each in asked_so_far(bot)] == [Origin.MENTION, Origin.MENTION]


@pytest.mark.usefixtures("rows")
def test_a_thread_of_an_auto_reply_is_followed_where_it_is_on(slack: LocalSlack, start: Start) -> None:
    bot = start(SURE.model_copy(update={"channels": {"it-help": ChannelSection(auto_reply=AutoReply.ON)}}))
    thread = slack.say("alice", "it-help", QUESTION)
    settle(slack, bot)
    assert MAC in slack.reply(say(slack, thread, FOLLOWING)).shown
    bot.services.channels.set(thread.channel, "auto_reply", "off", slack.person("olivia").id)
    say(slack, thread, "and on an iPhone?")
    assert len(answers(slack, bot, thread)) == 2


NO_NEW_QUESTION = [
    "Thanks, that works!",
    "I restarted the VPN on my Mac",
    "@hanako how do I connect to the VPN on a Mac?",
    "@here how do I connect to the VPN on a Mac?",
    "How long does that take?",
    "How do I connect to the VPN?",
    "Who won the match last night?",
    "?",
]


def test_what_is_no_new_question_that_it_knows_gets_silence(slack: LocalSlack, bot: Bot) -> None:
    for number, text in enumerate(NO_NEW_QUESTION, 1):
        thread = asked(slack, bot)
        say(slack, thread, text)
        assert len(answers(slack, bot, thread)) == 1, text
        assert len(asked_so_far(bot)) == number, text


def another_asks(slack: LocalSlack, thread: Message) -> None:
    say(slack, thread, FOLLOWING, "hanako")


def another_spoke(slack: LocalSlack, thread: Message) -> None:
    say(slack, thread, "It is easy.", "hanako")
    say(slack, thread, FOLLOWING)


def another_app_spoke(slack: LocalSlack, thread: Message) -> None:
    slack.other_bot_says(thread.channel, "Ticket 7 was made.", thread_ts=thread.ts)
    say(slack, thread, FOLLOWING)


def another_mentioned_it(slack: LocalSlack, thread: Message) -> None:
    slack.reply(slack.mention("hanako", thread.channel, "Where is the lost property desk?", thread_ts=thread.ts))
    say(slack, thread, FOLLOWING)


def in_another_thread(slack: LocalSlack, _: Message) -> None:
    other = slack.say("hanako", "it-help", "Lunch?")
    say(slack, other, FOLLOWING)


def in_the_channel(slack: LocalSlack, thread: Message) -> None:
    slack.say("alice", thread.channel, FOLLOWING)


def another_app_asks(slack: LocalSlack, thread: Message) -> None:
    slack.other_bot_says(thread.channel, FOLLOWING, thread_ts=thread.ts)


TALK: list[Say] = [
    another_asks,
    another_spoke,
    another_app_spoke,
    another_mentioned_it,
    in_another_thread,
    in_the_channel,
    another_app_asks,
]


def test_other_peoples_talk_is_not_interrupted(slack: LocalSlack, bot: Bot) -> None:
    for happens in TALK:
        thread = asked(slack, bot)
        happens(slack, thread)
        settle(slack, bot)
        assert MAC not in str([each.shown for each in slack.bot_messages("it-help")]), happens


def test_who_comes_back_later_mentions_it_again(slack: LocalSlack, bot: Bot) -> None:
    thread = asked(slack, bot)
    slack.workspace._last_ts += 3_600_000_000
    say(slack, thread, FOLLOWING)
    assert len(answers(slack, bot, thread)) == 1


def test_a_channel_switches_it_off(slack: LocalSlack, bot: Bot) -> None:
    thread = asked(slack, bot)
    bot.services.channels.set(thread.channel, "features_off", Feature.THREADS.value, slack.person("olivia").id)
    say(slack, thread, FOLLOWING)
    assert len(answers(slack, bot, thread)) == 1
    reply = slack.reply(slack.mention("alice", "it-help", FOLLOWING, thread_ts=thread.ts))
    assert asked_so_far(bot)[-1].text == FOLLOWING
    assert reply.thread_ts == thread.ts


def test_it_follows_an_edit_and_a_deletion(slack: LocalSlack, bot: Bot) -> None:
    thread = asked(slack, bot)
    message = say(slack, thread, FOLLOWING)
    assert MAC in answers(slack, bot, thread)[-1]
    slack.edit(message, "and on an iPhone?")
    assert IPHONE in answers(slack, bot, thread)[-1]
    slack.edit(message, "never mind")
    assert len(answers(slack, bot, thread)) == 1
    other = say(slack, thread, FOLLOWING)
    assert len(answers(slack, bot, thread)) == 2
    slack.delete(other)
    assert len(answers(slack, bot, thread)) == 1


def test_a_wrong_one_is_folded_away(slack: LocalSlack, bot: Bot) -> None:
    thread = asked(slack, bot)
    reply = slack.reply(say(slack, thread, FOLLOWING))
    settle(slack, bot)
    slack.press("hanako", reply, "auto_wrong")
    assert MAC not in answers(slack, bot, thread)[-1]
    slack.press("hanako", reply, "auto_show")
    assert MAC in answers(slack, bot, thread)[-1]


def test_it_is_answered_once_and_after_a_restart(slack: LocalSlack, start: Start, bot: Bot) -> None:
    thread = asked(slack, bot)
    settle(slack, bot)
    stop(slack, bot)
    again = start(SURE)
    slack.reply(say(slack, thread, FOLLOWING))
    assert len(answers(slack, again, thread)) == 2


@pytest.mark.usefixtures("rows")
def test_a_guest_is_answered_from_public_knowledge_bases_only(slack: LocalSlack, start: Start) -> None:
    admit_guests(slack)
    bot = start(SURE.model_copy(update={"knowledge_bases": {"it-help": KnowledgeBaseSection(public=True)}}))
    thread = asked(slack, bot, "guest")
    assert MAC in slack.reply(say(slack, thread, FOLLOWING, "guest")).shown
    bot.services.channels.public = frozenset()
    say(slack, thread, "and on an iPhone?", "guest")
    assert len(answers(slack, bot, thread)) == 2


def test_a_thread_in_a_direct_message_has_its_context(slack: LocalSlack, bot: Bot) -> None:
    first = slack.dm("alice", QUESTION)
    slack.dm("alice", QUESTION, thread_ts=first.ts)
    settle(slack, bot)
    reply = slack.reply(slack.dm("alice", FOLLOWING, thread_ts=first.ts))
    assert reply.shown.index(MAC) < reply.shown.index("Also close")
