from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.playground import LocalSlack
from tests.playground.helpers import CLOSE, PING, PONG, TEXT, Connect, RawSocket


@pytest.fixture
def hasty() -> Iterator[LocalSlack]:
    """A Slack whose 3 seconds are shorter."""
    with LocalSlack(ack_seconds=0.2, retry_delays=(0.02, 0.02, 0.02), refresh_grace=0.1, ping_seconds=0.1) as slack:
        yield slack


def connected(slack: LocalSlack) -> RawSocket:
    raw = RawSocket(slack)
    assert raw.message()["type"] == "hello"
    return raw


# -- Connecting ------------------------------------------------------------------------------------------


def test_hello_counts_the_connections(slack: LocalSlack) -> None:
    with RawSocket(slack) as one, RawSocket(slack) as two:
        hello = one.message()
        assert (hello["num_connections"], hello["connection_info"]["app_id"]) == (1, slack.workspace.app_id)
        assert hello["debug_info"]["approximate_connection_time"] > 0
        assert two.message()["num_connections"] == 2
        assert slack.connections == 2
    slack.wait_until(lambda: slack.connections == 0)


def test_a_ticket_opens_one_connection(slack: LocalSlack, client: WebClient) -> None:
    url = client.apps_connections_open(app_token=slack.app_token)["url"]
    with RawSocket(slack, url) as first, RawSocket(slack, url) as second:
        assert (first.status, second.status) == (101, 403)
    with RawSocket(slack, url.replace("ticket=", "ticket=0")) as forged:
        assert forged.status == 403


def test_ten_connections_are_enough(slack: LocalSlack) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connected(slack))
        eleventh = stack.enter_context(RawSocket(slack))
        assert eleventh.message()["reason"] == "too_many_websockets"
        assert eleventh.frame()[0] == CLOSE


def test_pings_go_both_ways(hasty: LocalSlack) -> None:
    with connected(hasty) as raw:
        opcode, data = raw.frame()
        assert opcode == PING
        raw.send(PONG, data)
        raw.send(PING, b"are you there")
        while opcode != PONG:
            opcode, data = raw.frame()
        assert data == b"are you there"


# -- Acks and retries ------------------------------------------------------------------------------------


def test_each_payload_goes_to_one_connection_in_turn(slack: LocalSlack) -> None:
    with connected(slack) as one, connected(slack) as two:
        for number in range(4):
            slack.say("alice", "it-help", str(number))
        seen = []
        for raw in (one, two):
            for _ in range(2):
                envelope = raw.message()
                raw.ack(envelope)
                seen.append(envelope["payload"]["event"]["text"])
        assert sorted(seen) == ["0", "1", "2", "3"]
        slack.wait_until(lambda: all(envelope.outcome == "acked" for envelope in slack.envelopes))


def test_an_ack_is_timed(slack: LocalSlack) -> None:
    with connected(slack) as raw:
        slack.say("alice", "it-help", "x")
        envelope = raw.message()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", False)
        assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
        time.sleep(0.1)
        raw.ack(envelope)
        (told,) = slack.envelopes
        slack.wait_until(lambda: told.outcome == "acked")
        assert told.acked_after is not None
        assert 0.1 <= told.acked_after < slack.timing.ack
        assert slack.acked_too_late == []


def test_unacked_events_are_retried_three_times(hasty: LocalSlack) -> None:
    with connected(hasty) as raw:
        hasty.say("alice", "it-help", "x")
        envelopes = [raw.message() for _ in range(4)]
        assert [each["retry_attempt"] for each in envelopes] == [0, 1, 2, 3]
        assert [each["retry_reason"] for each in envelopes] == ["", "timeout", "timeout", "timeout"]
        assert len({each["envelope_id"] for each in envelopes}) == 4
        assert len({each["payload"]["event_id"] for each in envelopes}) == 1
        (told,) = hasty.envelopes
        hasty.wait_until(lambda: told.outcome == "unacked")
        assert len(told.deliveries) == 4
        assert told.acked_after is None


def test_an_ack_ends_the_retries(hasty: LocalSlack) -> None:
    with connected(hasty) as raw:
        hasty.say("alice", "it-help", "x")
        raw.message()
        raw.ack(raw.message())
        (told,) = hasty.envelopes
        hasty.wait_until(lambda: told.outcome == "acked")
        assert [delivery.retry_attempt for delivery in told.deliveries] == [0, 1]
        assert hasty.acked_too_late == [told]


