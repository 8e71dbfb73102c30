"""A replica reads what others have changed, and tries again what failed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest

from bot.knowledge_follower import KnowledgeFollower
from handlers.knowledge.shared import Knowledge
from handlers.knowledge.store.documents import Documents, Made
from handlers.schema import open_database
from handlers.store.database import Database
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from indexes.reload_report import ReloadReport

FIRST = b"id,question,answer\nvpn,VPN?,Restart it.\n"
MADE = Made(1, "file", "")


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    opened = open_database(postgresql)
    yield opened
    opened.close()


def test_what_could_not_be_done_for_a_change_is_tried_again(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, others = tmp_path / "knowledge", Documents(database)
    sources, synonyms = [Source("it-help", folder / "it-help.csv")], folder / "_synonyms.csv"
    told: SimpleQueue[Sequence[ReloadReport]] = SimpleQueue()
    failing, failed = iter([OSError("No space left on device")]), Event()

    def rescan() -> None:
        for error in failing:
            failed.set()
            raise error

    knowledge = Knowledge(database, folder, tmp_path)
    maintenance = Maintenance(Registry(lambda: sources, synonyms), tmp_path, stores=knowledge.stores)
    follower = KnowledgeFollower(
        knowledge, maintenance, lambda: sources, synonyms, rescan, lambda _, reports: told.put(reports)
    )
    try:
        follower.start()
        others.put("it-help.csv", FIRST, "", MADE)
        follower.notice()
        assert failed.wait(60)
        follower.notice()
        assert [each.added for each in told.get(timeout=60)] == [1]
    finally:
        maintenance.close()
        follower.close()
    assert [each.getMessage() for each in caplog.records] == [
        "What other replicas changed could not be read; trying again"
    ]
