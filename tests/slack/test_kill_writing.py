"""kill -9 while a replica applies an upload or removes a knowledge base, wherever it is: it is done once, and logged.

A table that is locked makes the bot wait at the statement that writes it. There it is killed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text

from bot.playground import Interaction, LocalSlack, Message
from handlers.knowledge.store.documents import Documents
from handlers.schema import open_database
from handlers.store.audit import AuditLog
from handlers.store.channel_settings import ChannelSettings
from handlers.store.database import Database
from tests.audit import action
from tests.faults.stage import CSV, BotProcess, slack_for

pytestmark = pytest.mark.long("kills bots")

WRITTEN = ("uploads", "documents", "document_versions", "changes", "audit", "inbox")
"""Tables that are written when an upload is applied."""
REMOVED = ("documents", "changes", "audit", "inbox")
"""Those that are written when a knowledge base is removed."""
SET = ("settings", "audit")
"""Those that are written when a form of settings is saved."""
NEWER = f"{CSV}cam,The camera shows nothing.,Open its shutter.,Camera\n"
MOST_SECONDS = 4.0
"""The bot gives up waiting for a lock after five."""


class Scene:
    """A replica with a database, and a connection beside it."""

    def __init__(self, slack: LocalSlack, folder: Path, url: str, database: Database, beside: Connection) -> None:
        self.slack = slack
        self.database = database
        self._folder = folder
        self._url = url
        self._beside = beside
        self.bot = self.start()

    def start(self) -> BotProcess:
        return BotProcess(self.slack, self._folder, DATABASE_URL=self._url)

    def kill_at(self, table: str, act: Callable[[], Interaction]) -> tuple[Interaction, bool]:
        """Act, kill the bot where it writes a table, start it again; return what was done, and whether it was acked."""
        with self._beside.begin():
            self._beside.execute(text(f"LOCK TABLE {table} IN EXCLUSIVE MODE"))
            done = act()
            was_there = self._waits_for(table)
            self.bot.kill()
        is_acked = done.acked_after is not None
        self.bot = self.start()
        self.slack.wait_until(lambda: not self._count("inbox"), 60, "the end of what was left")
        self.slack.quiet(0.5)
        assert was_there
        return done, is_acked

    def _waits_for(self, table: str) -> bool:
        """Wait until somebody wants to write the table; False if nobody does."""
        wanted = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:table AS regclass)"
        try:
            self.slack.wait_until(
                lambda: bool(self._beside.execute(text(wanted), {"table": table}).scalar_one()), MOST_SECONDS, table
            )
        except TimeoutError:
            return False
        return True

    def _count(self, table: str) -> int:
        with self.database.own_connection() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    def digests(self) -> tuple[str, list[str]]:
        """The digest of the file, and those of its versions, the newest first."""
        stored = Documents(self.database)
        return stored.digest("it-help.csv") or "", [each.digest for each in stored.versions("it-help.csv")]

    def logged(self, what: str) -> int:
        return sum(action(each) == what for each in AuditLog(self.database).newest())


@pytest.fixture
def scene(tmp_path: Path, postgresql: str) -> Iterator[Scene]:
    engine = create_engine(postgresql, poolclass=NullPool)
    database = open_database(postgresql)
    with slack_for(tmp_path) as slack, engine.connect() as beside:
        (tmp_path / "knowledge" / "_shared.csv").write_text(CSV, encoding="utf-8")  # answers when the other is removed
        running = Scene(slack, tmp_path, postgresql, database, beside)
        try:
            yield running
        finally:
            running.bot.kill()
            database.close()


def direct(slack: LocalSlack) -> list[Message]:
    return slack.bot_messages(slack.person("olivia"))


@pytest.mark.parametrize("table", WRITTEN)
def test_an_upload_is_applied_once(scene: Scene, table: str) -> None:
    slack = scene.slack
    before = len(direct(slack))
    slack.upload("olivia", slack.person("olivia"), "it-help.csv", NEWER.encode())
    slack.wait_until(lambda: len(direct(slack)) > before, what="the card")
    card = direct(slack)[before]
    _, was_acked = scene.kill_at(table, lambda: slack.press("olivia", card, "upload_apply", wait=False))
    if not was_acked and len(scene.digests()[1]) == 1:
        slack.press("olivia", card, "upload_apply")
        slack.wait_until(lambda: "is in place for" in card.shown, 20, "the confirmation")
    digest, versions = scene.digests()
    assert len(versions) == 2
    assert digest == versions[0]
    assert scene.logged("upload it-help") == 1
    found = slack.reply(slack.command("alice", "it-help", "/search The camera shows nothing."))
    assert "Open its shutter" in found.shown


@pytest.mark.parametrize("table", SET)
def test_settings_are_saved_all_or_none_and_logged(scene: Scene, table: str) -> None:
    slack = scene.slack
    opened = slack.command("olivia", "it-help", "/kb settings")
    form = slack.wait_until(lambda: opened.views, what="the form")[0]
    chosen = {"mode": "shadow", "threshold": "80"}
    _, was_acked = scene.kill_at(table, lambda: slack.submit("olivia", form, chosen, wait=False))
    if not was_acked and not scene.logged("threshold"):
        slack.submit("olivia", form, chosen)
    channel = slack.channel("it-help").id
    slack.wait_until(lambda: scene.logged("threshold"), 20, "the audit entry")
    rules = ChannelSettings(scene.database).of(channel)
    assert (rules["auto_reply"].value, rules["threshold"].value) == ("shadow", "0.8")
    assert (scene.logged("auto-reply"), scene.logged("threshold")) == (1, 1)
    slack.quiet(0.5)
    said = [each.shown for each in slack.ephemerals("olivia", "it-help")]
    assert any("80%" in each for each in said)
    assert [each for each in said if "Not saved" in each] == []


@pytest.mark.parametrize("table", REMOVED)
def test_a_knowledge_base_is_removed_once(scene: Scene, table: str) -> None:
    slack = scene.slack
    asked = slack.reply(slack.command("olivia", "it-help", "/kb remove it-help"))
    _, was_acked = scene.kill_at(table, lambda: slack.press("olivia", asked, "Remove", wait=False))
    if not was_acked and scene.digests()[0]:
        slack.press("olivia", asked, "Remove")
        slack.wait_until(lambda: not scene.digests()[0], 20, "the removal")
    digest, versions = scene.digests()
    assert (digest, len(versions)) == ("", 1)
    slack.quiet(0.5)
    assert scene.logged("remove it-help") == 1
    assert "Remove" not in str(asked.blocks)
