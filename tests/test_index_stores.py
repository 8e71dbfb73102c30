"""What holds wherever indexes are stored: in files that FAISS searches, and in PostgreSQL with pgvector."""

import csv
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import NullPool, create_engine, text

from handlers.knowledge.shared import Knowledge
from handlers.knowledge.store.documents import Documents, Made
from handlers.knowledge.store.index_server import IndexServer
from handlers.knowledge.store.stored_generations import StoredGenerations, stored_indexes
from handlers.schema import open_database
from handlers.store.database import Database
from handlers.store.exclusive import BusyError
from indexes.encoder import EncoderWorker
from indexes.errors import IndexUnavailableError
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Answer, Registry
from indexes.retrieval.dense import DenseIndex, Sizes
from indexes.retrieval.learned_aliases import LearnedAlias
from indexes.storage.index_store import IndexStores
from indexes.storage.snapshot import EncoderStamp, StoredVectors
from indexes.storage.stores import Stores
from tests.encoders import CountingModel
from tests.postgresql import own_server
from tests.processes import Python
from tests.remembered import remembered_minilm
from tests.test_replicas_store import until

SETS = Path(__file__).parent / "sets"
SAMPLES = Path(__file__).parents[1] / "bot" / "samples"
FAISS, PGVECTOR = "faiss", "pgvector"
CSV = b"question,answer\nVPN?,Restart it.\n"
Rows = Sequence[tuple[str, str, str]]


class Replica:
    """One process of the bot, as far as indexes go: its own folder, a database that may be shared, and an encoder."""

    def __init__(self, folder: Path, encoder: EncoderWorker | None, url: str | None) -> None:
        self.knowledge = folder / "knowledge"
        self.knowledge.mkdir(parents=True, exist_ok=True)
        self.database: Database | None = open_database(url) if url else None
        self.server = IndexServer.open(url) if url else None
        indexes = IndexStores.files(folder / "data")
        if self.server and self.database:
            indexes = stored_indexes(self.server, self.database)
        self.registry = Registry(self.sources, self.knowledge / "_synonyms.csv")
        stores = replace(Stores.own(folder / "data"), indexes=indexes)
        self.maintenance = Maintenance(self.registry, folder / "data", stores)
        self.encoder = encoder

    def sources(self) -> list[Source]:
        return [Source(path.stem, path) for path in sorted(self.knowledge.glob("[!_]*.csv"))]

    def write(self, name: str, rows: Rows) -> None:
        with (self.knowledge / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("id", "question", "answer"), *rows])

    def start(self) -> "Replica":
        self.maintenance.load().result(120)
        if self.encoder:
            self.maintenance.use_encoder(self.encoder).result(300)
        return self

    def reload(self, name: str) -> int:
        """Reload, and return how many texts were encoded."""
        report = self.maintenance.reload(name).result(300)
        assert report.error is None, report.error
        assert report.warnings == ()
        return report.encoded

    def ask(self, question: str, *names: str) -> Answer:
        return self.registry.search(question, names or list(self.registry.loaded))

    def close(self) -> None:
        self.maintenance.close()
        for each in (self.server, self.database):
            if each:
                each.close()


Start = Callable[..., Replica]


@pytest.fixture
def model() -> CountingModel:
    return CountingModel()


@pytest.fixture
def encoder(model: CountingModel) -> Iterator[EncoderWorker]:
    worker = EncoderWorker("counting", lambda: model)
    yield worker
    worker.close()


@pytest.fixture(params=[FAISS, PGVECTOR])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest) -> str | None:
    return str(request.getfixturevalue("postgresql")) if backend == PGVECTOR else None


@pytest.fixture
def start(tmp_path: Path, encoder: EncoderWorker, url: str | None) -> Iterator[Start]:
    """Start a replica in a folder of its own, over the files that are given; with pgvector they share the database."""
    running: list[Replica] = []

    def starting(folder: str = "one", using: EncoderWorker | None = encoder, **files: Rows) -> Replica:
        replica = Replica(tmp_path / folder, using, url)
        running.append(replica)
        for name, rows in files.items():
            replica.write(name, rows)
        return replica.start()

    yield starting
    for replica in running:
        replica.close()


def numbered(count: int, word: str = "printer") -> list[tuple[str, str, str]]:
    return [
        (f"r{row}", f"How do I use {word} number {row}?", f"Read page {row} of its manual.") for row in range(count)
    ]


