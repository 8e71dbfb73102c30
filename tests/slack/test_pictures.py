"""Pictures that somebody deleted at Slack. Slack refuses them once, which the bot can't know before: no `lawful`."""

import pytest

from bot.app import Bot
from bot.playground import LocalSlack, Message
from bot.playground.slack.entities import View
from tests.slack.conftest import settle


def has_picture(shown: View | Message) -> bool:
    return "image" in {block["type"] for block in shown.blocks}


def delete_pictures(slack: LocalSlack) -> None:
    for file in slack.workspace.files.values():
        file.deleted = True


def tab(slack: LocalSlack, bot: Bot) -> View:
    """The Home tab of an admin, when all is done that opening it leads to."""
    slack.open_home("olivia")
    settle(slack, bot)
    view = slack.home("olivia")
    assert view
    assert "For admins" in view.shown
    return view


def test_the_home_tab_is_shown_without_it_and_then_with_a_new_one(slack: LocalSlack, bot: Bot) -> None:
    assert has_picture(tab(slack, bot))
    delete_pictures(slack)
    assert not has_picture(tab(slack, bot))
    assert has_picture(tab(slack, bot))
    assert [file.deleted for file in slack.workspace.files.values()] == [True, False]


def test_the_statistics_are_told_without_it(slack: LocalSlack, bot: Bot) -> None:
    shown: list[Message] = []
    for deleted in (False, True):
        if deleted:
            delete_pictures(slack)
        slack.command("olivia", "it-help", "/kb stats")
        settle(slack, bot)
        shown = slack.ephemerals("olivia")
    assert [has_picture(each) for each in shown] == [True, False]
    assert all("The last 30 days" in each.shown for each in shown)


@pytest.mark.usefixtures("bot")
def test_what_else_slack_refuses_is_not_taken_for_a_deleted_picture(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("views.publish", "internal_error", times=None)
    slack.open_home("olivia", timeout=2)
    settle(slack, bot)
    assert len(slack.calls_of("views.publish")) == 1
