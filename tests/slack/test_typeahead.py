"""The form for asking, which completes what is typed."""

from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import Interaction, LocalSlack, View
from bot.playground.slack.block_kit.validation import check_view
from handlers.features import Feature, write
from handlers.queue import WORKERS
from handlers.slack.blocks import menu_key
from handlers.store.questions import Origin, Questions
from handlers.texts import ENGLISH
from handlers.typeahead.suggesting import OFFERED, TYPING
from handlers.typeahead.views.form import QUESTION, TYPED, Form, ask
from tests.slack.conftest import Start, asked_so_far, settle

pytestmark = pytest.mark.usefixtures("lawful")

WIFI = "How do I connect to the office Wi-Fi?"
WIFI_ANSWER = "Choose the network Sample-Office and sign in with your work account."
VPN = "VPNにつながりません。"
PASSWORD = "パスワードを忘れました。どうすれば再設定できますか？"


def open_form(slack: LocalSlack, who: str = "alice") -> View:
    used = slack.shortcut(who, "ask_kotae")
    return slack.wait_until(lambda: used.views, what="the form")[0]


def suggest(slack: LocalSlack, view: View, text: str, who: str = "alice") -> Interaction:
    asked = slack.suggest(who, view, TYPED, text)
    assert asked.error is None
    return asked


def labels(asked: Interaction) -> list[str]:
    return [each["text"]["text"] for each in asked.options]


def choose(slack: LocalSlack, view: View, option: dict[str, Any], who: str = "alice") -> str:
    """Choose an option, and return what the form shows then."""
    before = view.hash
    slack.press(who, view, TYPED, option)
    slack.wait_until(lambda: view.hash != before, what="the answer")
    return view.shown


COMPLETED = [
    ("office wi", WIFI),
    ("How do I con", WIFI),
    ("ofice wi-f", WIFI),
    ("vp", VPN),
    ("ＶＰ", VPN),
    ("VPNにつなg", VPN),
    ("vpnni tunag", VPN),
    ("ぱすわーど", PASSWORD),
    ("pasuwa-d", PASSWORD),
    ("パスワドを忘", PASSWORD),
]


@pytest.mark.usefixtures("bot")
def test_what_is_typed_is_completed_to_a_question(slack: LocalSlack) -> None:
    for typed, question in COMPLETED:
        shown = labels(suggest(slack, open_form(slack), typed))
        assert shown[0] == question, typed
        assert shown[-1] == f"Search for “{' '.join(typed.split())}”"
        assert 2 <= len(shown) <= OFFERED + 1, typed


@pytest.mark.usefixtures("bot")
def test_the_choice_is_answered_in_the_form_and_its_buttons_work(slack: LocalSlack, bot: Bot) -> None:
    view = open_form(slack)
    assert view.title == "Ask Kotae"
    shown = choose(slack, view, suggest(slack, view, "office wi").options[0])
    assert WIFI_ANSWER in shown
    assert "it-help" in shown
    before = view.hash
    slack.press("alice", view, "vote_helpful")
    slack.wait_until(lambda: view.hash != before, what="the thanks")
    assert WIFI_ANSWER in view.shown
    settle(slack, bot)
    [asked] = asked_so_far(bot)
    assert (asked.source, asked.text, asked.answered) == (Origin.FORM, WIFI, True)
    assert Questions(bot.services.database).votes(asked.id) == {slack.person("alice").id: "helpful"}
    assert slack.bot_messages() == []
    slack.submit("alice", view, {})
    assert WIFI_ANSWER not in view.shown
    assert view.state[view.blocks[0]["block_id"]][TYPED]["selected_option"] is None
    assert WIFI_ANSWER in choose(slack, view, suggest(slack, view, "office wi").options[0])


@pytest.mark.usefixtures("bot")
def test_why_it_did_not_help_is_asked_on_top_of_the_form(slack: LocalSlack) -> None:
    view = open_form(slack)
    choose(slack, view, suggest(slack, view, "office wi").options[0])
    pressed = slack.press("alice", view, "vote_unhelpful")
    reasons = slack.wait_until(lambda: pressed.views, what="the reasons")[-1]
    assert reasons.previous_id == view.id
    slack.submit("alice", reasons, {"reason": "unclear"})
    assert view.open


