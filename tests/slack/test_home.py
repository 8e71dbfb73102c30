"""The Home tab, and the bot's first words in a channel."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack, View
from handlers.channel_rules import AutoReply
from handlers.home.views.dashboard import menu_value
from handlers.store.audit import AuditLog
from handlers.store.questions import Questions
from tests.slack.conftest import Start, asked_so_far, redeliver, settle, stop

pytestmark = pytest.mark.usefixtures("lawful")

WIFI = "Choose the network Sample-Office and sign in with your work account."
MFA = "Install the authenticator app and scan the code on your profile page."
ASK_WIFI = "How do I connect to the office Wi-Fi?"


def home(slack: LocalSlack, who: str) -> View:
    view = slack.open_home(who)
    assert view
    return view


def ask(slack: LocalSlack, who: str, question: str) -> View:
    """Type into the ask box, and wait for the tab to change."""
    view = home(slack, who)
    before = view.hash
    slack.press(who, view, "home_ask", question)
    slack.wait_until(lambda: current(slack, who).hash != before, what="a new tab")
    return current(slack, who)


def current(slack: LocalSlack, who: str) -> View:
    view = slack.home(who)
    assert view
    return view


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("who", ["alice", "olivia"])
def test_it_shows_what_can_be_asked_about(slack: LocalSlack, who: str) -> None:
    shown = home(slack, who).shown
    assert "Ask the team's knowledge" in shown
    assert "*it-help*: 5" in shown
    assert "*dev-faq*: 2" in shown
    assert "*_shared*: 1" in shown
    assert "`/search`" in shown
    assert "Asked most" not in shown


@pytest.mark.usefixtures("bot")
def test_in_japanese(slack: LocalSlack) -> None:
    shown = home(slack, "hanako").shown
    assert "チームのナレッジに質問する" in shown
    assert "*it-help*: 5件" in shown


@pytest.mark.usefixtures("bot")
def test_a_guest_sees_no_knowledge_base(slack: LocalSlack) -> None:
    shown = home(slack, "guest").shown
    assert "Ask the team's knowledge" in shown
    assert "it-help" not in shown


@pytest.mark.usefixtures("bot")
def test_a_question_in_the_ask_box_is_answered_there(slack: LocalSlack) -> None:
    shown = ask(slack, "alice", ASK_WIFI).shown
    assert f":mag: {ASK_WIFI}" in shown
    assert WIFI in shown
    assert "Strong match" in shown
    assert slack.bot_messages() == []


@pytest.mark.usefixtures("bot")
def test_show_unfolds_there(slack: LocalSlack) -> None:
    view = ask(slack, "alice", "How do I connect to the office Wi-Fi? VPN")
    for button in ("show_3", "show_2"):
        slack.press("alice", current(slack, "alice"), button)
        slack.wait_until(lambda button=button: button not in str(current(slack, "alice").blocks))  # type: ignore[misc]
    shown = current(slack, "alice").shown
    assert all(text in shown for text in (WIFI, MFA, "VPN クライアント"))
    assert view.id == current(slack, "alice").id


def test_votes_there_are_noted(slack: LocalSlack, bot: Bot) -> None:
    view = ask(slack, "alice", ASK_WIFI)
    slack.press("alice", view, "vote_unhelpful")
    settle(slack, bot)
    assert Questions(bot.services.database).votes(asked_so_far(bot)[0].id) == {slack.person("alice").id: "unhelpful"}


@pytest.mark.usefixtures("bot")
def test_what_cannot_be_searched_is_said_there(slack: LocalSlack) -> None:
    for text in (":wave:", "？？？", "   "):
        assert "That has no words that I could search for." in ask(slack, "alice", text).shown, text


def test_what_was_asked_most_is_listed_for_those_who_may_see_it(slack: LocalSlack, bot: Bot) -> None:
    for question in (ASK_WIFI, ASK_WIFI, "What does ERR-4012 mean?"):
        slack.reply(slack.command("alice", "dev-faq" if "ERR" in question else "it-help", f"/search {question}"))
    settle(slack, bot)
    shown = home(slack, "alice").shown
    assert f"• {ASK_WIFI}  (2)\n• What does ERR-4012 mean?  (1)" in shown
    slack.remove("hanako", "dev-faq")
    shown = home(slack, "hanako").shown
    assert ASK_WIFI in shown
    assert "ERR-4012" not in shown
    assert "ERR-4012" not in home(slack, "guest").shown


def test_a_guest_who_asks_there_is_told(slack: LocalSlack, bot: Bot) -> None:
    slack.press("guest", home(slack, "guest"), "home_ask", ASK_WIFI)
    slack.wait_until(slack.bot_messages)
    settle(slack, bot)
    [said] = slack.bot_messages()
    assert said.channel == slack.channel(slack.person("guest")).id
    assert "full members" in said.shown


def test_whoever_cannot_be_checked_is_told(slack: LocalSlack, start: Start) -> None:
    bot = start()
    slack.faults.error("users.info", "internal_error", times=None)
    slack.press("alice", home(slack, "alice"), "home_ask", ASK_WIFI)
    slack.wait_until(slack.bot_messages)
    settle(slack, bot)
    assert "I couldn't check with Slack who you are" in slack.bot_messages()[0].shown


# -- Introductions ---------------------------------------------------------------------------------


def test_invited_to_a_channel_it_introduces_itself_once(slack: LocalSlack, start: Start) -> None:
    first = start()
    slack.invite_bot("random")
    introduction = slack.wait_until(lambda: slack.bot_messages("random"))[0]
    assert f"<@{slack.bot}>" in introduction.shown
    assert "`/search 質問`" in introduction.shown
    assert "*_shared*: 1件" in introduction.shown
    assert introduction.thread_ts is None
    settle(slack, first)
    joined = next(each for each in slack.envelopes if each.event.get("type") == "member_joined_channel")
    slack.remove("bot", "random")
    slack.invite_bot("random")
    settle(slack, first)
    stop(slack, first)
    second = start()
    redeliver(slack, joined, event_id="Ev0NEWNEWNEW")
    slack.remove("bot", "random")
    slack.invite_bot("random")
    settle(slack, second)
    assert len(slack.bot_messages()) == 1


def test_it_speaks_the_language_of_the_knowledge_base(slack: LocalSlack, knowledge: Path, start: Start) -> None:
    (knowledge / "random.csv").write_text(
        "質問,回答,カテゴリ\n経費の締め日はいつですか,毎月25日です,経費\n", encoding="utf-8"
    )
    (knowledge / "lunch.csv").write_text("question,answer\nWhen?,At noon.\nWhere?,On floor 2.\n", encoding="utf-8")
    slack.workspace.add_channel("lunch", [slack.person("alice")])
    start()
    slack.invite_bot("random")
    introduction = slack.wait_until(lambda: slack.bot_messages("random"))[0]
    assert "はじめまして" in introduction.shown
    assert "*random*: 1件（経費）" in introduction.shown
    slack.invite_bot("lunch")
    assert "*lunch*: 2 entries" in slack.wait_until(lambda: slack.bot_messages("lunch"))[0].shown


def test_a_private_channel_is_served_as_soon_as_an_admin_says_yes(
    slack: LocalSlack, knowledge: Path, start: Start
) -> None:
    """Slack doesn't list it before the bot is in it: whether it had its name all along can't be known."""
    (knowledge / "keiri.csv").write_text("質問,回答\n経費の締め日はいつですか,毎月25日です\n", encoding="utf-8")
    bot = start()
    slack.invite_bot("keiri")
    slack.wait_until(lambda: slack.bot_messages("keiri"))
    assert "毎月25日" not in slack.reply(slack.command("ichiro", "keiri", "/search 経費の締め日")).shown
    slack.press("olivia", slack.reply(slack.command("olivia", "keiri", "/kb channels")), "Serve")
    settle(slack, bot)
    assert "毎月25日です" in slack.reply(slack.command("ichiro", "keiri", "/search 経費の締め日")).shown
    assert "毎月25日です" in slack.reply(slack.mention("ichiro", "keiri", "経費の締め日はいつ？")).shown


def test_somebody_else_joining_is_no_reason_to_speak(slack: LocalSlack, bot: Bot) -> None:
    slack.invite("multi", "dev-faq")
    settle(slack, bot)
    assert slack.bot_messages() == []


def test_admins_see_how_it_goes_and_others_do_not(slack: LocalSlack, bot: Bot) -> None:
    slack.reply(slack.command("alice", "it-help", f"/search {ASK_WIFI}"))
    settle(slack, bot)
    shown = with_picture(slack, "olivia").shown
    assert "*it-help* · 5 entries\n1 answered · 0 unanswered" in shown
    assert f"<#{slack.channel('it-help').id}> · auto-reply Off, from 90% sure" in shown
    assert "For admins" not in home(slack, "alice").shown
    assert "For admins" not in home(slack, "guest").shown


def with_picture(slack: LocalSlack, who: str) -> View:
    """The tab once the trend's picture is in it."""
    home(slack, who)

    def there() -> bool:
        return "image" in {block["type"] for block in current(slack, who).content["blocks"]}

    slack.wait_until(there, what="the picture")
    return current(slack, who)