def test_a_late_ack_is_too_late(hasty: LocalSlack) -> None:
    with connected(hasty) as raw:
        interaction = hasty.command("alice", "it-help", "/search x", wait=False)
        envelope = raw.message()
        hasty.wait_until(lambda: interaction.finished)
        raw.ack(envelope, {"text": "sorry for the delay"})
        hasty.wait_until(lambda: interaction.acked_after)
        assert hasty.acked_too_late == [interaction.envelope]
        assert interaction.error == "operation_timeout"
        assert interaction.acked_after is not None
        assert interaction.acked_after > 0.2
        assert interaction.ack is None
        assert hasty.ephemerals("alice") == []


def test_commands_and_interactions_are_not_retried(hasty: LocalSlack) -> None:
    with connected(hasty) as raw:
        hasty.command("alice", "it-help", "/search x")
        hasty.shortcut("alice", "save")
        assert [raw.message()["type"] for _ in range(2)] == ["slash_commands", "interactive"]
        time.sleep(0.1)
        assert [len(envelope.deliveries) for envelope in hasty.envelopes] == [1, 1]


def test_without_a_connection_events_wait_and_commands_fail(slack: LocalSlack) -> None:
    slack.say("alice", "it-help", "anyone?")
    assert slack.command("alice", "it-help", "/search x").error == "dispatch_failed"
    with connected(slack) as raw:
        envelope = raw.message()
        assert envelope["payload"]["event"]["text"] == "anyone?"
        assert (envelope["retry_attempt"], envelope["retry_reason"]) == (1, "timeout")
        raw.ack(envelope)


def test_acks_of_nothing_are_noted(slack: LocalSlack) -> None:
    with connected(slack) as raw:
        raw.send(TEXT, b'{"envelope_id": "unheard-of"}')
        raw.send(TEXT, b"not json")
        raw.send(TEXT, b'{"envelope_id": []}')
        slack.wait_until(lambda: len(slack.warnings) == 3)


def test_an_ack_may_come_over_another_connection(slack: LocalSlack) -> None:
    with connected(slack) as one, connected(slack) as two:
        slack.say("alice", "it-help", "x")
        one.socket.settimeout(2)
        try:
            envelope = one.message()
        except TimeoutError:
            envelope = two.message()
        for raw in (one, two):
            raw.ack(envelope)
        slack.wait_until(lambda: slack.envelopes[0].outcome == "acked")


# -- Faults ----------------------------------------------------------------------------------------------


def test_the_same_envelope_twice(slack: LocalSlack) -> None:
    slack.faults.duplicate("envelope")
    with connected(slack) as raw:
        slack.say("alice", "it-help", "x")
        first, second = raw.message(), raw.message()
        assert first == second
        raw.ack(first)
        raw.ack(second)
        slack.say("alice", "it-help", "y")
        assert raw.message()["payload"]["event"]["text"] == "y"
        assert len(slack.envelopes) == 2
        assert len(slack.envelopes[0].deliveries) == 2


def test_the_same_event_as_a_retry_although_acked(slack: LocalSlack) -> None:
    slack.faults.duplicate("retry")
    with connected(slack) as raw:
        slack.say("alice", "it-help", "x")
        first, second = raw.message(), raw.message()
        assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
        assert first["payload"] == second["payload"]
        assert first["envelope_id"] != second["envelope_id"]


def test_the_same_message_as_another_event(slack: LocalSlack) -> None:
    slack.faults.duplicate("event", times=None)
    with connected(slack) as raw:
        for text in ("x", "y"):
            slack.say("alice", "it-help", text)
            first, second = raw.message()["payload"], raw.message()["payload"]
            assert first["event"] == second["event"]
            assert first["event_id"] != second["event_id"]


def test_envelopes_can_be_late(slack: LocalSlack) -> None:
    slack.faults.delay(0.2)
    with connected(slack) as raw:
        started = time.monotonic()
        slack.say("alice", "it-help", "x")
        raw.message()
        assert time.monotonic() - started >= 0.2


def test_a_warning_leaves_the_connection_open(hasty: LocalSlack) -> None:
    with connected(hasty) as raw:
        hasty.faults.disconnect("warning")
        assert raw.message()["reason"] == "warning"
        time.sleep(0.2)
        hasty.say("alice", "it-help", "x")
        assert raw.message()["type"] == "events_api"


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
def test_other_disconnects_close_it(hasty: LocalSlack, reason: str) -> None:
    with connected(hasty) as raw:
        hasty.faults.disconnect(reason)  # type: ignore[arg-type]
        message = raw.message()
        assert (message["type"], message["reason"]) == ("disconnect", reason)
        opcode = PING
        while opcode == PING:
            opcode, _ = raw.frame()
        assert opcode == CLOSE


