from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.playground import LocalSlack, sample_workspace
from tests.playground.helpers import Connect, RawSocket, client_of


def test_stopping_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    with LocalSlack(retry_delays=(60,)) as slack:
        raw = RawSocket(slack)
        raw.message()
        slack.say("alice", "it-help", "never acked")
        slack.faults.freeze(http=True)
        slack.faults.slow("*", seconds=60)
    assert set(threading.enumerate()) <= before
    with raw, contextlib.suppress(ConnectionError):
        raw.stream.read()


def test_what_happened_can_be_looked_at_afterwards() -> None:
    with LocalSlack() as slack:
        question = slack.say("alice", "it-help", "x")
        client_of(slack).auth_test()
    slack.stop()
    assert slack.history("it-help") == [question]
    assert [call.method for call in slack.calls] == ["auth.test"]


def test_two_run_side_by_side_on_their_own_ports() -> None:
    with LocalSlack() as one, LocalSlack() as two:
        assert one.base_url != two.base_url
        one.say("alice", "it-help", "x")
        assert two.history("it-help") == []
        assert one.bot_token != two.bot_token


def test_it_can_be_started_again_with_the_same_workspace() -> None:
    workspace = sample_workspace()
    with LocalSlack(workspace) as slack:
        slack.say("alice", "it-help", "x")
    with LocalSlack(workspace) as slack:
        assert [message.text for message in slack.history("it-help")] == ["x"]


def test_a_taken_port_is_an_error_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with LocalSlack() as slack, pytest.raises(OSError, match="address already in use"):
        LocalSlack(port=int(slack.base_url.rpartition(":")[2])).start()
    assert set(threading.enumerate()) <= before


def test_many_threads_may_act_at_once(slack: LocalSlack) -> None:
    def act(number: int) -> None:
        slack.say("alice", "it-help", f"p{number}")
        client_of(slack).chat_postMessage(channel="it-help", text=f"b{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(40)))
    stamps = [message.ts for message in slack.history("it-help")]
    assert len(set(stamps)) == 80
    assert len(slack.envelopes) == 80


def test_waiting_says_what_it_waited_for(slack: LocalSlack, client: WebClient) -> None:
    client.auth_test()
    with pytest.raises(TimeoutError, match=r"a miracle did not happen within 0.05 s; 0 connections.*auth.test 200"):
        slack.wait_until(lambda: False, timeout=0.05, what="a miracle")
    assert slack.wait_until(lambda: 42, timeout=1) == 42


def test_quiet_waits_for_the_last_answer(lively: LocalSlack, app: App, connect: Connect) -> None:
    def slow(say: Any, event: Any) -> None:
        for number in range(3):
            time.sleep(0.1)
            say(str(number), thread_ts=event["ts"])

    app.event("app_mention")(slow)
    connect(lively, app)
    question = lively.mention("alice", "it-help", "count")
    lively.quiet(0.3)
    assert [message.text for message in lively.replies(question)] == ["0", "1", "2"]
    assert lively.bot_messages("it-help") == lively.replies(question)
    with pytest.raises(TimeoutError, match="of silence"):
        lively.quiet(5, timeout=0.1)


def test_reply_finds_the_answer_in_thread_and_dm(lively: LocalSlack, app: App, connect: Connect) -> None:
    app = App(client=client_of(lively))
    app.event("app_mention")(lambda event, say: say("in thread", thread_ts=event["ts"]))
    app.message("hello")(lambda say: say("in the DM"))
    app.event("message")(lambda: None)
    connect(lively, app)
    assert lively.reply(lively.mention("alice", "it-help", "hi")).text == "in thread"
    assert lively.reply(lively.dm("alice", "hello")).text == "in the DM"


def test_listeners_hear_of_everything_until_they_stop(slack: LocalSlack, client: WebClient) -> None:
    heard: list[str] = []
    stop = slack.listen(lambda what, _: heard.append(what))
    message = slack.say("alice", "it-help", "x")
    slack.edit(message, "y")
    slack.delete(message)
    client.auth_test()
    slack.wait_until(lambda: "call" in heard)
    assert [what for what in heard if what not in ("envelope", "delivery")] == ["message", "changed", "deleted", "call"]
    stop()
    slack.say("alice", "it-help", "z")
    assert heard[-1] == "call"


def test_a_failing_listener_harms_nobody(
    slack: LocalSlack, client: WebClient, caplog: pytest.LogCaptureFixture
) -> None:
    slack.listen(lambda what, thing: what / thing)
    assert client.auth_test()["ok"]
    assert "a listener failed on call" in caplog.text


def test_opening_the_home_waits_for_the_app(lively: LocalSlack, app: App, connect: Connect) -> None:
    def publish(client: WebClient, event: Any) -> None:
        time.sleep(0.1)
        text = {"type": "plain_text", "text": f"for {event['user']}"}
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [{"type": "header", "text": text}]})

    app.event("app_home_opened")(publish)
    connect(lively, app)
    view = lively.open_home("hanako")
    assert view is not None
    assert view.shown == f"for {lively.people['hanako'].id}"
