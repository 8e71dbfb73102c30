"""Sockets die in many ways; the bot comes back by itself, and no question is lost or answered twice."""

import gc
import time
from collections.abc import Callable, Iterator
from ssl import CERT_REQUIRED

import pytest

from bot.app import Bot
from bot.connection import MISSED_PONGS, PING_SECONDS
from bot.playground import LocalSlack, Message
from bot.playground.slack.fault_injection import Reason
from bot.settings import Environment
from bot.slack_client import slack_client
from tests.slack.conftest import Start, ack_took

PING = 0.3
PATIENCE = 60.0
pytestmark = [  # the SDK leaves sockets open that were refused, or that two of its threads wanted to replace
    pytest.mark.filterwarnings("ignore:.*unclosed.*:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
QUESTION, ANSWER = "パスワードを忘れました", "再設定ページから"
Fault = Callable[[LocalSlack], None]
DEATHS: dict[str, Fault] = {
    "reset": lambda slack: slack.faults.tcp_reset(),
    "fin": lambda slack: slack.faults.tcp_fin(),
    "close frame": lambda slack: slack.faults.close_frame(),
    "refresh requested": lambda slack: slack.faults.disconnect("refresh_requested"),
    "link disabled": lambda slack: slack.faults.disconnect("link_disabled"),
    "too many websockets": lambda slack: slack.faults.disconnect("too_many_websockets"),
    "frozen": lambda slack: slack.faults.freeze(),
    "never pong": lambda slack: slack.faults.never_pong(),
}


@pytest.fixture(scope="module", autouse=True)
def _all_there_is_left_alone() -> None:
    """What earlier tests and imports have left need not be looked through after each test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _sockets_collected() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    """As everywhere, but with less patience: what a dead socket took along is delivered again after two seconds."""
    with LocalSlack(ack_seconds=2.0, retry_delays=(0.2, 0.4, 0.6, 1, 1, 1)) as running:
        yield running


@pytest.fixture
def ping_seconds() -> float:
    return PING


@pytest.fixture
def mention(slack: LocalSlack) -> Callable[[], Message]:
    return lambda: slack.mention("hanako", "it-help", QUESTION)


def answered_once(slack: LocalSlack, question: Message, timeout: float = PATIENCE) -> None:
    assert ANSWER in slack.reply(question, timeout).shown
    slack.quiet(0.3, timeout)
    assert len(slack.replies(question)) == 1


def reconnected(slack: LocalSlack, before: int) -> float:
    """Seconds until there is a new connection that takes payloads."""
    started = time.monotonic()
    slack.wait_until(lambda: slack.connections_opened > before, PATIENCE, "a new connection")
    slack.wait_connected()
    return time.monotonic() - started


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.usefixtures("bot")
def test_after_any_death_the_next_question_is_answered_once(
    slack: LocalSlack, death: str, mention: Callable[[], Message]
) -> None:
    before = slack.connections_opened
    DEATHS[death](slack)
    assert reconnected(slack, before) < 10
    answered_once(slack, mention())
    command = slack.command("hanako", "it-help", f"/search {QUESTION}")
    assert command.error is None
    assert ANSWER in slack.reply(command).shown


@pytest.mark.parametrize("death", ["reset", "refresh requested", "frozen"])
@pytest.mark.usefixtures("bot")
def test_a_question_asked_while_the_socket_dies_is_answered_once(
    slack: LocalSlack, death: str, mention: Callable[[], Message]
) -> None:
    DEATHS[death](slack)
    answered_once(slack, mention())


@pytest.mark.usefixtures("bot")
def test_a_refresh_under_fire_loses_nothing_and_doubles_nothing(
    slack: LocalSlack, mention: Callable[[], Message]
) -> None:
    asked = []
    for _ in range(3):
        before = slack.connections_opened
        asked += [mention() for _ in range(3)]
        slack.faults.disconnect("refresh_requested")
        asked += [mention() for _ in range(3)]
        reconnected(slack, before)
    for question in asked:
        slack.reply(question, PATIENCE)
    slack.quiet(0.5)
    assert [len(slack.replies(question)) for question in asked] == [1] * 18


@pytest.mark.parametrize("reason", ["refresh_requested", "too_many_websockets", "warning"])
@pytest.mark.usefixtures("bot")
def test_a_command_right_after_a_refresh_is_acked_at_once(slack: LocalSlack, reason: Reason) -> None:
    before = slack.connections_opened
    slack.faults.disconnect(reason)
    reconnected(slack, before)
    command = slack.command("hanako", "it-help", f"/search {QUESTION}")
    assert command.error is None
    assert command.envelope
    assert ack_took(command.envelope) < slack.timing.ack


@pytest.mark.usefixtures("bot")
def test_a_warning_of_a_coming_disconnect_disturbs_nothing(slack: LocalSlack, mention: Callable[[], Message]) -> None:
    slack.faults.disconnect("warning")
    answered_once(slack, mention())


@pytest.mark.usefixtures("bot")
def test_while_slack_refuses_connections_it_keeps_trying(slack: LocalSlack, mention: Callable[[], Message]) -> None:
    slack.faults.refuse_connections(3)
    slack.faults.tcp_reset()
    slack.wait_until(lambda: slack.connections == 0)
    question = mention()
    answered_once(slack, question)


@pytest.mark.usefixtures("bot")
def test_while_the_api_is_down_too_it_keeps_trying(slack: LocalSlack, mention: Callable[[], Message]) -> None:
    slack.faults.server_error("apps.connections.open", times=2)
    slack.faults.tcp_reset()
    slack.wait_until(lambda: slack.connections == 0)
    answered_once(slack, mention())


@pytest.mark.usefixtures("bot")
def test_a_slow_connect_is_waited_for(slack: LocalSlack, mention: Callable[[], Message]) -> None:
    slack.faults.slow("apps.connections.open", seconds=1.5)
    slack.faults.tcp_fin()
    answered_once(slack, mention())


@pytest.mark.usefixtures("bot")
def test_a_new_socket_that_is_dead_as_well_is_replaced_too(slack: LocalSlack, mention: Callable[[], Message]) -> None:
    before = slack.connections_opened
    slack.faults.freeze(new=True)
    slack.wait_until(lambda: slack.connections_opened >= before + 2, PATIENCE)
    slack.faults.clear()
    answered_once(slack, mention())


@pytest.mark.usefixtures("bot")
def test_sockets_do_not_pile_up(slack: LocalSlack) -> None:
    for _ in range(3):
        before = slack.connections_opened
        slack.faults.tcp_reset()
        reconnected(slack, before)
    slack.wait_until(lambda: slack.connections == 1)
    slack.quiet(1.5)
    assert slack.connections == 1


def test_the_age_of_the_last_pong_is_known(slack: LocalSlack, bot: Bot) -> None:
    age = slack.wait_until(lambda: bot.connection.pong_age) or 99
    assert 0 < age < MISSED_PONGS * PING


@pytest.mark.parametrize("kind", ["envelope", "retry", "event"])
@pytest.mark.usefixtures("bot")
def test_what_is_delivered_twice_is_answered_once(slack: LocalSlack, mention: Callable[[], Message], kind: str) -> None:
    slack.faults.duplicate(kind)  # type: ignore[arg-type]
    answered_once(slack, mention())


@pytest.mark.usefixtures("bot")
def test_a_command_delivered_twice_is_answered_once(slack: LocalSlack) -> None:
    slack.faults.duplicate("envelope")
    asked = slack.command("hanako", "it-help", f"/search {QUESTION}")
    slack.reply(asked)
    slack.quiet(0.5)
    assert len(asked.messages) == 1


def test_a_restart_does_not_answer_again(slack: LocalSlack, start: Start, mention: Callable[[], Message]) -> None:
    first = start()
    question = mention()
    answered_once(slack, question)
    first.stop()
    start()
    slack.faults.duplicate("retry")
    slack.faults.duplicate("event")
    again = mention()
    answered_once(slack, again)
    assert len(slack.replies(question)) == 1


class TestWithTheRealPingInterval:
    """How long a dead peer goes unnoticed in real life."""

    @pytest.fixture
    def ping_seconds(self) -> float:
        return PING_SECONDS

    @pytest.mark.usefixtures("bot")
    def test_a_frozen_peer_is_replaced_within_a_quarter_of_a_minute(self, slack: LocalSlack) -> None:
        before = slack.connections_opened
        slack.faults.freeze()
        assert reconnected(slack, before) < 15


def test_certificates_are_checked_and_read_once_for_all_calls(slack: LocalSlack, bot: Bot) -> None:
    client = slack_client(Environment(slack_api_url=slack.api_url))
    assert client.ssl
    assert (client.ssl.verify_mode, client.ssl.check_hostname) == (CERT_REQUIRED, True)
    assert bot.services.client.ssl is client.ssl
    assert bot.app.client.ssl is client.ssl
    assert bot.connection._handler.client.web_client.ssl is client.ssl