def test_a_connection_about_to_close_gets_nothing_while_there_is_another(slack: LocalSlack) -> None:
    with connected(slack) as old:
        slack.faults.disconnect("refresh_requested")
        assert old.message()["reason"] == "refresh_requested"
        slack.say("alice", "it-help", "still the only one")
        old.ack(old.message())
        with connected(slack) as new:
            for _ in range(3):
                slack.say("alice", "it-help", "x")
                new.ack(new.message())


def test_a_close_frame(slack: LocalSlack) -> None:
    with connected(slack) as raw:
        slack.faults.close_frame()
        opcode, data = raw.frame()
        assert (opcode, data[:2]) == (CLOSE, (1000).to_bytes(2, "big"))


def test_a_fin_without_a_close_frame(slack: LocalSlack) -> None:
    with connected(slack) as raw:
        slack.faults.tcp_fin()
        assert raw.stream.read(1) == b""


def test_a_reset(slack: LocalSlack) -> None:
    with connected(slack) as raw:
        slack.faults.tcp_reset()
        with pytest.raises(ConnectionResetError):
            raw.stream.read(1)


def test_a_frozen_server_takes_everything_and_says_nothing(hasty: LocalSlack) -> None:
    with connected(hasty) as raw:
        hasty.faults.freeze()
        hasty.say("alice", "it-help", "lost")
        raw.send(PING, b"hello?")
        assert raw.opcodes_for(0.3) in ([], [PING])
        assert hasty.connections == 1


def test_new_connections_may_be_frozen_too(slack: LocalSlack) -> None:
    slack.faults.freeze(new=True)
    with RawSocket(slack) as raw:
        assert raw.status == 101
        raw.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            raw.frame()


def test_a_thawed_server_goes_on(slack: LocalSlack) -> None:
    with connected(slack) as raw:
        slack.faults.freeze()
        raw.send(PING, b"hello?")
        slack.faults.thaw()
        assert raw.frame() == (PONG, b"hello?")


def test_a_server_that_never_pongs_but_works(slack: LocalSlack) -> None:
    with connected(slack) as raw:
        slack.faults.never_pong()
        raw.send(PING, b"hello?")
        slack.say("alice", "it-help", "x")
        assert raw.frame()[0] == TEXT


def test_connections_can_be_refused(slack: LocalSlack) -> None:
    slack.faults.refuse_connections(1)
    with RawSocket(slack) as refused, RawSocket(slack) as taken:
        assert (refused.status, taken.status) == (503, 101)


def test_frames_that_mean_nothing_come_between_the_others(slack: LocalSlack) -> None:
    with RawSocket(slack) as socket:
        assert socket.message()["type"] == "hello"
        slack.faults.garbage("{", b"\0")
        assert [socket.frame(), socket.frame()] == [(1, b"{"), (2, b"\0")]


# -- With the SDK's own client ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["refresh", "close_frame", "tcp_fin", "tcp_reset"])
def test_the_sdks_client_comes_back(hasty: LocalSlack, fault: str, connect: Connect) -> None:
    heard: list[str] = []
    app = App(client=WebClient(token=hasty.bot_token, base_url=hasty.api_url))
    app.event("message")(lambda event: heard.append(event["text"]))
    connect(hasty, app, ping_interval=0.2)
    if fault == "refresh":
        hasty.faults.disconnect("refresh_requested")
    else:
        getattr(hasty.faults, fault)()
    hasty.wait_until(lambda: hasty.connections_opened == 2, what="a second connection")
    hasty.say("alice", "it-help", "still there?")
    hasty.wait_until(lambda: heard)
    assert set(heard) == {"still there?"}


def test_a_slow_listener_that_acks_first_is_in_time(hasty: LocalSlack, connect: Connect) -> None:
    done = threading.Event()

    def search(ack, respond) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        ack()
        time.sleep(0.3)
        respond("found")
        done.set()

    app = App(client=WebClient(token=hasty.bot_token, base_url=hasty.api_url))
    app.command("/search")(search)
    connect(hasty, app)
    interaction = hasty.command("alice", "it-help", "/search x")
    assert interaction.error is None
    assert hasty.reply(interaction).text == "found"
    assert done.wait(60)
