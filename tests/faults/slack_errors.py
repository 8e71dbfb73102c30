"""Each way to ask, while each method that it calls fails once in each way: one reply, however the call went.

What a way calls is found out by a first try without faults. A trial is a question by a new person in a new channel, so
that nothing is remembered; it fails if the answer is not there, is there twice, or if something else is said.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from bot.playground import Channel, LocalSlack, Message, Person
from tests.faults.row import Row
from tests.faults.running import running_bot

REPEATS = 10
PATIENCE_SECONDS = 90.0
SILENCE_SECONDS = 0.6
KNOWLEDGE = {
    "_shared": (
        "question,answer\n"
        "How do I connect to the office Wi-Fi?,Choose the network Sample-Office.\n"
        "What does ERR-4012 mean?,The upload is larger than 50 MB.\n"
    ),
    "it-help": "question,answer\nHow do I get a new keyboard?,Ask the help desk.\n",
}
SETTINGS = 'auto_reply = "on"\npromise = 0.0\nthreshold = 0.5\n'
QUESTION, ANSWER = "How do I connect to the office Wi-Fi?", "Choose the network"
FORM, HOME = "Question", "Ask the team"
OTHER_QUESTION, OTHER_ANSWER = "What does ERR-4012 mean?", "larger than 50 MB"
UNREADABLE = frozenset({"response_url", "chat.postEphemeral"})
"""Where nobody can look whether a call was performed: one whose connection broke counts as performed."""

Fault = Callable[[LocalSlack, str], None]
FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "429": lambda slack, method: slack.faults.rate_limit(method, retry_after=1),
        "500": lambda slack, method: slack.faults.server_error(method, status=500),
        "500 after it was performed": lambda slack, method: slack.faults.server_error(method, status=500, applied=True),
        "502": lambda slack, method: slack.faults.server_error(method, status=502),
        "dropped": lambda slack, method: slack.faults.drop_response(method),
        "dropped before it was performed": lambda slack, method: slack.faults.drop_response(method, applied=False),
        "slow": lambda slack, method: slack.faults.slow(method, seconds=1),
    }
)


@dataclass(frozen=True)
class Stage:
    """A person who asks for the first time, in a channel that is new as well."""

    slack: LocalSlack
    who: Person
    where: Channel
    earlier: int = 0
    """Messages of the bot that were there before."""

    def said(self) -> list[str]:
        """Return what the bot shows to this person: here, in direct messages, to them alone, in forms and at home."""
        home = self.slack.home(self.who)
        messages = [*self.slack.bot_messages(self.where)[self.earlier :], *self.slack.bot_messages(self.who)]
        messages += self.slack.ephemerals(self.who)
        views = [*self.slack.views(self.who), *([home] if home else [])]
        return [each.shown for each in messages] + [each.shown for each in views]

    def for_way(self, way: str) -> Stage:
        """Where auto-reply is on is an old channel: of a new one the bot doesn't know what is on."""
        if way != "auto":
            return self
        where = self.slack.channel("it-help")
        self.slack._do(lambda: where.members.append(self.who.id))
        return replace(self, where=where, earlier=len(self.slack.bot_messages(where)))


def _edit(at: Stage) -> Message:
    asked = at.slack.mention(at.who, at.where, QUESTION)
    at.slack.reply(asked, PATIENCE_SECONDS)
    return at.slack.edit(asked, f"<@{at.slack.bot}> {OTHER_QUESTION}")


WAYS: Mapping[str, tuple[Callable[[Stage], object], str]] = MappingProxyType(
    {
        "command": (lambda at: at.slack.command(at.who, at.where, f"/search {QUESTION}"), ANSWER),
        "mention": (lambda at: at.slack.mention(at.who, at.where, QUESTION), ANSWER),
        "direct": (lambda at: at.slack.dm(at.who, QUESTION), ANSWER),
        "auto": (lambda at: at.slack.say(at.who, at.where, QUESTION), ANSWER),
        "edit": (_edit, OTHER_ANSWER),
        "form": (lambda at: at.slack.command(at.who, at.where, f"/kb add {QUESTION}"), FORM),
        "home": (lambda at: at.slack.open_home(at.who), HOME),
    }
)
"""How somebody asks, and what the one message is to say in the end."""


@dataclass(frozen=True)
class Trial:
    """One way to ask, the method that fails meanwhile, and how."""

    way: str
    method: str
    fault: str


@dataclass(frozen=True)
class Outcome:
    """What was said in a trial: how often the answer, how often something else, and after how many seconds."""

    trial: Trial
    answers: int
    others: int
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether it is not the answer, once."""
        return (self.answers, self.others) != (1, 0)


def run(share: float, seed: int = 0) -> Row:
    """Try combinations in any order, none a second time before all were tried."""
    with LocalSlack(commands=("/search", "/kb")) as slack, running_bot(slack, KNOWLEDGE, SETTINGS):
        stages, chance = _stages(slack), random.Random(seed)
        every = list(_trials(stages))
        rounds = (each for _ in range(REPEATS) for each in chance.sample(every, len(every)))
        trials = itertools.islice(rounds, max(1, round(len(every) * REPEATS * share)))
        outcomes = [_try(next(stages).for_way(each.way), each) for each in trials]
    slowest = max(each.seconds for each in outcomes)
    return Row(len(outcomes), sum(each.failed for each in outcomes), _worst(outcomes), slowest)


def _worst(outcomes: Sequence[Outcome]) -> str:
    lost = sum(not each.answers for each in outcomes)
    doubled = sum(each.answers > 1 for each in outcomes)
    slowest = max(outcomes, key=lambda each: each.seconds)
    wrong = next((f"; {each}" for each in outcomes if each.failed), "")
    about = f"{slowest.trial.way}, {slowest.trial.method} {slowest.trial.fault}"
    return f"{lost} lost, {doubled} doubled; answered after {slowest.seconds:.1f} s ({about}){wrong}"


def _trials(stages: Iterator[Stage]) -> Iterator[Trial]:
    """Find out what each way calls."""
    for way in WAYS:
        at = next(stages).for_way(way)
        before = len(at.slack.calls)
        _ask(at, way)
        for method in sorted({each.method for each in at.slack.calls[before:]}):
            for fault in FAULTS:
                if not (method in UNREADABLE and "dropped before" in fault):
                    yield Trial(way, method, fault)


def _try(at: Stage, trial: Trial) -> Outcome:
    started = time.monotonic()
    FAULTS[trial.fault](at.slack, trial.method)
    _ask(at, trial.way)
    at.slack.faults.clear()
    answers = sum(WAYS[trial.way][1] in each for each in at.said())
    return Outcome(trial, answers, len(at.said()) - answers, time.monotonic() - started - SILENCE_SECONDS)


def _ask(at: Stage, way: str) -> None:
    """Ask, and wait until the answer is there or it is clear that there will be none."""
    ask, answer = WAYS[way]
    ask(at)
    until = time.monotonic() + PATIENCE_SECONDS
    while not any(answer in each for each in at.said()) and time.monotonic() < until:
        time.sleep(0.05)
    at.slack.quiet(SILENCE_SECONDS)


def _stages(slack: LocalSlack) -> Iterator[Stage]:
    for number in itertools.count():

        def make(number: int = number) -> Stage:
            who = slack.workspace.add_person(f"p{number}", f"Person {number}")
            members = [who, slack.person("hanako"), slack.workspace.bot]
            return Stage(slack, who, slack.workspace.add_channel(f"room-{number}", members))

        yield slack._do(make)
