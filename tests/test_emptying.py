"""What one test leaves in a PostgreSQL database no other test finds, and who changes more than rows is noticed."""

import pytest
from sqlalchemy import create_engine, text

from handlers.schema import open_database
from handlers.store.audit import AuditLog
from indexes.messages import Translatable
from tests.postgresql import Server
from tests.state import change, rows_of

COUNTS = "SELECT count(*), coalesce(max(id), 0) FROM audit"


def record(url: str) -> None:
    database = open_database(url)
    AuditLog(database).record("U1", "C1", Translatable("audit.threshold", threshold="0.8"))
    database.close()


def test_the_next_one_finds_no_row_and_counts_from_one(postgresql_server: Server) -> None:
    for _ in range(3):
        url = postgresql_server.lend()
        assert rows_of(url, COUNTS) == [(0, 0)]
        record(url)
        assert rows_of(url, COUNTS) == [(1, 1)]
        before = len(postgresql_server._ready)
        postgresql_server.take_back(url)
        assert len(postgresql_server._ready) == before + 1


@pytest.mark.parametrize("table", ["alembic_version", "installation"])
def test_rows_that_are_there_from_the_beginning_come_back(postgresql_server: Server, table: str) -> None:
    url = postgresql_server.lend()
    before = rows_of(url, f"SELECT * FROM {table}")
    change(url, f"DELETE FROM {table}")
    postgresql_server.take_back(url)
    again = postgresql_server.lend()
    assert again != url
    assert rows_of(again, f"SELECT * FROM {table}") == before != []
    postgresql_server.take_back(again)


@pytest.mark.parametrize(
    "done",
    [
        "ALTER TABLE audit RENAME TO audited",
        "ALTER TABLE audit ADD COLUMN mood text",
        "DROP TABLE audit",
        "CREATE TABLE another (id integer)",
        "CREATE INDEX another ON audit (at)",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "CREATE SCHEMA another",
    ],
)
def test_who_changes_more_than_rows_is_noticed(postgresql_server: Server, done: str) -> None:
    url = postgresql_server.lend()
    change(url, done)
    before = list(postgresql_server._ready)
    postgresql_server.take_back(url)
    assert postgresql_server._ready == before


def test_who_is_still_connected_is_cut_off_and_finds_nothing_any_more(postgresql_server: Server) -> None:
    url = postgresql_server.lend()
    record(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE"))
        postgresql_server.take_back(url)
        connection.invalidate()
    engine.dispose()
    with pytest.raises(Exception, match="does not exist"):
        rows_of(url, COUNTS)
