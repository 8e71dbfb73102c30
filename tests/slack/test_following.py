"""What replicas keep in memory is the same on all of them soon after one of them has changed it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from indexes.encoder import ModelManager
from tests.replicas import Replicas, replicas
from tests.slack.conftest import approve

pytestmark = pytest.mark.usefixtures("knowledge")


@pytest.fixture
def two(slack: LocalSlack, tmp_path: Path, postgresql: str, manager: ModelManager) -> Iterator[Replicas]:
    with replicas(slack, tmp_path, postgresql) as running:
        running.import_files()
        for name in ("a", "b"):
            running.start(name, manager)
        yield running


def test_confidence_follows_the_votes_that_another_replica_counted(slack: LocalSlack, two: Replicas) -> None:
    for who in ("hanako", "alice", "ichiro"):
        answer = slack.reply(slack.command(who, "it-help", "/search パスワードを忘れました"))
        approve(slack, who, answer)
        two.settle()
    two.wait("the votes", lambda bot: bot.services.registry.shifts.get("it-help", 0.0) > 0)
    shifts = {bot.services.registry.shifts["it-help"] for bot in two.of.values()}
    assert len(shifts) == 1


def test_a_setting_holds_on_all_at_once(slack: LocalSlack, two: Replicas) -> None:
    slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.7"))
    channel = slack.channel("it-help").id
    assert {bot.services.channels.of(channel).threshold for bot in two.of.values()} == {0.7}