def told(answer: Answer) -> list[tuple[object, ...]]:
    """What somebody would see of an answer, and all that it depends on, to three decimals."""
    return [
        (
            hit.record,
            hit.knowledge_base,
            *(round(value, 3) for value in (hit.score, hit.dense or 0.0, hit.lexical, hit.coverage, hit.confidence)),
            *(round(float(getattr(hit.evidence, name)), 3) for name in hit.evidence.__slots__),
            hit.chunk,
        )
        for hit in answer.hits
    ]


def close_to(one: Answer, other: Answer) -> bool:
    """Tell whether two answers are the same to three decimals, whichever side of a half the fourth is on."""
    return len(one.hits) == len(other.hits) and all(
        a.record == b.record and a.chunk == b.chunk and np.allclose(_numbers(a), _numbers(b), atol=5e-4)
        for a, b in zip(one.hits, other.hits, strict=True)
    )


def _numbers(hit: object) -> list[float]:
    names = ("score", "dense", "lexical", "coverage", "confidence")
    evidence = getattr(hit, "evidence")  # noqa: B009 - a Hit
    return [
        *(float(getattr(hit, name) or 0.0) for name in names),
        *(float(getattr(evidence, name)) for name in evidence.__slots__),
    ]


def test_what_is_stored_answers_after_a_restart_without_encoding(start: Start, model: CountingModel) -> None:
    first = start(help=numbered(30), desk=numbered(20, "scanner"))
    before = [told(first.ask(question)) for question in ("printer number 7", "scanner 3", "manual page 12", "zebra")]
    first.close()
    model.encoded.clear()
    again = start()
    assert [told(again.ask(q)) for q in ("printer number 7", "scanner 3", "manual page 12", "zebra")] == before
    assert model.encoded == []


def test_one_changed_row_of_many_encodes_its_texts_only(start: Start, model: CountingModel) -> None:
    replica, rows = start(help=numbered(300)), numbered(300)
    model.encoded.clear()
    rows[150] = ("r150", "Who waters the plants?", "The gardener.")
    replica.write("help", rows)
    assert replica.reload("help") == 2
    assert len(model.encoded) == 2
    assert replica.ask("who waters the plants").hits[0].record.answer == "The gardener."


def test_a_text_that_the_model_can_not_encode_is_tried_again_in_the_next_reload(start: Start) -> None:
    class Failing(CountingModel):
        refused = "page 7 "

        def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
            return super().encode_documents(texts) * [[self.refused not in text] for text in texts]

    model = Failing()
    encoder = EncoderWorker("failing", lambda: model)
    first = start(using=encoder, help=numbered(30))
    found = first.ask("Where do I read of printer number 7?")
    assert (found.encoder, found.hits[0].record.id) == ("counting", "r7")
    first.close()
    model.encoded.clear()
    model.refused = "\0"
    again = start(using=encoder)
    assert model.encoded == []
    assert again.ask("Where do I read of printer number 7?").hits[0].dense == found.hits[0].dense
    assert again.reload("help") == 1
    assert model.encoded == ["how do i use printer number 7? read page 7 of its manual."]
    encoder.close()


def test_a_version_that_comes_back_encodes_nothing(start: Start, model: CountingModel) -> None:
    replica, rows = start(help=numbered(40)), numbered(40)
    before = told(replica.ask("printer number 9"))
    replica.write("help", [("only", "Where is the kitchen?", "Upstairs."), *rows[:20]])
    replica.reload("help")
    assert replica.ask("where is the kitchen").hits[0].record.answer == "Upstairs."
    model.encoded.clear()
    replica.write("help", rows)
    replica.reload("help")
    assert told(replica.ask("printer number 9")) == before
    assert [text for text in model.encoded if "kitchen" in text] == []


def test_knowledge_bases_know_nothing_of_each_other(start: Start) -> None:
    alone = start("alone", help=numbered(25))
    expected = [told(alone.ask(question, "help")) for question in ("printer number 4", "page 11", "the manual")]
    alone.close()
    together = start("together", help=numbered(25), desk=numbered(200, "printer"), else_=numbered(9, "printer"))
    assert [told(together.ask(q, "help")) for q in ("printer number 4", "page 11", "the manual")] == expected
    assert {hit.knowledge_base for hit in together.ask("printer number 4", "desk").hits} == {"desk"}
    together.maintenance.remove("desk", "U1").result(60)
    assert [told(together.ask(q, "help")) for q in ("printer number 4", "page 11", "the manual")] == expected


