"""The server of the state is gone for a while: answers go on, and everything is stored again once it is back."""

import logging
import time
from collections.abc import Iterator

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack
from bot.settings import SettingsError
from handlers.store.questions import Questions
from indexes.messages import Translatable
from tests.postgresql import OwnServer, own_server
from tests.slack.conftest import Start, ack_took, asked_so_far, settle
from tests.state import rows_of

WIFI = "How do I connect to the office Wi-Fi?"
ANSWER = "Choose the network Sample-Office"
CANARY = "hunter2-canary"


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as running:
        yield running


@pytest.fixture
def url(server: OwnServer) -> str:
    return server.make_empty().replace("postgres:@", f"postgres:{CANARY}@")


@pytest.fixture
def bot(start: Start, url: str) -> Bot:
    """A bot that has its indexes itself."""
    return start(database_url=url, index_backend="faiss", admin_users=("U-OLIVIA",))


@pytest.mark.long("waits for a server that is gone")
@pytest.mark.parametrize("how", ["stopped", "hanging"])
def test_answers_go_on(
    how: str, slack: LocalSlack, bot: Bot, server: OwnServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert ANSWER in slack.reply(slack.command("alice", "it-help", f"/search {WIFI}")).shown
    settle(slack, bot)
    (server.stop if how == "stopped" else server.freeze)()
    started = time.monotonic()
    first = slack.command("alice", "it-help", f"/search {WIFI}")
    slack.wait_until(lambda: slack.reply(first), 60, what="an answer without the database")
    for _ in range(3):
        begun = time.monotonic()
        assert ANSWER in slack.reply(slack.command("hanako", "it-help", f"/search {WIFI}")).shown
        assert time.monotonic() - begun < 20
    assert why(bot)
    assert time.monotonic() - started < 60
    (server.start if how == "stopped" else server.thaw)()
    slack.wait_until(lambda: is_stored(bot), 30, what="the database")
    assert ANSWER in slack.reply(slack.command("ichiro", "it-help", f"/search {WIFI}")).shown
    settle(slack, bot)
    assert not why(bot)
    assert len(asked_so_far(bot)) >= 2
    status = slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
    assert "Database: PostgreSQL " in status
    assert "can't be used" not in status
    assert CANARY not in caplog.text
    assert WIFI not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("handlers"))


@pytest.mark.long("waits for a server that is gone")
def test_acks_do_not_wait_for_it_however_much_is_said(slack: LocalSlack, bot: Bot, server: OwnServer) -> None:
    opened = slack.command("olivia", "it-help", "/kb settings")
    form = slack.wait_until(lambda: opened.views, what="the form")[0]
    slack.say("hanako", "it-help", "good morning")
    settle(slack, bot)
    server.freeze()
    try:
        for number in range(40):  # more than are handled at a time
            slack.say("hanako", "it-help", f"and then I said {number}")
        slack.submit("olivia", form, {"mode": "shadow"}, wait=False)
        asked = slack.command("alice", "it-help", f"/search {WIFI}")
        assert ANSWER in slack.reply(asked, 60).shown
    finally:
        server.thaw()
    slack.wait_until(lambda: all(each.outcome != "waiting" for each in slack.envelopes), 30, "every ack")
    assert [each for each in slack.envelopes if ack_took(each) >= slack.timing.ack] == []
    settle(slack, bot)


def test_where_the_indexes_are_on_it_the_asker_is_told_until_it_is_back(
    slack: LocalSlack, start: Start, server: OwnServer, url: str
) -> None:
    bot = start(database_url=url, index_backend="pgvector")
    slack.wait_until(lambda: all(each.snapshot for each in bot.services.registry.loaded.values()), what="the indexes")
    server.stop()
    try:
        told = asked(slack)
        assert told.startswith("The database with the indexes can't be used now (")
    finally:
        server.start()
    slack.wait_until(lambda: ANSWER in asked(slack) and asked_so_far(bot), 60, what="an answer that is stored")


def asked(slack: LocalSlack) -> str:
    return slack.reply(slack.command("alice", "it-help", f"/search {WIFI}"), 60).shown


@pytest.mark.postgresql
def test_a_start_that_is_refused_leaves_no_connection(start: Start, database_url: str) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        start(ConfigFile(channels={"nowhere": ChannelSection()}))
    others = (
        "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert rows_of(database_url, others) == []


def why(bot: Bot) -> Translatable | None:
    return bot.services.database.trouble


def is_stored(bot: Bot) -> bool:
    for known in asked_so_far(bot)[:1]:
        Questions(bot.services.database).vote(known.id, "U1", "helpful")
        return not why(bot)
    return False
