"""Acks that come too late are counted, from the arrival of the payload on."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.ack_clock import DUE, FORGOTTEN_SECONDS, AckClock
from bot.app import ACK_WORKERS, Bot
from bot.playground import LocalSlack
from handlers.counters import Count, Counters


def test_an_ack_that_came_too_late_is_counted(slack: LocalSlack, bot: Bot) -> None:
    release = Event()
    for _ in range(ACK_WORKERS):
        bot.listeners.submit(release.wait, 60)
    try:
        late = slack.command("alice", "it-help", "/search wifi")
        assert late.acked_after is None
        slack.wait_until(lambda: bot.services.process().counts["late_acks"] == 1, what="the count")
    finally:
        release.set()


def test_what_has_arrived_when_the_bot_stops_is_acked_first(
    slack: LocalSlack, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    release, before = Event(), len(slack.envelopes)
    for _ in range(ACK_WORKERS):
        bot.listeners.submit(release.wait, 60)
    with ThreadPoolExecutor(2) as others:
        asked = others.submit(slack.command, "alice", "it-help", "/search wifi")
        slack.wait_until(lambda: len(slack.envelopes) > before, what="the envelope")
        time.sleep(0.2)
        stopped = others.submit(bot.stop)
        time.sleep(0.2)
        release.set()
        assert asked.result().acked_after is not None
        assert stopped.result()
    assert not [each for each in caplog.records if each.levelname in {"WARNING", "ERROR"}]


def test_only_acks_over_three_seconds_count() -> None:
    now, counters = [0.0], Counters()
    acks = AckClock(counters, lambda: now[0])
    for seconds in (0.0, 2.9, 3.1, 10.0):
        acks.arrived('{"envelope_id":"e-1","type":"slash_commands"}')
        now[0] += seconds
        acks.acked(SocketModeRequest("slash_commands", "e-1", {}))
    acks.arrived('{"type":"hello"}')
    assert counters[Count.LATE_ACKS] == 2
    assert not acks.are_due()


def test_acks_are_due_until_the_envelopes_are_dealt_with_or_too_old() -> None:
    now = [0.0]
    acks = AckClock(Counters(), lambda: now[0])
    for number in range(DUE + 1):
        assert not acks.are_due()
        acks.arrived(f'{{"envelope_id": "e-{number}"}}')
    assert acks.are_due()
    acks.acked(SocketModeRequest("events_api", "e-0", {}))
    assert not acks.are_due()
    acks.arrived('{"envelope_id": "later"}')
    assert acks.are_due()
    now[0] += FORGOTTEN_SECONDS + 1
    acks.arrived('{"envelope_id": "much-later"}')
    assert not acks.are_due()
