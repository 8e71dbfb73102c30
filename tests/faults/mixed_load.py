"""Everything that people do, at once and for an hour: every request is answered, and memory stays flat."""

import itertools
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bot.playground import LocalSlack
from tests.benchmarks.botprocess import BotProcess, settings
from tests.faults.row import Row
from tests.slack.conftest import DEV_FAQ, IT_HELP, SHARED

SECONDS, LEAST_SECONDS = 3600.0, 20.0
WARM_UP = 0.4
"""Part of the time before memory is compared: caches fill, and threads and their heaps are made."""
PEOPLE = ("hanako", "alice", "ichiro", "olivia")
PAUSE_SECONDS = 1.2
"""Between two requests of one person, who may send one a second for ever."""
ANSWER_SECONDS = 30.0
MOST_GROWTH = 0.1
"""Of memory in an hour, by the slope after the warm-up; what is lost at each request shows far more."""
NOISE_MB = 8.0
"""How far the two halves of what follows the warm-up may differ by chance; a short run has no slope worth the name."""


@dataclass
class Tally:
    """What came of the requests, from several threads."""

    made: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def time(self, name: str, act: Callable[[], object]) -> None:
        """Do something; a TimeoutError is a request that was not answered."""
        started, answered = time.monotonic(), True
        try:
            act()
        except TimeoutError:
            answered = False
        with self.lock:
            self.made[name] += 1
            self.failed[name] += not answered
            self.slowest = max(self.slowest, time.monotonic() - started)


def run(share: float, _seed: int = 0) -> Row:
    """Keep four people busy, and look at the bot's memory every second."""
    folder = Path(tempfile.mkdtemp(prefix="kotae-faults-"))
    knowledge = folder / "knowledge"
    knowledge.mkdir()
    for name, text in {"it-help.csv": IT_HELP, "dev-faq.csv": DEV_FAQ, "_shared.csv": SHARED}.items():
        (knowledge / name).write_text(text, "utf-8")
    tally = Tally()
    try:
        with LocalSlack() as slack:
            olivia = slack.person("olivia").id
            with BotProcess({**settings(slack, knowledge, folder / "data", None), "admin_users": [olivia]}) as bot:
                bot.wait_for("lexical")
                samples = _load(slack, bot, tally, max(SECONDS * share, LEAST_SECONDS))
                bot.close()
    finally:
        shutil.rmtree(folder)
    grown, growth = _growth(samples)
    failures = sum(tally.failed.values()) + int(growth > MOST_GROWTH and grown > NOISE_MB)
    worst = f"slowest answer {tally.slowest:.1f} s; memory {grown:+.1f} MB of {samples[-1][1]:.0f} MB after the warm-up"
    return Row(tally.made.total(), failures, worst + "".join(f"; not answered: {name}" for name in +tally.failed))


def _load(slack: LocalSlack, bot: BotProcess, tally: Tally, seconds: float) -> list[tuple[float, float]]:
    """Return the seconds and megabytes of each look."""
    end, samples = threading.Event(), list[tuple[float, float]]()
    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        people = [pool.submit(_work, slack, who, tally, end, number) for number, who in enumerate(PEOPLE)]
        started = time.monotonic()
        try:
            while time.monotonic() - started < seconds and not any(person.done() for person in people):
                time.sleep(1.0)
                samples.append((time.monotonic() - started, bot.memory))
        finally:
            end.set()
        for person in people:
            person.result()
    return samples


def _work(slack: LocalSlack, who: str, tally: Tally, end: threading.Event, seed: int) -> None:
    chance = random.Random(seed)
    acts = _acts(slack, who, chance)
    while not end.wait(PAUSE_SECONDS * chance.uniform(1.0, 1.5)):
        name = chance.choice(list(acts))
        tally.time(name, acts[name])


def _acts(slack: LocalSlack, who: str, chance: random.Random) -> dict[str, Callable[[], object]]:
    """Return what somebody does, by name; each waits for its answer."""
    number = itertools.count()

    def question() -> str:
        return f"{chance.choice(['パスワード', 'VPN', 'printer', 'Wi-Fi', 'ERR-4012', 'nothing'])} {next(number)}?"

    def press() -> None:
        answer = slack.reply(slack.command(who, "it-help", f"/search {question()}"), ANSWER_SECONDS)
        button = "vote_none" if "vote_none" in str(answer.blocks) else "share"
        if button in str(answer.blocks):
            pressed = slack.press(who, answer, button)
            slack.wait_until(lambda: pressed.finished, ANSWER_SECONDS, "the ack")

    acts: dict[str, Callable[[], object]] = {
        "/search": lambda: slack.reply(slack.command(who, "it-help", f"/search {question()}"), ANSWER_SECONDS),
        "mention": lambda: slack.reply(slack.mention(who, "it-help", question()), ANSWER_SECONDS),
        "direct message": lambda: slack.reply(slack.dm(who, question()), ANSWER_SECONDS),
        "press": press,
        "Home tab": lambda: slack.open_home(who, timeout=ANSWER_SECONDS),
        "message": lambda: slack.say(who, "it-help", question()),
    }
    if who == "olivia":
        for line in ("status", "reload it-help", "versions it-help", "misses", "export dev-faq", "audit"):
            acts[f"/kb {line}"] = lambda line=line: slack.reply(  # type: ignore[misc]
                slack.command(who, "it-help", f"/kb {line}"), ANSWER_SECONDS
            )
        acts["upload"] = lambda: slack.upload(
            who, slack.person(who), "it-help.csv", f"{IT_HELP}n{next(number)},新しい質問,新しい回答,,,,\n".encode()
        )
    return acts


def _growth(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """Return by how many MB memory grew after the warm-up, and the part of it that would come in an hour."""
    after = samples[int(len(samples) * WARM_UP) :]
    half = len(after) // 2
    early, late = (statistics.median(megabytes for _, megabytes in part) for part in (after[:half], after[half:]))
    slope = statistics.linear_regression(*zip(*after, strict=True)).slope
    return late - early, slope * 3600 / early
