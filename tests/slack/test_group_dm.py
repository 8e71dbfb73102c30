"""Direct messages of several people with the bot: a mention is answered, their own talk is not."""

from collections.abc import Iterator

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import DEFAULT_EVENTS, Channel, LocalSlack
from tests.slack.conftest import Start, settle

pytestmark = pytest.mark.usefixtures("lawful")

ADDRESS = "オフィスの住所を教えてください"


@pytest.fixture(params=["with app_mention", "message.mpim only"])
def slack(request: pytest.FixtureRequest) -> Iterator[LocalSlack]:
    """Slack does not say whether it sends `app_mention` in these conversations: both must do."""
    mention = {"app_mention"} if request.param == "message.mpim only" else set()
    with LocalSlack(events=set(DEFAULT_EVENTS) - mention) as running:
        yield running


@pytest.fixture
def group(slack: LocalSlack) -> Channel:
    return slack.workspace.add_group_dm([slack.person("hanako"), slack.person("alice")])


@pytest.fixture
def volunteering(start: Start) -> Bot:
    """A bot that would answer unasked wherever it may."""
    return start(ConfigFile.model_validate({"auto_reply": "on", "threshold": 0.0}))


def test_a_mention_is_answered_once_in_its_thread(slack: LocalSlack, volunteering: Bot, group: Channel) -> None:
    asked = slack.mention("hanako", group, ADDRESS)
    answer = slack.reply(asked)
    assert "東京都千代田区1-2-3です。" in answer.shown
    assert answer.thread_ts == asked.ts
    settle(slack, volunteering)
    assert len(slack.bot_messages(group)) == 1


def test_what_people_say_to_each_other_is_left_alone(slack: LocalSlack, volunteering: Bot, group: Channel) -> None:
    said = slack.say("hanako", group, "おはようございます")
    slack.edit(said, ADDRESS)
    slack.upload("alice", group, "map.png", b"png", comment=ADDRESS)
    settle(slack, volunteering)
    assert slack.bot_messages(group) == []


def test_an_edited_mention_is_answered_anew(slack: LocalSlack, volunteering: Bot, group: Channel) -> None:
    asked = slack.mention("hanako", group, "foo bar")
    answer = slack.reply(asked)
    slack.edit(asked, f"@kotae {ADDRESS}")
    slack.wait_until(lambda: "東京都千代田区1-2-3です。" in answer.shown, what="the new answer")
    settle(slack, volunteering)
    assert len(slack.bot_messages(group)) == 1
