"""Questions to begin with: in a direct message once, as the prompts of an agent every time."""

from collections.abc import Iterator

import pytest

from bot.app import Bot
from bot.playground import LocalSlack, Message
from bot.playground.slack.app_config import DEFAULT_SCOPES
from bot.playground.slack.block_kit.controls import controls
from indexes.text import is_japanese
from tests.slack.conftest import settle

pytestmark = pytest.mark.usefixtures("lawful")

ROLLBACK = "How do I roll back a deployment?"


def greeted(slack: LocalSlack, who: str) -> Message:
    slack.open_home(who, "messages")
    return slack.wait_until(lambda: slack.bot_messages(slack.person(who)), what="the greeting")[-1]


def offered(message: Message) -> list[str]:
    return [control.label for control in controls(message.blocks or [])]


def test_questions_in_the_readers_language_come_first_and_once_ever(slack: LocalSlack, bot: Bot) -> None:
    english = offered(greeted(slack, "alice"))
    assert len(english) == 4
    assert ROLLBACK in english
    assert [is_japanese(each) for each in offered(greeted(slack, "hanako"))] == [True] * 4
    slack.open_home("alice", "messages")
    settle(slack, bot)
    assert len(slack.bot_messages(slack.person("alice"))) == 1


@pytest.mark.usefixtures("bot")
def test_a_press_is_answered_as_if_it_had_been_typed(slack: LocalSlack) -> None:
    message = greeted(slack, "alice")
    slack.press("alice", message, f"suggest_{offered(message).index(ROLLBACK) + 1}")
    answer = slack.wait_until(lambda: slack.bot_messages(slack.person("alice"))[1:], what="the answer")[0]
    assert answer.shown.startswith(f"{ROLLBACK}\n")
    assert "make rollback" in answer.shown


@pytest.mark.parametrize("who", ["guest", "external"])
def test_who_may_ask_nothing_is_offered_nothing(slack: LocalSlack, bot: Bot, who: str) -> None:
    slack.open_home(who, "messages")
    settle(slack, bot)
    assert slack.bot_messages() == []


class TestAgent:
    """With the manifest of `kotae manifest --agent`."""

    @pytest.fixture
    def slack(self) -> Iterator[LocalSlack]:
        with LocalSlack(scopes=(*DEFAULT_SCOPES, "assistant:write")) as running:
            yield running

    def test_they_are_its_prompts_every_time_and_nothing_is_posted(self, slack: LocalSlack, bot: Bot) -> None:
        alice = slack.person("alice")
        for times in (1, 2):
            slack.open_home("alice", "messages")
            settle(slack, bot)
            assert len(slack.calls_of("assistant.threads.setSuggestedPrompts")) == times
        prompts = slack.workspace.suggested_prompts[slack.channel(alice).id]
        assert {"title": ROLLBACK, "message": ROLLBACK} in prompts
        assert slack.bot_messages() == []
