"""What 56935cf wrote goes on working: its files, its database, and the buttons of messages that stand in Slack."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message
from handlers.store.questions import Questions
from indexes.encoder import ModelManager
from indexes.encoder.worker import CANARIES
from tests.encoders import CountingModel
from tests.former import former_folder, former_ids, former_messages
from tests.slack.conftest import Start, settle, stop

pytestmark = pytest.mark.sqlite("the earlier version knew nothing else")

WIFI = "How do I connect to the office Wi-Fi?"
NETWORK = "Choose the network Sample-Office and sign in with your work account."

Post = Callable[[str], Message]


@pytest.fixture
def ids(slack: LocalSlack) -> dict[str, str]:
    """The ids of today's people and channels by the former ones."""
    return {former: _id(slack, name) for former, name in former_ids().items()}


def _id(slack: LocalSlack, name: str) -> str:
    if name == "kotae":
        return slack.bot
    if name.startswith("@"):
        return slack.channel(slack.person(name[1:])).id
    return slack.person(name).id if name in {"alice", "hanako", "ichiro", "olivia"} else slack.channel(name).id


@pytest.fixture
def knowledge(tmp_path: Path, ids: dict[str, str]) -> Path:
    """The knowledge folder, with DATA_DIR beside it, as they were."""
    former_folder(tmp_path, ids)
    return tmp_path / "knowledge"


@pytest.fixture
def model() -> CountingModel:
    """What encoded the former version's texts, counting."""
    return CountingModel("hashing")


@pytest.fixture
def manager(model: CountingModel) -> Iterator[ModelManager]:
    managing = ModelManager(lambda *_: model)
    yield managing
    managing.close()


@pytest.fixture
def upgraded(slack: LocalSlack, start: Start) -> Bot:
    config = ConfigFile(channels={"dev-faq": ChannelSection(ask=(slack.person("ichiro").id,))})
    admin = slack.person("olivia").id
    bot = start(config, encoder_backend="sentence-transformers", model_name="hashing", admin_users=admin)
    slack.wait_until(lambda: all(one.index.dense for one in bot.services.registry.loaded.values()), what="the model")
    return bot


@pytest.fixture
def post(slack: LocalSlack, upgraded: Bot, ids: dict[str, str]) -> Post:
    """``post("search")``: put a message of the former version where it stood."""
    client = WebClient(slack.bot_token, base_url=slack.api_url)
    messages = former_messages(ids)

    def posting(name: str) -> Message:
        it = messages[name]
        arguments = {"channel": it["channel"], "text": it["text"], "blocks": it["blocks"]}
        if not it["private"]:
            client.chat_postMessage(**arguments)
            return slack.bot_messages(slack.channel(it["channel"]))[-1]
        client.chat_postEphemeral(user=slack.person(it["who"]).id, **arguments)
        return slack.ephemerals(it["who"])[-1]

    del upgraded  # it must run
    return posting


def test_everything_answers_and_nothing_is_encoded_again(
    slack: LocalSlack, upgraded: Bot, model: CountingModel, knowledge: Path
) -> None:
    assert NETWORK in slack.reply(slack.command("alice", "it-help", f"/search {WIFI}")).shown
    assert NETWORK in slack.reply(slack.command("alice", "it-help", "/search Wi-Fi office how")).shown
    assert "In the cellar." in slack.reply(slack.command("alice", "it-help", "/search Where is the fax?")).shown
    assert NETWORK in slack.reply(slack.say("hanako", "it-help", WIFI)).shown  # auto-reply is on, as an admin left it
    assert model.encoded == list(CANARIES)
    registry, maintenance = upgraded.services.registry, upgraded.services.maintenance
    assert [version.number for version in maintenance.versions.of(registry.source("it-help"))] == [2, 1]
    stop(slack, upgraded)
    assert (knowledge.parent / "data" / "state.db.before-upgrade").is_file()


@pytest.mark.usefixtures("upgraded")
def test_nobody_is_greeted_again(slack: LocalSlack) -> None:
    slack.open_home("alice", "messages")
    slack.open_home("hanako", "messages")
    slack.wait_until(lambda: slack.bot_messages(slack.person("hanako")), what="the greeting of somebody new")
    assert slack.bot_messages(slack.person("alice")) == []


OLD_BUTTONS: list[tuple[str, str, tuple[str | int, ...], str]] = [
    ("search", "alice", ("show_2",), "Install the authenticator app"),
    ("voted", "hanako", ("vote", 0), "役に立った"),
    ("dm", "alice", ("vote", 0), "Noted as helpful"),
    ("mention", "hanako", ("vote", 0), "印刷待ちの一覧"),
    ("call", "ichiro", ("ask_resolved",), "Resolved by"),
    ("auto_reply", "alice", ("auto_right",), "This answered it: 1"),
    ("missed", "alice", ("vote_none",), "none"),
    ("proposal", "olivia", ("kb_proposal_approve",), "Approved by"),
    ("misses", "olivia", ("miss_dismiss",), "nanswered"),
    ("learned", "olivia", ("learned_undo",), "none yet"),
    ("upload", "olivia", ("upload_apply",), "3 entries"),
]


def test_an_old_button_works(slack: LocalSlack, upgraded: Bot, post: Post) -> None:
    for name, who, button, shown in OLD_BUTTONS:
        message = post(name)
        before = message.shown
        slack.press(who, message, *button)
        settle(slack, upgraded)
        assert message.shown != before, name
        assert shown in message.shown, name


def test_an_old_report_of_shadow_mode_is_judged(slack: LocalSlack, upgraded: Bot, post: Post) -> None:
    slack.press("olivia", post("shadow"), "shadow_right")
    settle(slack, upgraded)
    assert Questions(upgraded.services.database).votes(8) == {slack.person("olivia").id: "right"}


@pytest.mark.parametrize("name", ["search", "voted", "missed"])
def test_in_another_database_an_old_button_says_why_it_does_not_work(
    slack: LocalSlack, upgraded: Bot, post: Post, knowledge: Path, name: str
) -> None:
    with closing(sqlite3.connect(knowledge.parent / "data" / "state.db")) as database:
        database.execute("DELETE FROM questions")
        database.commit()
    message = post(name)
    who = "hanako" if name == "voted" else "alice"
    slack.press(who, message, "vote_none" if name == "missed" else "vote", *([] if name == "missed" else [0]))
    settle(slack, upgraded)
    said = "この項目はその後" if who == "hanako" else "This entry has been changed or removed since."
    assert said in slack.ephemerals(who)[-1].shown


def test_where_auto_reply_was_on_it_stays_on_and_admins_are_told_once(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    del knowledge  # the former version's, before the bot starts
    admin = slack.person("olivia").id
    for _ in range(2):
        bot = start(ConfigFile(promise=0.8), admin_users=admin)
        bot.housekeeping.tidy()  # says nothing while there are knowledge bases to be read
        assert bot.services.registry.wait_ready(30)
        bot.housekeeping.tidy()
        assert NETWORK in slack.reply(slack.say("hanako", "it-help", WIFI)).shown
        told = [each.shown for each in slack.bot_messages(slack.person("olivia")) if "before the upgrade" in each.shown]
        assert len(told) == 1
        assert "*it-help*: not proved, 3 of 4 right · 27 more right needed" in told[0]  # as members voted then
        assert (
            "answers go on as before the upgrade" in slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
        )
        stop(slack, bot)
    bot = start(ConfigFile(promise=0.8), admin_users=admin)
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply off"))
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply on"))
    asked = slack.say("hanako", "it-help", WIFI)
    settle(slack, bot)
    assert slack.replies(asked) == []
