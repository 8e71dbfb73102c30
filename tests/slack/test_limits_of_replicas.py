"""Slack counts the posts of all replicas together: those that come too often are late, and none is lost."""

import threading
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from handlers.slack.blocks import Message, section
from indexes.encoder import ModelManager
from tests.replicas import Replicas, replicas

AT_ONCE = 28
"""Posts at the same moment, in a channel that takes one a second: some are refused more often than any other call."""


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(commands=("/search", "/kb"), rate_limits=True) as running:
        yield running


@pytest.fixture
def two(
    slack: LocalSlack, tmp_path: Path, postgresql: str, knowledge: Path, manager: ModelManager
) -> Iterator[Replicas]:
    assert knowledge.is_dir()
    with replicas(slack, tmp_path, postgresql) as running:
        for name in ("a", "b"):
            running.start(name, manager)
        yield running


@pytest.mark.long("waits for Slack")
def test_posts_of_two_that_slack_refuses_come_later_each_once(slack: LocalSlack, two: Replicas) -> None:
    channel = slack.channel("it-help").id
    numbers = range(AT_ONCE)
    threads = [
        threading.Thread(
            target=bot.services.messenger.post, args=(channel, Message(f"number {number}", [section("x")]))
        )
        for number, bot in zip(numbers, cycle(two.of.values()))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    posted = [each.shown for each in slack.bot_messages("it-help")]
    calls = [each.status for each in slack.calls_of("chat.postMessage")]
    assert calls.count(429) >= AT_ONCE
    assert calls.count(200) == len(posted) == AT_ONCE
    assert slack.calls_of("conversations.history") == [], "a refusal leaves nothing to look for"