def test_a_search_sees_one_generation_from_start_to_end(start: Start) -> None:
    def generation(number: int) -> list[tuple[str, str, str]]:
        return [(f"r{row}", f"What is the code of door {row}?", f"generation {number}") for row in range(40)]

    replica, over = start(help=generation(0)), threading.Event()
    mixed: list[set[str]] = []

    def read() -> int:
        count = 0
        while not over.is_set():
            answers = {hit.record.answer for hit in replica.ask(f"the code of door {count % 40}").hits}
            mixed.append(answers) if len(answers) != 1 else None
            count += 1
        return count

    with ThreadPoolExecutor(3) as readers:
        reading = [readers.submit(read) for _ in range(3)]
        for number in range(1, 9):
            replica.write("help", generation(number))
            replica.reload("help")
        over.set()
        assert all(each.result(60) > 5 for each in reading)
    assert mixed == []
    assert replica.ask("door 3").hits[0].record.answer == "generation 8"


def test_learned_aliases_are_searched_and_go_again(start: Start) -> None:
    replica = start(help=numbered(30))
    alias = LearnedAlias("r5", "How do I use printer number 5?", "the thing beside the window")
    before = told(replica.ask("the thing beside the window"))
    replica.maintenance.apply_aliases({"help": [alias]}).result(60)
    found = replica.ask("the thing beside the window").hits[0]
    assert (found.record.id, found.evidence.verbatim) == ("r5", True)
    replica.maintenance.apply_aliases({}).result(60)
    assert told(replica.ask("the thing beside the window")) == before


@pytest.mark.parametrize("texts", [1, 5_000], ids=["few", "frequent terms"])
def test_words_alone_find_the_same_in_either(
    texts: int, tmp_path: Path, postgresql: str, encoder: EncoderWorker
) -> None:
    """From 4,096 holders on, the texts of a term are not fetched but looked up."""
    rows = [
        *numbered(texts),
        *numbered(20, "プリンター"),
        ("x", "パスワードを忘れました", "再設定してください。\n" * 200),
    ]
    asked = [
        "how do i use printer number 77",
        "プリンターの使い方",
        "password",
        "パスワード",
        "page 3",
        "を忘れ",
        "zzz",
        "",
    ]
    del encoder
    same_in_either(tmp_path, postgresql, None, {"help": rows}, asked)


@pytest.mark.long("loads torch")
@pytest.mark.parametrize("name", ["it-help", "dev-faq", "hr-somu", "library-en", "clinic-ja"])
def test_a_real_encoder_finds_the_same_in_either(name: str, tmp_path: Path, postgresql: str, shared: Path) -> None:
    own, sample = SETS / name / "kb.csv", SAMPLES / f"{name}.csv"
    content = (own if own.exists() else sample).read_bytes()
    lines = (SETS / name / "queries.jsonl").read_text("utf-8").splitlines()
    asked = [json.loads(line)["query"] for line in lines][:25]
    same_in_either(tmp_path, postgresql, remembered_minilm(shared), {name: content}, asked)


def same_in_either(
    folder: Path, url: str, encoder: EncoderWorker | None, files: dict[str, bytes | Rows], asked: Sequence[str]
) -> None:
    replicas = [Replica(folder / FAISS, encoder, None), Replica(folder / PGVECTOR, encoder, url)]
    for replica in replicas:
        for name, content in files.items():
            if isinstance(content, bytes):
                (replica.knowledge / f"{name}.csv").write_bytes(content)
            else:
                replica.write(name, content)
        replica.start()
    different = []
    for question in asked:
        one, other = (replica.ask(question) for replica in replicas)
        if not close_to(one, other):
            different.append((question, told(one), told(other)))
    for replica in replicas:
        replica.close()
    assert different == []


# -- What several replicas share ---------------------------------------------------------------------------------------


@pytest.fixture
def replica_of(tmp_path: Path, encoder: EncoderWorker, postgresql: str) -> Iterator[Start]:
    """Start a replica that shares PostgreSQL's indexes with the others."""
    running: list[Replica] = []

    def starting(folder: str, **files: Rows) -> Replica:
        replica = Replica(tmp_path / folder, encoder, postgresql)
        running.append(replica)
        for name, rows in files.items():
            replica.write(name, rows)
        return replica.start()

    yield starting
    for replica in running:
        replica.close()


