"""Floods: 500 commands within a second from one person, from 25 and from 500; an auto-reply channel at 2,000 a minute.

Each once with a Slack that answers at once and once with one that takes 0.1 s for every call. A trial is a request or a
message; it fails if its ack takes a second, if nobody says anything to who asked, or if a message is neither searched
for nor counted. Two people in another channel ask meanwhile: it fails if 95 of 100 of their answers take over 2 s.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from bot.playground import Interaction, LocalSlack, Person
from bot.status import read_status
from handlers.counters import Count
from tests.benchmarks.measuring import percentile
from tests.faults.row import Row
from tests.faults.running import running_bot

REQUESTS = 500
CROWDS = (1, 25, 500)
PER_MINUTE = 2000
MINUTES = 5
ROUNDS = 20
SLOW_SECONDS = (0.0, 0.1)
ACK_SECONDS = 1.0
BYSTANDER_SECONDS = 2.0
SILENCE_SECONDS = 3.0
KNOWLEDGE = {
    "it-help": "question,answer\nHow do I connect to the office Wi-Fi?,Choose the network Sample-Office.\n",
    "dev-faq": "question,answer\nWhat does ERR-4012 mean?,The upload is larger than 50 MB.\n",
}
SETTINGS = 'auto_reply = "on"\npromise = 0.0\nthreshold = 0.5\n'
QUESTION, ANSWER = "How do I connect to the office Wi-Fi?", "Choose the network"


@dataclass(frozen=True)
class Flood:
    """What one flood came to: times in seconds, and the messages that were skipped and counted."""

    name: str
    sent: int
    unanswered: int
    acks: Sequence[float]
    bystanders: Sequence[float]
    skipped: int = 0

    @property
    def failures(self) -> int:
        """Requests and messages that went wrong; one more if the bystanders waited too long."""
        late = sum(ack >= ACK_SECONDS for ack in self.acks)
        return self.unanswered + late + (self.waited > BYSTANDER_SECONDS)

    @property
    def waited(self) -> float:
        """How long 95 of 100 bystanders waited at most."""
        return percentile(self.bystanders, 0.95)


def run(share: float, _seed: int = 0) -> Row:
    """Let all floods come, in so many rounds."""
    rounds, minutes = max(round(ROUNDS * share), 1), max(MINUTES * share, 0.1)
    floods = [each for slow in SLOW_SECONDS for each in _with_slack(slow, rounds, minutes)]
    late, waited = max(floods, key=lambda each: max(each.acks)), max(floods, key=lambda each: each.waited)
    worst = (
        f"ack {max(late.acks):.2f} s ({late.name}); bystanders' p95 {waited.waited:.2f} s ({waited.name});"
        f" messages skipped and counted: {sum(each.skipped for each in floods)};"
        f" neither answered nor told: {sum(each.unanswered for each in floods)}"
    )
    return Row(sum(each.sent for each in floods), sum(each.failures for each in floods), worst, max(late.acks))


def _with_slack(slow: float, rounds: int, minutes: float) -> Iterator[Flood]:
    for _ in range(rounds):
        for people in CROWDS:
            with _bot() as (slack, _):
                _slow_down(slack, slow)
                yield _commands(slack, people, slow)
    with _bot() as (slack, folder):
        _slow_down(slack, slow)
        yield _messages(slack, folder, minutes, slow)


@contextmanager
def _bot() -> Iterator[tuple[LocalSlack, Path]]:
    """Run the bot; yields its folder too, where its log is `log`."""
    with LocalSlack(commands=("/search", "/kb")) as slack, running_bot(slack, KNOWLEDGE, SETTINGS) as folder:
        slack.reply(slack.command("olivia", "it-help", f"/search {QUESTION}"))
        yield slack, folder


def _slow_down(slack: LocalSlack, seconds: float) -> None:
    if seconds:
        slack.faults.slow("*", seconds=seconds, times=None)


def _commands(slack: LocalSlack, people: int, slow: float) -> Flood:
    """Let a crowd send commands within a second."""
    crowd = _crowd(slack, people)
    with _bystanders(slack) as waits:
        sent = [
            slack.command(crowd[number % people], "it-help", f"/search {QUESTION}", wait=False)
            for number in _paced(REQUESTS, 1.0)
        ]
        slack.wait_until(lambda: all(each.finished for each in sent), what="every ack")
        _wait_for_silence(slack)
    told = {each.person.id for each in sent if any(ANSWER not in message.shown for message in each.messages)}
    unanswered = sum(not each.messages and each.person.id not in told for each in sent)
    name = f"{people} people, calls of {slow:g} s"
    return Flood(name, REQUESTS, unanswered, _acks(sent), waits)


def _messages(slack: LocalSlack, folder: Path, minutes: float, slow: float) -> Flood:
    """Let a crowd talk in a channel where auto-reply is on; every message is searched for or counted."""
    crowd, number = _crowd(slack, 40), round(PER_MINUTE * minutes)
    before = len(slack.envelopes)
    with _bystanders(slack) as waits:
        for each in _paced(number, minutes * 60):
            slack.say(crowd[each % len(crowd)], "it-help", QUESTION if each % 20 == 0 else f"Lunch at {each}?")
        _wait_for_silence(slack)
    acks = [each.acked_after or 99.0 for each in slack.envelopes[before:]]
    searched = (folder / "log").read_text().count("handler=auto_reply.posted")
    name = f"auto-reply, calls of {slow:g} s"
    skipped = _dropped(folder)
    return Flood(name, number, abs(number - searched - skipped), acks, waits, skipped)


def _dropped(folder: Path) -> int:
    """The messages that `kotae status` says there was no room for; the status file is renewed every 5 s."""
    time.sleep(6)
    status = read_status(folder / "data")
    if status is None:
        raise LookupError("the bot writes no status")
    return int(status["process"]["counts"][Count.DROPPED_MESSAGES.value])


def _crowd(slack: LocalSlack, number: int) -> list[Person]:
    people = slack._do(lambda: [slack.workspace.add_person(f"p{each}", f"Person {each}") for each in range(number)])
    slack.channel("it-help").members += [person.id for person in people]
    return people


def _paced(number: int, seconds: float) -> Iterator[int]:
    """Count evenly over so many seconds."""
    started = time.monotonic()
    for each in range(number):
        time.sleep(max(started + seconds * each / number - time.monotonic(), 0))
        yield each


def _wait_for_silence(slack: LocalSlack) -> None:
    """Wait until everything but the bystanders has been dealt with: seconds without a word in the crowd's channel."""
    place, seen, since = slack.channel("it-help").id, -1, time.monotonic()
    while time.monotonic() - since < SILENCE_SECONDS:
        said = [message for each in slack.interactions for message in each.messages if message.channel == place]
        if len(said) + len(slack.bot_messages(place)) != seen:
            seen, since = len(said) + len(slack.bot_messages(place)), time.monotonic()
        time.sleep(0.1)


@contextmanager
def _bystanders(slack: LocalSlack) -> Iterator[list[float]]:
    """Let two people in another channel ask once a second; yields how long each of their answers took."""
    over, waits = Event(), list[float]()

    def ask(who: str) -> None:
        while not over.is_set():
            since = time.monotonic()
            with suppress(TimeoutError):  # a minute, which is too late
                slack.reply(slack.command(who, "dev-faq", "/search ERR-4012", wait=False))
            waits.append(time.monotonic() - since)
            over.wait(1)

    threads = [Thread(target=ask, args=(who,)) for who in ("hanako", "alice")]
    for thread in threads:
        thread.start()
    try:
        yield waits
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _acks(sent: Sequence[Interaction]) -> list[float]:
    return [each.acked_after or 99.0 for each in sent]