@pytest.mark.usefixtures("bot")
def test_the_last_option_searches_for_what_was_typed(slack: LocalSlack, bot: Bot) -> None:
    view = open_form(slack)
    typed = "wifi of the office & the <lobby>"
    shown = choose(slack, view, suggest(slack, view, typed).options[-1])
    assert WIFI_ANSWER in shown
    settle(slack, bot)
    assert [each.text for each in asked_so_far(bot)] == [typed]
    assert asked_so_far(bot)[0].hits[0].record == "wifi"


@pytest.mark.usefixtures("bot")
def test_a_long_text_is_searched_as_far_as_an_option_carries_it_and_says_so(slack: LocalSlack, bot: Bot) -> None:
    view = open_form(slack)
    typed = "office wi-fi 🛜 " * 40
    option = suggest(slack, view, typed).options[-1]
    assert f"The first {QUESTION} characters are searched" in option["description"]["text"]
    choose(slack, view, option)
    settle(slack, bot)
    assert typed.startswith(asked_so_far(bot)[0].text[:50])


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("who", "ask", "again"),
    [("alice", "Ask", "Ask something else"), ("hanako", "質問する", "別の質問をする")],
)
def test_its_button_answers_too_and_then_empties_it(slack: LocalSlack, who: str, ask: str, again: str) -> None:
    view = open_form(slack, who)
    assert view.content["submit"]["text"] == ask
    option = suggest(slack, view, "office wi", who).options[0]
    slack.submit(who, view, {TYPED: option})
    slack.wait_until(lambda: WIFI_ANSWER in view.shown, what="the answer")
    assert view.content["submit"]["text"] == again


@pytest.mark.usefixtures("bot")
def test_in_japanese(slack: LocalSlack) -> None:
    view = open_form(slack, "hanako")
    assert view.title == "Kotae に質問"
    assert labels(suggest(slack, view, "ぱすわーど", "hanako")) == [PASSWORD, "「ぱすわーど」を検索"]


@pytest.mark.usefixtures("bot")
def test_nothing_is_offered_for_no_words(slack: LocalSlack) -> None:
    for typed in ("？", "   ", "👋", "<>&"):
        assert suggest(slack, open_form(slack), typed).options == [], typed


def test_somebody_with_very_many_knowledge_bases_is_completed_from_as_many_as_a_form_remembers() -> None:
    names = [f"base-{number}" for number in range(400)]
    form = Form.of(names)
    assert form.keys == tuple(map(menu_key, names))[: len(form.keys)]
    answered = ask(form.emptied().answered(), ENGLISH).to_dict()
    check_view(answered)
    assert Form.read(answered).keys == form.keys


@pytest.mark.usefixtures("bot")
def test_it_opens_from_the_home_tab(slack: LocalSlack) -> None:
    home = slack.open_home("alice")
    assert home
    pressed = slack.press("alice", home, "home_typeahead")
    view = slack.wait_until(lambda: pressed.views, what="the form")[0]
    assert labels(suggest(slack, view, "office wi"))[0] == WIFI


# -- Who may see what ------------------------------------------------------------------------------


def test_a_guest_is_told_that_nothing_is_public(slack: LocalSlack, start: Start) -> None:
    bot = start()
    used = slack.shortcut("guest", "ask_kotae")
    settle(slack, bot)
    assert used.views == []
    assert "full members" in slack.bot_messages()[0].shown


def test_a_guest_is_completed_to_public_questions_alone(slack: LocalSlack, start: Start) -> None:
    start(ConfigFile.model_validate({"knowledge_bases": {"_shared": {"public": True}}}))
    form = open_form(slack, "guest")
    assert labels(suggest(slack, form, "オフィスの", "guest"))[0] == "オフィスの住所を教えてください"
    assert labels(suggest(slack, form, "office wi", "guest")) == ["Search for “office wi”"]
    assert WIFI_ANSWER not in choose(slack, form, suggest(slack, form, "office wi", "guest").options[0], "guest")


