"""The database's server comes later than the bot: it is waited for, not for ever, and not for what won't change."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.config_file import ConfigFile
from bot.database_wait import LONGEST_PAUSE, PATIENCE_SECONDS, wait_for_database
from bot.playground import LocalSlack
from bot.settings import Environment, Settings, SettingsError
from bot.status import read_status
from tests.postgresql import OwnServer, own_server
from tests.slack.test_probe import probe, wait_for
from tests.slack.test_serve import ANSWER, QUESTION, Process, ended, processes, serving

CANARY = "hunter2-canary"

__all__ = ["processes"]


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as running:
        running.require_password("kotae_late", CANARY)
        running.run("CREATE DATABASE late OWNER kotae_late")
        yield running


@pytest.fixture
def url(server: OwnServer) -> Iterator[str]:
    """The address of a database; at the end its server runs."""
    yield address(server)
    server.thaw()
    server.start()


def address(server: OwnServer, password: str = CANARY, name: str = "late") -> str:
    location = make_url(server.url(name)).set(username="kotae_late", password=password)
    return location.render_as_string(hide_password=False)


def test_it_is_waited_for_and_probes_tell(
    slack: LocalSlack, knowledge: Path, processes: list[Process], server: OwnServer, url: str
) -> None:
    server.stop()
    process = serving(slack, knowledge, processes, DATABASE_URL=url)
    wait_for(process, "live", 0, "waits for its database")
    code, line = probe(process, "ready")
    assert (code, line.partition(". ")[0]) == (1, "not ready: it waits for its database")
    told = process.command("status")
    assert told.returncode == 0
    assert told.stdout.startswith(f"Kotae waits for its database (pid {process.running.pid}). The state database can't")
    slack.wait_until(lambda: len(pauses(process)) >= 3, 60, "the third attempt")
    assert pauses(process)[:3] == [0.5, 1.0, 2.0]
    assert slack.connections == 0
    server.start()
    wait_for(process, "ready", 0, "ready: 3 knowledge bases")
    assert ANSWER in slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}")).shown
    process.running.send_signal(signal.SIGTERM)
    assert ended(process) == 0
    assert CANARY not in process.text() + line + told.stdout


def pauses(process: Process) -> list[float]:
    """The pauses that the log announced."""
    return [
        float(each)
        for each in re.findall(r"Waiting for the database server.*Next attempt in ([\d.]+) s", process.text())
    ]


@pytest.mark.parametrize("how", ["stopped", "hanging"])
def test_a_signal_ends_the_wait_at_once(
    how: str, slack: LocalSlack, knowledge: Path, processes: list[Process], server: OwnServer, url: str
) -> None:
    (server.stop if how == "stopped" else server.freeze)()
    process = serving(slack, knowledge, processes, DATABASE_URL=url)
    if how == "stopped":  # at the beginning of the longest pause
        slack.wait_until(lambda: LONGEST_PAUSE in pauses(process), 60, "the fifth attempt")
    else:  # in the middle of an attempt
        slack.wait_until((knowledge.parent / ".kotae" / "bot.lock").exists, 60, "the start")
        time.sleep(1.5)
    process.running.send_signal(signal.SIGTERM)
    started = time.monotonic()
    assert ended(process) == 0
    assert time.monotonic() - started < LONGEST_PAUSE - 2
    assert process.text().rstrip().endswith("Stopped before the database was there")
    assert "Traceback" not in process.text()
    assert not (knowledge.parent / ".kotae" / "status.json").exists()


def test_it_is_not_waited_for_without_end(tmp_path: Path, server: OwnServer, url: str) -> None:
    server.stop()
    values = {"data_dir": tmp_path / "data", "database_url": url}
    (tmp_path / "data").mkdir()
    settings = Settings(Environment.model_validate(values), ConfigFile(), Path("kotae.toml"))
    started = time.monotonic()
    with pytest.raises(SettingsError, match=r"did not come within 3 s\. The state database can't be opened") as refusal:
        wait_for_database(settings, threading.Event(), patience=3)
    assert 3 <= time.monotonic() - started < 20
    assert CANARY not in str(refusal.value)
    assert read_status(tmp_path / "data") is None
    assert PATIENCE_SECONDS >= 120  # as long as a server takes that is fetched first


def test_what_waiting_does_not_change_is_said_at_once(
    slack: LocalSlack, knowledge: Path, processes: list[Process], server: OwnServer
) -> None:
    for url, said in (
        (address(server, f"{CANARY}-not"), "password authentication failed"),
        (address(server, name="nowhere"), 'database "nowhere" does not exist'),
        (f"{address(server)}&nonsense=1", "nonsense"),
    ):
        process = serving(slack, knowledge, processes, DATABASE_URL=url)
        assert ended(process, 60) == 1
        assert said in process.text()
        assert pauses(process) == []
        assert CANARY not in process.text()
