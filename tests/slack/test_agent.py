"""An app with `agent_view`: each direct message begins a thread, and its answer lives and dies there."""

from collections.abc import Iterator

import pytest

from bot.app import Bot
from bot.playground import DEFAULT_SCOPES, LocalSlack, Message
from tests.slack.conftest import settle

pytestmark = pytest.mark.usefixtures("lawful")

ASK_WIFI = "How do I connect to the office Wi-Fi?"
ASK_MFA = "How do I set up two-factor authentication?"
MFA = "Install the authenticator app and scan the code on your profile page."


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(scopes=(*DEFAULT_SCOPES, "assistant:write")) as running:
        yield running


def answered(slack: LocalSlack, asked: Message) -> Message:
    """The answer in the thread of a question."""
    return slack.wait_until(lambda: slack.workspace.replies(asked), what="an answer in the thread")[0]


@pytest.mark.usefixtures("bot")
def test_each_message_is_answered_in_a_thread_of_its_own(slack: LocalSlack) -> None:
    first, second = slack.dm("alice", ASK_WIFI), slack.dm("alice", ASK_MFA)
    assert "Sample-Office" in answered(slack, first).shown
    assert MFA in answered(slack, second).shown
    further = slack.dm("alice", ASK_MFA, thread_ts=first.ts)
    slack.wait_until(lambda: slack.bot_messages()[2:], what="the answer further down")
    assert slack.bot_messages()[2].thread_ts == first.ts != further.ts


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("text", ["", ":wave:"])
def test_so_is_what_is_no_question(slack: LocalSlack, text: str) -> None:
    assert "Hello! Just ask." in answered(slack, slack.dm("alice", text)).shown


@pytest.mark.usefixtures("bot")
def test_and_what_goes_wrong(slack: LocalSlack) -> None:
    slack.faults.error("users.info", "internal_error", times=None)
    assert "I couldn't check with Slack who you are" in answered(slack, slack.dm("alice", ASK_WIFI)).shown


def test_an_upload_is_shown_in_its_thread(slack: LocalSlack, bot: Bot) -> None:
    data = b"question,answer\nWhere is the canteen?,On floor 2.\n"
    sent = slack.upload("olivia", slack.person("olivia"), "canteen.csv", data)
    assert "canteen.csv" in answered(slack, sent).shown
    settle(slack, bot)


def test_an_edit_changes_the_answer_and_a_deletion_leaves_nothing(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.dm("alice", ASK_WIFI)
    answer = answered(slack, asked)
    slack.edit(asked, ASK_MFA)
    slack.wait_until(lambda: MFA in answer.shown, what="the new answer")
    assert answer.thread_ts == asked.ts
    slack.delete(asked)
    slack.wait_until(lambda: answer.deleted and asked.deleted, what="the end of the thread")
    settle(slack, bot)
    assert slack.bot_messages() == []


def test_an_edit_that_makes_it_a_question_is_answered_in_its_thread(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.delay(0.4)
    asked = slack.dm("alice", ASK_WIFI)
    slack.edit(asked, ASK_MFA)
    assert MFA in answered(slack, asked).shown
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1
