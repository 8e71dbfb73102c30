"""What is told of each payload: that it came, before its ack, and that nothing is left to do, after the work."""

import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from handlers.access import Need
from handlers.queue import Admission
from handlers.request import Request
from handlers.route import Routes
from handlers.services import Services
from handlers.token_buckets import BURST
from tests.slack.conftest import fill, settle

SECONDS = 0.3
pytestmark = [pytest.mark.usefixtures("lawful"), pytest.mark.parametrize("commands", [("/search", "/kb", "/extra")])]


@pytest.fixture
def burst() -> int:
    """As much as people may ask out of the box."""
    return BURST


@pytest.fixture
def happened(bot: Bot) -> list[str]:
    """What happened to the command /extra, in order; taking note of it takes a while, doing it as well."""
    events: list[str] = []

    def receive(body: Mapping[str, Any]) -> Callable[[], None]:
        time.sleep(SECONDS)
        events.append(f"received {body['command']}")
        return lambda: events.append("done")

    def handle(_: Services, request: Request) -> None:
        time.sleep(SECONDS)
        events.append("handled")
        if request.body["text"] == "fail":
            raise ValueError

    bot.app.command("/extra")(Routes(bot.services, receive).on(handle, needs=Need.KNOWN))
    return events


@pytest.mark.parametrize("text", ["", "fail"])
def test_a_payload_is_received_before_its_ack_and_done_after_its_work(
    slack: LocalSlack, bot: Bot, happened: list[str], text: str
) -> None:
    sent = slack.command("alice", "it-help", f"/extra {text}".strip())
    assert (sent.acked_after or 0) >= SECONDS
    settle(slack, bot)
    assert happened == ["received /extra", "handled", "done"]


def test_what_is_refused_is_done_once_that_was_said(slack: LocalSlack, bot: Bot, happened: list[str]) -> None:
    while bot.services.queue.may_ask(slack.person("alice").id) is not Admission.TOO_MANY:
        pass
    slack.command("alice", "it-help", "/extra")
    settle(slack, bot)
    assert happened == ["received /extra", "done"]
    assert slack.ephemerals("alice") == []


def test_what_there_was_no_room_for_is_done_once_that_was_said(
    slack: LocalSlack, bot: Bot, happened: list[str]
) -> None:
    release = Event()
    fill(bot, lambda: assert_released(release))
    told = slack.reply(slack.command("alice", "it-help", "/extra"))
    assert "Many questions are coming in" in told.shown
    release.set()
    settle(slack, bot)
    assert happened == ["received /extra", "done"]


def assert_released(event: Event) -> None:
    assert event.wait(60)