def test_one_replica_builds_and_the_others_open_what_it_built(replica_of: Start, model: CountingModel) -> None:
    one, two = replica_of("one", help=numbered(50)), replica_of("two", help=numbered(50))
    asked = [text for text in model.encoded if "printer" in text]
    assert len(set(asked)) == len(asked) == 100
    assert told(one.ask("printer number 7")) == told(two.ask("printer number 7"))
    rows = [*numbered(50), ("new", "Where is the roof?", "Above.")]
    model.encoded.clear()
    for replica in (one, two):
        replica.write("help", rows)
    with ThreadPoolExecutor(2) as both:
        encoded = list(both.map(lambda replica: replica.reload("help"), (one, two)))
    assert sorted(encoded) == [0, 2]
    assert len(model.encoded) == 2
    assert told(one.ask("where is the roof")) == told(two.ask("where is the roof"))
    snapshots = [replica.registry.loaded["help"].snapshot for replica in (one, two)]
    assert snapshots[0] is not None
    assert snapshots[1] is not None
    assert snapshots[0].name == snapshots[1].name


def test_a_replica_that_has_not_followed_yet_still_finds_what_it_had(replica_of: Start) -> None:
    one, two = replica_of("one", help=numbered(30)), replica_of("two", help=numbered(30))
    before = told(two.ask("printer number 7"))
    for turn in range(3):
        one.write("help", numbered(10, f"scanner{turn}"))
        one.reload("help")
    assert told(two.ask("printer number 7")) == before
    two.write("help", numbered(10, "scanner2"))
    assert two.reload("help") == 0
    assert told(two.ask("scanner2 number 7")) == told(one.ask("scanner2 number 7"))


def test_what_nobody_uses_any_more_is_dropped(replica_of: Start, postgresql: str) -> None:
    replica = replica_of("one", help=numbered(30))
    for turn in range(3):
        replica.write("help", numbered(30, f"scanner{turn}"))
        replica.reload("help")
    engine = create_engine(postgresql, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("UPDATE index_generations SET superseded = superseded - interval '1 hour'"))
        replica.write("help", numbered(30, "scanner9"))
        replica.reload("help")
        tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^index_(terms|texts|records)_[0-9]'"
        kept = connection.execute(text("SELECT count(*) FROM index_generations")).scalar_one()
        assert len(connection.execute(text(tables)).all()) == 3 * kept
        assert kept == 2  # the current one, and the one before, from which the others may not have moved on
        owners = connection.execute(text("SELECT count(DISTINCT owner) FROM index_arrays")).scalar_one()
        vectors = connection.execute(text("SELECT count(*) FROM index_vectors")).scalar_one()
        assert (owners, vectors) == (2 * kept, kept * 60)
        replica.maintenance.remove("help", "U1").result(60)
        assert connection.execute(text(tables)).all() == []
        for table in ("bases", "generations", "collections", "arrays", "vectors"):
            assert connection.execute(text(f"SELECT count(*) FROM index_{table}")).scalar_one() == 0, table


def test_the_index_of_what_was_removed_goes_at_the_next_start_if_the_process_had_ended(
    postgresql: str, tmp_path: Path
) -> None:
    database, server = open_database(postgresql), IndexServer.open(postgresql)
    documents = Documents(database)
    for name in ("gone", "there"):
        documents.put(f"{name}.csv", CSV, "", Made(1, "file", ""))
        StoredGenerations(server, database, name).save(CSV, None, StoredVectors())
    documents.remove("gone.csv", "U1")
    Knowledge(database, tmp_path / "knowledge", tmp_path, postgresql).close()
    assert server.rows("SELECT name FROM index_bases") == [("there",)]
    tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^index_records_[0-9]'"
    assert server.rows(tables) == [(1,)]
    server.close()
    database.close()