def test_an_admin_reloads_and_sets_channels_from_there(slack: LocalSlack, bot: Bot) -> None:
    view = with_picture(slack, "olivia")
    slack.press("olivia", view, "home_menu", menu_value("reload", "_shared"))
    told = slack.wait_until(lambda: slack.bot_messages(slack.person("olivia")), what="the report")
    assert "*_shared*" in told[-1].shown
    opened = slack.press("olivia", view, "home_settings")
    settings = slack.wait_until(lambda: opened.views, what="the modal")[0]
    slack.submit("olivia", settings, {"mode": "on", "threshold": "80"})
    settle(slack, bot)
    channel = bot.services.channels.configured()[0]
    assert (channel.auto_reply, channel.threshold) == (AutoReply.ON, 0.8)


def test_who_is_no_admin_any_more_can_not_use_an_old_tab(slack: LocalSlack, bot: Bot) -> None:
    view = with_picture(slack, "olivia")
    slack.person("olivia").is_admin = slack.person("olivia").is_owner = False
    bot.services.access._remembered.clear()
    slack.press("olivia", view, "home_menu", menu_value("reload", "_shared"))
    slack.press("olivia", view, "home_settings")
    settle(slack, bot)
    assert slack.views("olivia") == []
    assert AuditLog(bot.services.database).newest() == []
