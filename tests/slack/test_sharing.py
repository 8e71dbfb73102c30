"""📢: an answer goes into the channel where it was asked, once, named, and never before those who may not see it."""

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack, Message
from tests.slack.conftest import Start, labels, settle

pytestmark = pytest.mark.usefixtures("lawful")

QUESTION = "How do I roll back a deployment?"
ANSWER = "Run make rollback and tell #deploys."
SHARE, SHARE_JA = "📢 Share to channel", "📢 チャンネルに共有"


def ask(slack: LocalSlack, who: str, question: str = QUESTION, where: str = "dev-faq") -> Message:
    return slack.reply(slack.command(who, where, f"/search {question}"))


def test_a_private_answer_is_posted_with_the_name_of_who_shares_it(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "hanako")
    slack.press("hanako", answer, SHARE_JA)
    settle(slack, bot)
    [posted] = slack.bot_messages()
    assert (posted.channel, posted.thread_ts) == (slack.channel("dev-faq").id, None)
    lines = posted.shown.splitlines()
    assert lines[:3] == [f"📢 *佐藤 花子* shared an answer to: {QUESTION}", QUESTION, ANSWER]
    assert lines[3] == "from dev-faq · Deploy"
    assert labels(posted) == []
    assert f"📢 チャンネルに共有しました。<https://kotae-try.slack.com/archives/{posted.channel}/p" in answer.shown
    assert SHARE_JA not in labels(answer)
    assert slack.ephemerals("hanako") == [answer]


def test_what_was_opened_is_shared_too(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "alice")
    slack.press("alice", answer, "show_2")
    slack.wait_until(lambda: "show_2" not in str(answer.blocks))
    slack.press("alice", answer, SHARE)
    settle(slack, bot)
    assert "Split the file." in slack.bot_messages()[0].shown


def test_an_answer_is_shared_once(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("alice", "dev-faq", QUESTION))
    shared = [dict(block) for block in answer.blocks]
    slack.faults.duplicate("envelope")
    slack.press("alice", answer, SHARE)
    settle(slack, bot)
    answer.blocks, blocks = shared, answer.blocks
    slack.press("hanako", answer, SHARE)
    settle(slack, bot)
    answer.blocks = blocks
    posted = [each for each in slack.bot_messages("dev-faq") if each.thread_ts is None]
    assert len(posted) == 1
    assert "Alice Brown" in posted[0].shown
    assert "📢 Shared to the channel." in answer.shown


def test_an_answer_is_shared_once_also_when_slack_does_not_say_where_it_is_then(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("alice", "dev-faq", QUESTION))
    slack.faults.drop_response("chat.getPermalink", times=None)
    slack.press("alice", answer, SHARE)
    slack.wait_until(lambda: "📢 Shared to the channel." in answer.shown, 30, "the answer that says so")
    settle(slack, bot)
    assert len([each for each in slack.bot_messages("dev-faq") if each.thread_ts is None]) == 1


def test_a_post_that_fails_can_be_tried_again(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "alice")
    slack.faults.error("chat.postMessage", "is_archived")
    told = slack.reply(slack.press("alice", answer, SHARE))
    assert "something went wrong" in told.shown
    slack.press("alice", answer, SHARE)
    settle(slack, bot)
    assert ANSWER in slack.bot_messages()[0].shown


@pytest.mark.usefixtures("guests")
@pytest.mark.parametrize("where", ["it-help", "partner-it"])
def test_not_where_guests_or_others_would_read_it(slack: LocalSlack, start: Start, where: str) -> None:
    bot = start(ConfigFile.model_validate({"channels": {where: {"knowledge_bases": ["dev-faq"]}}}))
    answer = ask(slack, "alice", where=where)
    told = slack.reply(slack.press("alice", answer, SHARE))
    assert "guests or people of other organisations are in this channel" in told.shown
    settle(slack, bot)
    assert slack.bot_messages() == []
    assert ANSWER in answer.shown


def test_what_is_public_may_be_shared_there(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile.model_validate({"knowledge_bases": {"it-help": {"public": True}}}))
    answer = ask(slack, "alice", "How do I connect to the office Wi-Fi?", "it-help")
    slack.press("alice", answer, SHARE)
    settle(slack, bot)
    assert "Sample-Office" in slack.bot_messages("it-help")[0].shown


def test_when_slack_cannot_say_who_is_there_nothing_is_shared(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "alice")
    slack.faults.error("conversations.members", "access_denied")
    assert "guests" in slack.reply(slack.press("alice", answer, SHARE)).shown
    settle(slack, bot)
    assert slack.bot_messages() == []


@pytest.mark.usefixtures("bot")
def test_where_the_bot_is_no_member_it_says_how_to_invite_it(slack: LocalSlack) -> None:
    answer = ask(slack, "hanako", "オフィスの住所", "random")
    told = slack.reply(slack.press("hanako", answer, SHARE_JA))
    assert f"`/invite` <@{slack.bot}>" in told.shown


@pytest.mark.usefixtures("bot")
def test_direct_messages_and_uncertain_answers_have_nothing_to_share(slack: LocalSlack) -> None:
    assert SHARE not in labels(slack.reply(slack.dm("alice", QUESTION)))
    assert SHARE not in labels(ask(slack, "alice", "lunch anyone?"))
    direct = slack.reply(slack.command("alice", slack.person("alice"), f"/search {QUESTION}"))
    assert SHARE not in labels(direct)
