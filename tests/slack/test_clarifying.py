"""One question back: several rows are close, the asker chooses, sees that answer, and the bot learns from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message, controls
from bot.playground.explanation import explain_answer
from handlers.channel_rules import AutoReply
from handlers.features import Feature
from handlers.learning.store.misses import Misses
from handlers.store.questions import Questions
from indexes.text import match_key
from tests.slack.conftest import Start, asked_so_far, labels, settle

pytestmark = pytest.mark.usefixtures("lawful")

SYSTEMS = ("Windows", "Mac", "iPhone")
ENGLISH, JAPANESE = "how can the vpn be set up?", "VPNの設定のしかたは？"
ASKED = {"en": ("alice", ENGLISH, "Which one do you mean?", "None of these"),
         "ja": ("hanako", JAPANESE, "どれについてのご質問ですか？", "どれも違う")}  # fmt: skip
SWITCHED_OFF = ConfigFile(channels={"it-help": ChannelSection(features_off=frozenset({Feature.CLARIFYING}))})
ANSWERING = ConfigFile(channels={"it-help": ChannelSection(auto_reply=AutoReply.ON, threshold=0.2)})


@pytest.fixture(autouse=True)
def rows(knowledge: Path) -> None:
    """Rows that differ by their system only, in both languages, and others."""
    (knowledge / "_shared.csv").unlink()
    written = ["id,質問,回答,OS"]
    for system in SYSTEMS:
        written += [f"en-{system},How do I set up the VPN?,On {system} it is in the settings.,{system}"]
        written += [f"ja-{system},VPNの設定方法は？,{system}では設定画面から追加します。,{system}"]
    written += ["print,How do I print on both sides?,Tick Duplex.,", "desk,落とし物の窓口はどこですか？,1階です。,"]
    (knowledge / "it-help.csv").write_text("\n".join(written) + "\n", encoding="utf-8")


def mentioned(slack: LocalSlack, who: str, question: str) -> Message:
    return slack.reply(slack.mention(who, "it-help", question))


def searched(slack: LocalSlack, who: str, question: str) -> Message:
    return slack.reply(slack.command(who, "it-help", f"/search {question}"))


def told(slack: LocalSlack, who: str, question: str) -> Message:
    return slack.reply(slack.dm(who, question))


def at_home(slack: LocalSlack, who: str, question: str) -> Any:
    view = slack.open_home(who)
    assert view
    return changed(slack, who, lambda: slack.press(who, view, "home_ask", question))


def changed(slack: LocalSlack, who: str, act: Callable[[], object]) -> Any:
    """The Home tab once it has been published again."""
    shown = slack.home(who)
    before = shown.hash if shown else ""
    act()
    return slack.wait_until(lambda: (now := slack.home(who)) and now.hash != before and now, what="a new tab")


EVERYWHERE = {"mention": mentioned, "search": searched, "dm": told}


def action_of(shown: Any, label: str) -> str:
    """The action of the button with this label."""
    [control] = [each for each in controls(shown.blocks) if each.label == label]
    return str(control.action_id)


def choose(slack: LocalSlack, who: str, answer: Message, label: str) -> None:
    before = answer.shown
    slack.press(who, answer, action_of(answer, label))
    slack.wait_until(
        lambda: answer.shown != before and all("block_id" in block for block in answer.blocks), what="what was chosen"
    )


@pytest.mark.parametrize("language", ASKED)
@pytest.mark.parametrize("place", EVERYWHERE)
def test_who_asks_is_asked_back_and_one_press_shows_the_answer(
    slack: LocalSlack, bot: Bot, place: str, language: str
) -> None:
    who, question, which, none = ASKED[language]
    answer = EVERYWHERE[place](slack, who, question)
    assert which in answer.shown
    assert set(labels(answer)[:3]) == set(SYSTEMS)
    assert labels(answer)[-1] == none
    assert "settings" not in answer.shown
    assert "設定画面" not in answer.shown
    choose(slack, who, answer, "Mac")
    assert {"en": "On Mac it is in the settings.", "ja": "Macでは設定画面から追加します。"}[language] in answer.shown
    assert "Windows" in labels(answer)
    assert "Mac" not in labels(answer)
    settle(slack, bot)


@pytest.mark.usefixtures("bot")
def test_so_it_is_in_the_home_tab(slack: LocalSlack) -> None:
    view = at_home(slack, "alice", ENGLISH)
    assert "Which one do you mean?" in view.shown
    shown = changed(slack, "alice", lambda: slack.press("alice", view, action_of(view, "iPhone")))
    assert "On iPhone it is in the settings." in shown.shown


@pytest.mark.usefixtures("bot")
def test_the_notification_and_a_screen_reader_say_what_there_is_to_choose(slack: LocalSlack) -> None:
    answer = mentioned(slack, "alice", ENGLISH)
    assert answer.text.startswith("Which one do you mean? ")
    assert set(answer.text.removeprefix("Which one do you mean? ").split(" · ")) == set(SYSTEMS)
    buttons = [each for block in answer.blocks if block["type"] == "actions" for each in block["elements"]]
    assert buttons[0]["accessibility_label"].endswith(": How do I set up the VPN?")


def test_a_press_teaches_as_elsewhere(slack: LocalSlack, bot: Bot) -> None:
    for who in ("alice", "hanako"):
        choose(slack, who, searched(slack, who, ENGLISH), "Mac")
        settle(slack, bot)
    assert [set(Questions(bot.services.database).votes(each.id).values()) for each in asked_so_far(bot)] == [
        {f"hit_{1 + [hit.record for hit in each.hits].index('en-Mac')}"} for each in asked_so_far(bot)
    ]
    aliases = bot.services.registry.state.learned_aliases["it-help"]
    assert [(each.record, match_key(each.phrasing)) for each in aliases] == [("en-Mac", match_key(ENGLISH))]
    assert Misses(bot.services.database).open(0, 9) == []


def test_none_of_these_is_a_miss_and_lists_what_is_close(slack: LocalSlack, bot: Bot) -> None:
    answer = searched(slack, "alice", ENGLISH)
    choose(slack, "alice", answer, "None of these")
    assert "I found nothing certain. The closest are:" in answer.shown
    assert set(labels(answer)) & set(SYSTEMS) == set()
    assert [miss.reported for miss in Misses(bot.services.database).open(0, 9)] == [True]


def test_another_reader_of_an_open_reply_may_choose_and_has_one_voice(slack: LocalSlack, bot: Bot) -> None:
    answer = mentioned(slack, "alice", ENGLISH)
    choose(slack, "alice", answer, "Mac")
    choose(slack, "hanako", answer, "Windows")
    assert "On Windows it is in the settings." in answer.shown
    [question] = asked_so_far(bot)
    assert set(Questions(bot.services.database).votes(question.id)) == {
        slack.person("alice").id,
        slack.person("hanako").id,
    }


def test_a_row_that_is_gone_can_not_be_chosen(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    answer = searched(slack, "alice", ENGLISH)
    file = knowledge / "it-help.csv"
    kept = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("en-Mac")]
    file.write_text("\n".join(kept) + "\n", "utf-8")
    bot.services.maintenance.reload("it-help").result(60)
    choose(slack, "alice", answer, "Windows")
    assert "Mac" not in labels(answer)
    assert "iPhone" in labels(answer)


@pytest.mark.parametrize("rank", ["0", "9"])
def test_a_forged_rank_teaches_nothing(slack: LocalSlack, bot: Bot, rank: str) -> None:
    answer = searched(slack, "alice", ENGLISH)
    [question] = asked_so_far(bot)
    button = next(each for block in answer.blocks if block["type"] == "actions" for each in block["elements"])
    button["value"] = f"{question.id}:{rank}:{rank}"
    slack.press("alice", answer, button["action_id"])
    settle(slack, bot)
    assert Questions(bot.services.database).votes(question.id) == {}


def test_what_nobody_asked_the_bot_is_answered_as_before(slack: LocalSlack, start: Start) -> None:
    start(ANSWERING)
    reply = slack.reply(slack.say("alice", "it-help", ENGLISH))
    assert labels(reply) == ["✅ This answers it", "❌ Not what I asked"]


@pytest.mark.parametrize("place", EVERYWHERE)
def test_a_channel_may_switch_it_off(slack: LocalSlack, start: Start, place: str) -> None:
    start(SWITCHED_OFF)
    answer = EVERYWHERE[place](slack, "alice", ENGLISH)
    assert ("Which one do you mean?" in answer.shown) == (place == "dm")


@pytest.mark.usefixtures("bot")
def test_a_sure_answer_is_given_at_once(slack: LocalSlack) -> None:
    assert "Tick Duplex." in searched(slack, "alice", "How do I print on both sides?").shown


def test_the_inspector_says_why(slack: LocalSlack, bot: Bot) -> None:
    answer = mentioned(slack, "alice", ENGLISH)
    explained = explain_answer(bot.services, {"blocks": answer.blocks})
    assert explained["why"][0]["en"].startswith("Who asks is asked back, since several rows are about as close: ")
    assert explained["hits"]