def test_nobody_builds_while_what_was_replaced_is_dropped(replica_of: Start, postgresql: str) -> None:
    """A build may use the words and the vectors of before."""
    replica = replica_of("one", help=numbered(30))
    replica.write("help", numbered(30, "scanner"))
    replica.reload("help")
    assert replica.server
    assert replica.database
    store, beside = StoredGenerations(replica.server, replica.database, "help"), open_database(postgresql)
    engine = create_engine(postgresql, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE index_generations SET superseded = superseded - interval '1 hour'"))
    with ThreadPoolExecutor(1) as pool, engine.connect() as connection:
        connection.execute(text("LOCK TABLE index_generations IN SHARE MODE"))
        dropping = pool.submit(_take_turn, store)
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'index_generations'::regclass")
        until(lambda: connection.execute(waits).scalar_one() == 1)
        with pytest.raises(BusyError), beside.exclusively("index help", 0.2):
            pass
        connection.rollback()
        dropping.result(30)
    assert store.load() is not None
    assert replica.server.rows("SELECT count(*) FROM index_generations") == [(1,)]
    beside.close()


def _take_turn(store: StoredGenerations) -> None:
    with store.exclusively(lambda: None):
        pass


def test_many_vectors_are_proposed_by_an_index_and_hardly_any_is_missed(
    encoder: EncoderWorker, postgresql: str
) -> None:
    """Topics of some hundred texts each, as those of help desks are: what is near is hard to tell apart."""
    random, count = np.random.default_rng(5), 12_000
    topics = random.standard_normal((40, encoder.dimension))
    made = topics[random.integers(40, size=count)] + 0.7 * random.standard_normal((count, encoder.dimension))
    vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    owners = np.arange(count, dtype=np.int32)
    flat = DenseIndex.build(vectors, owners, Sizes(half=2 * count))
    database, server = open_database(postgresql), IndexServer.open(postgresql)
    store = StoredGenerations(server, database, "help", many=count)
    packed = b"".join(number.to_bytes(16) for number in range(count))
    stored = store.save(
        b"", None, StoredVectors(EncoderStamp.of(encoder), packed, flat.files(), flat.kind, None, owners, flat)
    )
    found = stored.open_vectors(owners)
    assert found.kind.name == "hnsw"
    asked = vectors[::300] + 0.02 * random.standard_normal((40, encoder.dimension)).astype(np.float32)
    shares = []
    for vector in asked / np.linalg.norm(asked, axis=1, keepdims=True):
        wanted = set(flat.nearest(vector, 10).tolist())
        shares.append(len(wanted & set(found.nearest(vector, 10).tolist())) / 10)
        rows = np.sort(random.integers(count, size=30))
        assert np.allclose(found.cosines(vector, rows), flat.cosines(vector, rows), atol=1e-5)
        assert found.background(vector) == pytest.approx(flat.background(vector), abs=1e-5)
    assert np.mean(shares) >= 0.99
    server.close()
    database.close()


CHILD = """
import sys
from pathlib import Path
from tests.encoders import hashing_encoder
from tests.test_index_stores import Replica, numbered

folder, url, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
replica = Replica(folder, hashing_encoder(), url).start()
print("started", flush=True)
for turn in range(first, first + 1000):
    replica.write("help", numbered(150, f"scanner{turn}"))
    replica.reload("help")
    print(turn, flush=True)
"""


@pytest.mark.long("kills replicas")
def test_kill_9_of_a_replica_that_builds_leaves_a_whole_generation(
    replica_of: Start, tmp_path: Path, postgresql: str
) -> None:
    witness, choose, last = replica_of("witness"), np.random.default_rng(7), 0
    for kill in range(4):
        last = killed(tmp_path / f"killed{kill}", postgresql, last + 1, float(choose.uniform(0, 0.6)))
        assert witness.server
        assert witness.database
        source = Source("help", tmp_path / "help.csv")
        current = next(iter(stored_indexes(witness.server, witness.database).of(source).generations()))
        base, index, _ = current.open_words(source, witness.registry.synonyms)
        stored = {record.question for record in base.records}
        assert stored in [{row[1] for row in numbered(150, f"scanner{turn}")} for turn in (last, last + 1)]
        dense = current.open_vectors(current.owners())
        assert len(dense) == len(dense.vectors(np.arange(300))) == 300
        assert len(index.lexical.query("scanner").best(5)) >= 5


def killed(folder: Path, url: str, first: int, seconds: float) -> int:
    """Kill a replica that reloads again and again, this long after its first; return the last one it told of."""
    with Python[str]("-c", CHILD, str(folder), url, str(first), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        told = [int(child.stdout.readline())]
        time.sleep(seconds)
        child.kill()
        return max([*told, *map(int, child.stdout.read().split())])


def test_a_server_that_is_killed_loses_nothing_and_is_found_again(tmp_path: Path, encoder: EncoderWorker) -> None:
    with own_server() as server:
        replica = Replica(tmp_path / "one", encoder, server.make_empty())
        replica.write("help", numbered(40))
        replica.start()
        before = told(replica.ask("printer number 7"))
        server.stop()
        with pytest.raises(IndexUnavailableError, match="can't be used"):
            replica.ask("printer number 8")
        replica.write("help", numbered(40, "scanner"))
        report = replica.maintenance.reload("help").result(60)
        assert report.error is not None
        server.start()
        assert told(asked_again(replica, "printer number 7")) == before
        replica.reload("help")
        assert replica.ask("scanner number 7").hits[0].record.id == "r7"
        replica.close()


def asked_again(replica: Replica, question: str) -> Answer:
    """Ask until the server is found again: one that could not be reached is left alone for a second."""
    for _ in range(100):
        with suppress(IndexUnavailableError):
            return replica.ask(question)
        time.sleep(0.2)
    return replica.ask(question)
