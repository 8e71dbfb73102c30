"""Pictures that somebody deleted at Slack. Slack refuses them once, which the bot can't know before: no `lawful`."""

import pytest

from bot.app import Bot
from bot.playground import LocalSlack, Message
from bot.playground.slack.entities import View
from tests.slack.conftest import Start, settle, stop


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
    slack.faults.error("views.publish", "access_denied", times=None)
    slack.open_home("olivia", timeout=2)
    settle(slack, bot)
    assert len(slack.calls_of("views.publish")) == 1


def alive(slack: LocalSlack) -> list[str]:
    return [file.id for file in slack.workspace.files.values() if not file.deleted]


def one_more_question(slack: LocalSlack, bot: Bot) -> None:
    """Change the numbers, and with them the picture."""
    slack.reply(slack.command("alice", "it-help", "/search How do I connect to the office Wi-Fi?"))
    settle(slack, bot)


def test_a_newer_picture_takes_the_place_of_the_older_one_at_slack(slack: LocalSlack, bot: Bot) -> None:
    for _ in range(3):
        one_more_question(slack, bot)
        assert has_picture(tab(slack, bot))
        assert len(alive(slack)) == 1
    for _ in range(3):
        one_more_question(slack, bot)
        slack.reply(slack.command("olivia", "it-help", "/kb stats"))
        settle(slack, bot)
        assert has_picture(slack.ephemerals("olivia")[-1])
        assert len(alive(slack)) == 2  # one at home, one here
    assert len(slack.workspace.files) == 6


def test_what_another_admin_still_looks_at_stays(slack: LocalSlack, bot: Bot) -> None:
    tab(slack, bot)
    slack.open_home("ichiro")
    settle(slack, bot)
    [shared] = alive(slack)
    one_more_question(slack, bot)
    tab(slack, bot)
    assert shared in alive(slack)
    assert len(alive(slack)) == 2
    slack.open_home("ichiro")
    settle(slack, bot)
    assert shared not in alive(slack)
    assert len(alive(slack)) == 1


def test_a_restart_leaves_no_picture_behind(slack: LocalSlack, start: Start) -> None:
    bot = start()
    tab(slack, bot)
    [before] = alive(slack)
    stop(slack, bot)
    bot = start()
    one_more_question(slack, bot)
    assert has_picture(tab(slack, bot))
    assert before not in alive(slack)
    assert len(alive(slack)) == 1


def test_one_that_slack_would_not_delete_is_deleted_later(slack: LocalSlack, bot: Bot) -> None:
    tab(slack, bot)
    one_more_question(slack, bot)
    slack.faults.error("files.delete", "access_denied", times=2)
    assert has_picture(tab(slack, bot))
    assert len(alive(slack)) == 2
    one_more_question(slack, bot)
    assert has_picture(tab(slack, bot))
    assert len(alive(slack)) == 1
