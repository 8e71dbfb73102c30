"""What is written to the database for what happens in Slack: for chatter nothing at all."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from bot.app import Bot
from bot.playground import LocalSlack
from handlers.store.database import metadata
from tests.slack.conftest import Start, redeliver, settle, stop

BEATS = {"replicas"}
"""Where replicas say that they are alive, whatever else happens."""
WIFI = "How do I connect to the office Wi-Fi?"


@pytest.fixture
def written(bot: Bot, slack: LocalSlack, state_url: str) -> Iterator[Callable[[], bool]]:
    """Tells whether anything was written since it was last asked."""
    settle(slack, bot)  # what the bot writes by itself at its start
    with create_engine(state_url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as database:

        def version() -> list[Any]:
            if database.dialect.name == "sqlite":
                return [database.scalar(text("PRAGMA data_version"))]
            names = sorted(metadata.tables.keys() - BEATS)
            return [sorted(database.execute(text(f'SELECT ctid, xmin FROM "{name}"')), key=str) for name in names]

        last = [version()]

        def since() -> bool:
            settle(slack, bot)
            last.append(version())
            return last[-1] != last[-2]

        yield since


def test_chatter_where_auto_reply_is_off_costs_no_write(slack: LocalSlack, written: Callable[[], bool]) -> None:
    said = slack.say("alice", "it-help", WIFI)
    slack.say("hanako", "it-help", "same here", thread_ts=said.ts)
    slack.edit(said, f"{WIFI} Please!")
    slack.unfurl(said)
    slack.upload("alice", "it-help", "picture.png", b"\x89PNG", comment="look")
    slack.other_bot_says("it-help", "deployed")
    slack.delete(said)
    assert not written()
    assert slack.bot_messages() == []
    slack.reply(slack.mention("alice", "it-help", WIFI))
    assert written()


@pytest.fixture
def lively(slack: LocalSlack, bot: Bot) -> Bot:
    admin = "olivia"
    slack.reply(slack.command(admin, "it-help", "/kb auto-reply on"))
    slack.reply(slack.command(admin, "it-help", "/kb threshold 0.5"))
    return bot


def test_what_is_delivered_twice_is_answered_once(slack: LocalSlack, lively: Bot, start: Start) -> None:
    slack.reply(slack.say("alice", "it-help", WIFI))
    mentioned = slack.mention("alice", "dev-faq", "How do I roll back a deployment?")
    slack.reply(mentioned)
    settle(slack, lively)
    before = len(slack.bot_messages())
    events = [each for each in slack.envelopes if each.kind == "events_api"]
    for envelope in events:
        redeliver(slack, envelope, event_id=f"{envelope.payload['event_id']}X")
    settle(slack, lively)
    assert len(slack.bot_messages()) == before
    stop(slack, lively)
    again = start()
    for envelope in events:
        redeliver(slack, envelope)
    settle(slack, again)
    assert len(slack.bot_messages()) == before


def test_an_edit_that_is_delivered_late_again_changes_nothing(slack: LocalSlack, lively: Bot) -> None:
    said = slack.say("alice", "it-help", WIFI)
    reply = slack.reply(said)
    slack.edit(said, "VPNにつながりません。")
    slack.wait_until(lambda: "ルーター" in reply.shown, what="the new answer")
    late = [each for each in slack.envelopes if "message_changed" in str(each.payload) and "VPN" in str(each.payload)]
    slack.edit(said, WIFI)
    slack.wait_until(lambda: "Sample-Office" in reply.shown, what="the first answer")
    for envelope in late[:1]:
        redeliver(slack, envelope)
    settle(slack, lively)
    assert "Sample-Office" in reply.shown


def test_a_mention_that_was_deleted_before_it_arrived_is_not_answered(slack: LocalSlack, bot: Bot) -> None:
    mentioned = slack.mention("alice", "it-help", WIFI)
    slack.reply(mentioned)
    slack.delete(mentioned)
    settle(slack, bot)
    assert slack.bot_messages() == []
    mention = next(each for each in slack.envelopes if "app_mention" in str(each.payload.get("event", {}).get("type")))
    redeliver(slack, mention, event_id="EvLATE")
    settle(slack, bot)
    assert slack.bot_messages() == []
