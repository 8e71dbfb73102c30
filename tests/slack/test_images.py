"""Pictures in answers: shown wherever an answer is, linked where Slack can't fetch them, and switched off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message
from handlers.channel_rules import AutoReply
from handlers.features import Feature
from indexes.records.checking import check_file
from tests.slack.conftest import Start, settle, stop

FETCHED = "https://pictures.example.com/desk.png"
NOT_FETCHED = "https://pictures.example.invalid/desk.png"
INSIDE = "http://wiki.intranet/desk.png"
QUESTION, JAPANESE = "Where is the lost property desk?", "落とし物の窓口はどこですか？"
ANSWERING = ConfigFile(channels={"it-help": ChannelSection(auto_reply=AutoReply.ON, threshold=0.5)})
Ask = Callable[[LocalSlack], Any]


def write(knowledge: Path, picture: str, answer: str = "On the ground floor, beside the lifts.") -> None:
    rows = f'question,answer,image\n{QUESTION},"{answer}",{picture}\n{JAPANESE},1階のエレベーターの横です。,{picture}\n'
    (knowledge / "it-help.csv").write_text(rows, encoding="utf-8")


def mentioned(slack: LocalSlack, question: str = QUESTION) -> Message:
    return slack.reply(slack.mention("alice", "it-help", question))


def searched(slack: LocalSlack) -> Message:
    return slack.reply(slack.command("alice", "it-help", f"/search {QUESTION}"))


def told(slack: LocalSlack) -> Message:
    return slack.reply(slack.dm("alice", QUESTION))


def unasked(slack: LocalSlack) -> Message:
    return slack.reply(slack.say("alice", "it-help", QUESTION))


def at_home(slack: LocalSlack) -> Any:
    view = slack.open_home("alice")
    assert view
    before = view.hash
    slack.press("alice", view, "home_ask", QUESTION)
    return slack.wait_until(lambda: (now := slack.home("alice")) and now.hash != before and now, what="a new tab")


def shared(slack: LocalSlack) -> Message:
    slack.press("alice", searched(slack), "share")
    return slack.wait_until(lambda: slack.bot_messages("it-help"), what="the shared answer")[0]


EVERYWHERE = {
    "mention": mentioned,
    "search": searched,
    "direct": told,
    "auto-reply": unasked,
    "home": at_home,
    "share": shared,
}


def images(shown: Any) -> list[tuple[str, str]]:
    blocks = shown.blocks if isinstance(shown, Message) else shown.content["blocks"]
    return [(block["image_url"], block["alt_text"]) for block in blocks if block["type"] == "image"]


def refused(slack: LocalSlack) -> list[str]:
    return [call.error for call in slack.calls if call.error in {"invalid_blocks", "invalid_arguments"}]


@pytest.mark.usefixtures("lawful")
@pytest.mark.parametrize("place", EVERYWHERE)
def test_the_picture_is_shown_with_the_question_as_its_text(
    slack: LocalSlack, start: Start, knowledge: Path, place: str
) -> None:
    write(knowledge, FETCHED)
    start(ANSWERING)
    assert images(EVERYWHERE[place](slack)) == [(FETCHED, QUESTION)]


@pytest.mark.parametrize("place", EVERYWHERE)
def test_one_that_slack_can_not_fetch_is_linked_and_the_answer_is_given(
    slack: LocalSlack, start: Start, knowledge: Path, place: str
) -> None:
    write(knowledge, NOT_FETCHED)
    start(ANSWERING)
    answer = EVERYWHERE[place](slack)
    assert images(answer) == []
    assert f"<{NOT_FETCHED}|{QUESTION}>" in str(answer.blocks if isinstance(answer, Message) else answer.content)
    assert "beside the lifts" in answer.shown


@pytest.mark.usefixtures("lawful")
@pytest.mark.parametrize("picture", [INSIDE, "http://10.0.0.7/desk.png", "https://example.com/desk.svg"])
def test_one_that_slack_can_not_show_is_linked_at_once(
    slack: LocalSlack, start: Start, knowledge: Path, picture: str
) -> None:
    write(knowledge, picture)
    start()
    answer = mentioned(slack, JAPANESE)
    assert images(answer) == []
    assert f"<{picture}|{JAPANESE}>" in str(answer.blocks)
    assert refused(slack) == []


@pytest.mark.usefixtures("lawful")
def test_pictures_in_the_text_are_shown_below_it(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    other = "https://pictures.example.com/map.png"
    write(knowledge, FETCHED, f"Follow ![The map of the ground floor]({other}) and ![]({FETCHED}), then ask.")
    start()
    answer = mentioned(slack)
    assert images(answer) == [(FETCHED, QUESTION), (other, "The map of the ground floor")]
    assert "Follow The map of the ground floor and 🖼, then ask." in answer.shown


def test_show_and_read_all_have_it_too(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    write(knowledge, NOT_FETCHED, "On the ground floor. " * 80)
    start()
    answer = slack.reply(slack.command("alice", "it-help", f"/search {QUESTION} {JAPANESE}"))
    slack.press("alice", answer, "show_2")
    slack.wait_until(lambda: "show_2" not in str(answer.blocks), what="the unfolding")
    assert str(answer.blocks).count(f"<{NOT_FETCHED}|") == 2
    slack.press("alice", answer, "read_1")
    view = slack.wait_until(lambda: slack.views("alice"), what="the whole answer")[0]
    assert f"<{NOT_FETCHED}|" in str(view.content)
    assert len(slack.calls_of("views.open")) == 1


@pytest.mark.usefixtures("lawful")
def test_a_channel_does_without_them(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    write(knowledge, FETCHED)
    bot = start(ConfigFile(features_off=frozenset({Feature.IMAGES})))
    assert images(mentioned(slack)) == []
    channel = slack.channel("it-help").id
    bot.services.channels.set(channel, "features_off", "", slack.person("olivia").id)
    assert images(mentioned(slack, JAPANESE)) == [(FETCHED, JAPANESE)]


@pytest.mark.usefixtures("lawful")
def test_a_cell_that_names_no_picture_is_shown_as_before_and_reported_by_line(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    write(knowledge, "desk.png")
    start()
    answer = mentioned(slack)
    assert images(answer) == []
    assert "image: desk.png" in answer.shown
    said = [str(problem.message) for problem in check_file(knowledge / "it-help.csv").problems]
    assert said == ['the image column has no web address: "desk.png"; it is shown as a detail'] * 2


@pytest.mark.usefixtures("lawful")
def test_an_upload_says_which_pictures_are_links(slack: LocalSlack, start: Start) -> None:
    start()
    rows = f"質問,回答,画像\n{JAPANESE},1階です。,{INSIDE}\n"
    preview = slack.reply(slack.upload("ichiro", slack.person("ichiro"), "it-help.csv", rows.encode()))
    assert "2行目" in preview.shown
    assert "画像は Slack が取得するため、wiki.intranet には届きません" in preview.shown


@pytest.mark.usefixtures("lawful")
def test_the_picture_survives_a_restart(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    write(knowledge, FETCHED)
    bot: Bot = start()
    assert images(mentioned(slack)) == [(FETCHED, QUESTION)]
    settle(slack, bot)
    stop(slack, bot)
    start()
    assert images(mentioned(slack, JAPANESE)) == [(FETCHED, JAPANESE)]
