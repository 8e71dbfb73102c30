"""A table that is edited at its source a thousand times, while its host now and then fails in every way."""

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.app import Bot, build_app
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack
from bot.settings import Environment, Settings
from handlers.files.fetching import poll
from tests.faults.row import Row
from tests.sources import Authority, Handler, Server, Sheet, authority_in, edit, row, serving

EDITS = 1000
SOON = 2.0
"""Seconds from the poll to when what it brought is searchable."""
ROWS = 40
FAILING = 0.2
"""The part of the edits before which the host fails once."""
LATER = 1e8
"""Seconds from one edit to the next on the clock of the polls, each of which is due then."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FAILURES: tuple[Callable[[Handler], object], ...] = (
    lambda request: request.send(500),
    lambda request: request.send(403),
    lambda request: request.send(200, b"<!doctype html><p>Sign in", content_type="text/html"),
    lambda request: request.send(200, b"id,question,answer\nhalf of it,", content_length="9000"),
    lambda request: request.send(200, b"not packed", content_encoding="gzip"),
    lambda request: request.send(302, location="http://localhost/"),
    lambda request: request.connection.close(),
)


@dataclass
class Outcome:
    """What came of the edits: those after which an answer was wrong, and the slowest one."""

    polls: int = 0
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)


def run(share: float, seed: int = 0) -> Row:
    """Edit a table, and ask for what was touched after each poll."""
    folder = Path(tempfile.mkdtemp(prefix="kotae-faults-"))
    try:
        with authority_in(folder) as authority:
            found = edits(authority, max(1, round(EDITS * share)), random.Random(seed))
    finally:
        shutil.rmtree(folder)
    late = found.slowest > SOON
    worst = f"{found.slowest:.2f} s from a poll to an answer" + "".join(f"; {each}" for each in found.wrong[:3])
    return Row(found.polls, len(found.wrong) + late, worst, found.slowest)


def edits(authority: Authority, number: int, chance: random.Random) -> Outcome:
    """Edit a table so many times; whatever fails in between, the last good copy answers."""
    folder, outcome = Path(tempfile.mkdtemp(prefix="kotae-faults-")), Outcome()
    (folder / "knowledge").mkdir()
    sheet = Sheet([row(f"r{each}", each) for each in range(ROWS)])
    try:
        with LocalSlack() as slack, serving(authority.context("localhost"), sheet) as server:
            bot = build_app(_settings(slack, server, folder))
            try:
                bot.start()
                slack.wait_until(lambda: "it-help" in bot.services.registry.loaded, what="the first fetch")
                with bot.services.database.exclusively("source it-help"):
                    pass  # a poll at its time does not wait for another that is not over
                for each in range(1, number + 1):
                    _edit(bot, server, sheet, chance, ROWS + each, outcome)
            finally:
                bot.stop()
    finally:
        shutil.rmtree(folder)
    return outcome


def _edit(bot: Bot, server: Server, sheet: Sheet, chance: random.Random, number: int, outcome: Outcome) -> None:
    before = list(sheet.rows)
    edit(sheet, chance, number)
    sheet.is_zipped, sheet.validator = chance.random() < 0.5, chance.choice(["etag", "modified", ""])
    if chance.random() < FAILING:
        server.answer = chance.choice(FAILURES)
        poll(bot.services, "it-help", lambda: number * LATER)
        outcome.wrong += _wrong(bot, before, before, f"edit {number}, while the host fails")
    server.answer = sheet
    began = time.monotonic()
    poll(bot.services, "it-help", lambda: (number + 0.5) * LATER)
    outcome.wrong += _wrong(bot, sheet.rows, before, f"edit {number}")
    outcome.slowest = max(outcome.slowest, time.monotonic() - began)
    outcome.polls += 1


def _wrong(bot: Bot, rows: list[tuple[str, str, str]], before: list[tuple[str, str, str]], what: str) -> list[str]:
    """Ask for what was touched and for one that was not; return what was answered wrongly."""
    answers = {question: answer for _, question, answer in rows}
    touched = [question for id_, question, answer in {*rows} ^ {*before}] or [rows[0][1]]
    wrong = []
    for question in [*touched, rows[-1][1]]:
        hits = bot.services.registry.search(question, ["it-help"]).hits
        found = hits[0].record.answer if hits and hits[0].record.question == question else None
        if found != answers.get(question):
            wrong.append(f"{what}: {question} is answered with {found}, not {answers.get(question)}")
    held = len(bot.services.registry.loaded["it-help"].index.records)
    return wrong if held == len(rows) else [*wrong, f"{what}: {held} entries, not {len(rows)}"]


def _settings(slack: LocalSlack, server: Server, folder: Path) -> Settings:
    environment = Environment.model_validate(
        {
            "slack_api_url": slack.api_url,
            "slack_bot_token": slack.bot_token,
            "slack_app_token": slack.app_token,
            "knowledge_dir": folder / "knowledge",
            "data_dir": folder / "data",
            "encoder_backend": "lexical",
        }
    )
    section = KnowledgeBaseSection.model_validate({"url": server.url(), "poll_minutes": 1000})
    config = ConfigFile(private_hosts=("localhost",), knowledge_bases={"it-help": section})
    return Settings(environment, config, Path("kotae.toml"))
