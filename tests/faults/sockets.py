"""The connection breaks in nine ways: a question asked at that moment is answered once, and the next one too."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import MappingProxyType

from bot.playground import LocalSlack, Message
from bot.playground.slack.fault_injection import Reason
from tests.faults.row import Row
from tests.faults.running import running_bot
from tests.playground.helpers import RawSocket

TIMES = 50
PATIENCE_SECONDS = 60.0
SILENCE_SECONDS = 0.3
KNOWLEDGE = {"it-help": "question,answer\nHow do I connect to the office Wi-Fi?,Choose the network Sample-Office.\n"}
QUESTION = "How do I connect to the office Wi-Fi?"
REASONS: tuple[Reason, ...] = ("warning", "refresh_requested", "link_disabled")
GARBAGE = ("{", "null", "[]", '{"type": "nonsense"}', b"\x00\xff")

Break = Callable[[LocalSlack, int, ExitStack], None]


def _close(slack: LocalSlack, number: int, _: ExitStack) -> None:
    (slack.faults.close_frame, slack.faults.tcp_fin, slack.faults.tcp_reset)[number % 3]()


def _disconnect(slack: LocalSlack, number: int, _: ExitStack) -> None:
    slack.faults.disconnect(REASONS[number % len(REASONS)])


def _two(slack: LocalSlack, _: int, stack: ExitStack) -> None:
    """Connect a second time as the same app, and take what comes there without an ack."""
    stack.enter_context(RawSocket(slack))
    slack.wait_connected(2)


def _open_slowly(slack: LocalSlack, _: int, __: ExitStack) -> None:
    slack.faults.slow("apps.connections.open", seconds=1.5)
    slack.faults.tcp_fin()


def _refuse(slack: LocalSlack, number: int, _: ExitStack) -> None:
    if number % 2:
        slack.faults.refuse_connections(2)
    else:
        slack.faults.server_error("apps.connections.open", times=2)
    slack.faults.tcp_reset()


BREAKS: Mapping[str, Break] = MappingProxyType(
    {
        "closed without a reason": _close,
        "disconnect frame": _disconnect,
        "half open": lambda slack, *_: slack.faults.freeze(),
        "pings lost": lambda slack, *_: slack.faults.never_pong(),
        "garbage": lambda slack, *_: slack.faults.garbage(*GARBAGE),
        "envelope twice": lambda slack, *_: slack.faults.duplicate("envelope"),
        "two connections": _two,
        "slow to open": _open_slowly,
        "not opened": _refuse,
    }
)


@dataclass(frozen=True)
class Outcome:
    """How often two questions were answered, and after how many seconds the slower one."""

    broken: str
    replies: tuple[int, int]
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether one of them was not answered once."""
        return self.replies != (1, 1)


def run(share: float, seed: int = 0) -> Row:
    """Break the connection in every way, so many times."""
    times = max(round(TIMES * share), 1)
    slack = LocalSlack(ack_seconds=2.0, retry_delays=(0.2, 0.4, 0.6, 1, 1, 1), refresh_grace=1.0)
    with slack, running_bot(slack, KNOWLEDGE, ""):
        slack.reply(slack.mention("alice", "it-help", QUESTION))
        outcomes = [_try(slack, name, number) for number, name in _rounds(seed * times, times)]
    slowest = max(each.seconds for each in outcomes)
    return Row(len(outcomes), sum(each.failed for each in outcomes), _worst(outcomes), slowest)


def _rounds(first: int, times: int) -> Iterator[tuple[int, str]]:
    return itertools.product(range(first, first + times), BREAKS)


def _worst(outcomes: Sequence[Outcome]) -> str:
    lost = sum(each.replies.count(0) for each in outcomes)
    doubled = sum(number > 1 for each in outcomes for number in each.replies)
    slowest = max(outcomes, key=lambda each: each.seconds)
    wrong = next((f"; {each}" for each in outcomes if each.failed), "")
    return f"{lost} lost, {doubled} doubled; answered after {slowest.seconds:.1f} s ({slowest.broken}){wrong}"


def _try(slack: LocalSlack, name: str, number: int) -> Outcome:
    with ExitStack() as stack:
        BREAKS[name](slack, number, stack)
        (first, waited), (second, waited_again) = _ask(slack), _ask(slack)
        slack.quiet(SILENCE_SECONDS, PATIENCE_SECONDS)
        replies = (len(slack.replies(first)), len(slack.replies(second)))
    slack.faults.clear()
    slack.wait_until(lambda: slack.connections == 1, PATIENCE_SECONDS, "one connection")
    slack.wait_connected(timeout=PATIENCE_SECONDS)
    return Outcome(name, replies, max(waited, waited_again))


def _ask(slack: LocalSlack) -> tuple[Message, float]:
    """Ask, and wait for an answer; return the question and how long that took."""
    asked, started = slack.mention("alice", "it-help", QUESTION), time.monotonic()
    while not slack.replies(asked) and time.monotonic() - started < PATIENCE_SECONDS:
        time.sleep(0.02)
    return asked, time.monotonic() - started
