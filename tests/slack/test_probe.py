"""`kotae status --probe` beside a real bot: what it says while the bot starts, works, loses something and ends."""

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.connection import MISSED_PONGS, PING_SECONDS
from bot.playground import LocalSlack
from bot.probe import SILENCE_SECONDS, ready
from bot.status import RENEWED_SECONDS, read_status
from tests.processes import run
from tests.slack.test_serve import Process, ended, serving

QUESTION = "パスワードを忘れました"


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.running.kill()
        process.running.wait()


def probe(process: Process, name: str) -> tuple[int, str]:
    done = process.command("status", "--probe", name)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return done.returncode, done.stdout.strip()


def wait_for(process: Process, name: str, exit_code: int, words: str, seconds: float = 60) -> str:
    until = time.monotonic() + seconds
    while (found := probe(process, name))[0] != exit_code or words not in found[1]:
        assert time.monotonic() < until, (found, process.text())
        time.sleep(0.5)  # a probe is a process
    return found[1]


@pytest.mark.long("asks a bot until it ends")
def test_it_is_ready_when_it_answers_and_not_while_it_ends(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    nobody = "not live: no bot renews its status in DATA_DIR"
    before = [run("-m", "bot", "status", "--probe", name, cwd=knowledge.parent) for name in ("live", "ready")]
    assert [(each.returncode, each.stdout) for each in before] == [(1, f"{nobody}\n")] * 2
    process = serving(slack, knowledge, processes)
    assert wait_for(process, "ready", 0, "ready") == "ready: 3 knowledge bases"
    assert wait_for(process, "live", 0, "live").startswith(f"live: process {process.running.pid}, up ")
    slack.faults.slow("chat.postMessage", seconds=4, times=None)
    asked = [slack.mention("hanako", "it-help", QUESTION) for _ in range(3)]
    slack.wait_until(lambda: all(each.outcome == "acked" for each in slack.envelopes))
    process.running.send_signal(signal.SIGTERM)
    data = knowledge.parent / ".kotae"
    slack.wait_until(lambda: "it is stopping" in ready(read_status(data)).line, what="a word that it ends")  # it drains
    assert ended(process) == 0
    assert [len(slack.replies(each)) for each in asked] == [1] * 3
    assert probe(process, "live") == (1, nobody)


@pytest.mark.long("kills bots")
def test_a_bot_that_was_killed_is_not_live_at_once(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    process = serving(slack, knowledge, processes)
    wait_for(process, "ready", 0, "ready")
    process.running.kill()
    process.running.wait()
    assert (knowledge.parent / ".kotae" / "status.json").exists()
    assert probe(process, "live")[0] == probe(process, "ready")[0] == 1


@pytest.mark.long("waits for Slack")
def test_without_slack_it_is_live_and_not_ready_until_slack_is_back(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    process = serving(slack, knowledge, processes)
    wait_for(process, "ready", 0, "ready")
    slack.faults.freeze(new=True, http=True)
    wait_for(process, "ready", 1, "Slack has not answered")
    assert probe(process, "live")[0] == 0
    slack.faults.thaw()
    wait_for(process, "ready", 0, "ready")


@pytest.mark.long("waits for a database")
def test_without_its_database_it_is_live_and_not_ready(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    process = serving(slack, knowledge, processes)
    wait_for(process, "ready", 0, "ready")
    file = knowledge.parent / ".kotae" / "state.db"
    file.rename(file.with_name("away"))
    said = wait_for(process, "ready", 1, "the database does not answer")
    assert "state.db" in said
    assert probe(process, "live")[0] == 0
    file.with_name("away").rename(file)
    wait_for(process, "ready", 0, "ready")
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_silence_is_longer_than_the_watchdog_takes() -> None:
    """A connection that the watchdog replaces in time never makes the bot unready."""
    assert SILENCE_SECONDS >= MISSED_PONGS * PING_SECONDS + 2 * RENEWED_SECONDS