def test_only_what_this_person_might_see_when_the_form_opened_is_offered(slack: LocalSlack, bot: Bot) -> None:
    theirs, form = open_form(slack), open_form(slack, "hanako")
    slack.remove("hanako", "dev-faq")
    assert labels(suggest(slack, form, "ERR-40", "hanako"))[0] == "What does ERR-4012 mean?"
    slack.close_view("hanako", form)
    bot.services.access._remembered.clear()
    assert "ERR-4012" not in str(labels(suggest(slack, open_form(slack, "hanako"), "ERR-40", "hanako"))[:-1])
    assert labels(suggest(slack, theirs, "ERR-40"))[0] == "What does ERR-4012 mean?"


def test_what_somebody_may_not_see_any_more_is_not_answered(slack: LocalSlack, bot: Bot) -> None:
    form = open_form(slack, "hanako")
    option = suggest(slack, form, "ERR-40", "hanako").options[0]
    slack.remove("hanako", "dev-faq")
    bot.services.access._remembered.clear()
    assert "larger than 50 MB" not in choose(slack, form, option, "hanako")


def test_a_row_that_is_gone_is_said_to_be(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    form = open_form(slack)
    option = suggest(slack, form, "office wi").options[0]
    path = knowledge / "it-help.csv"
    path.write_text("\n".join(line for line in path.read_text("utf-8").splitlines() if "Wi-Fi" not in line), "utf-8")
    bot.services.maintenance.reload("it-help").result()
    assert "changed or removed since" in choose(slack, form, option)


def test_an_id_that_is_longer_than_an_option_takes_is_found_again(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    with (knowledge / "it-help.csv").open("a", encoding="utf-8") as file:
        file.write(f"{'x' * 200},Where is the zeppelin?,On the roof.,,,,\n")
    start()
    form = open_form(slack)
    option = suggest(slack, form, "zeppel").options[0]
    assert option["value"].startswith(f"{menu_key('it-help')}#5:")
    assert "On the roof." in choose(slack, form, option)


@pytest.mark.parametrize("who", ["alice", "hanako"])
def test_it_can_be_switched_off(slack: LocalSlack, bot: Bot, who: str) -> None:
    form = open_form(slack, who)
    bot.services.channels.set("", "features_off_for_all", write([Feature.TYPEAHEAD]), slack.person("olivia").id)
    assert suggest(slack, form, "office wi", who).options == []
    home = slack.open_home(who)
    assert home
    assert "home_typeahead" not in str(home.blocks)
    used = slack.shortcut(who, "ask_kotae")
    settle(slack, bot)
    assert used.views == []
    assert "/search" in slack.bot_messages()[0].shown


# -- Many who type ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("bot")
def test_whoever_types_faster_than_anybody_can_is_offered_a_search_and_others_are_completed(slack: LocalSlack) -> None:
    form, other = open_form(slack), open_form(slack, "hanako")
    asked = [slack.suggest("alice", form, TYPED, "office wi", wait=False) for _ in range(TYPING.burst * 2)]
    assert labels(suggest(slack, other, "office wi", "hanako"))[0] == WIFI
    slack.wait_until(lambda: all(each.finished for each in asked), 20, "all acks")
    assert {len(each.options) > 1 for each in asked} == {True, False}
    assert all(each.options and each.error is None for each in asked)


@pytest.mark.usefixtures("bot")
def test_options_do_not_wait_behind_answers(slack: LocalSlack) -> None:
    form = open_form(slack)
    slack.faults.slow("users.info", seconds=3, times=None)
    for number in range(2 * WORKERS):
        slack.command("alice", "it-help", f"/search printer {number}", wait=False)
    asked = suggest(slack, form, "office wi")
    assert labels(asked)[0] == WIFI
    assert asked.acked_after is not None
    assert asked.acked_after < 1.0
