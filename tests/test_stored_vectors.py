"""The HNSW index of a collection's vectors, made by a real server with much and with little memory."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text

from handlers.knowledge.store.index_server import IndexServer
from handlers.knowledge.store.stored_vectors import build_memory, index_vectors, make_collection

COUNT, DIMENSION = 3_000, 64
NO_LONGER_FITS = "graph no longer fits"
MADE = f"""
    INSERT INTO index_vectors
    SELECT 1, number, decode(md5(number::text), 'hex'),
        (SELECT array_agg(random() - 0.5) FROM generate_series(1, {DIMENSION} + 0 * number))::vector
    FROM generate_series(1, {COUNT}) AS number"""


@pytest.fixture
def connection(postgresql: str) -> Iterator[Connection]:
    """A transaction in which collection 1 has COUNT vectors, and in which any table is indexed by two processes."""
    IndexServer.open(postgresql).close()
    with create_engine(postgresql, poolclass=NullPool).connect() as opened:
        make_collection(opened, 1)
        opened.execute(text(MADE))
        opened.execute(text("SET LOCAL min_parallel_table_scan_size = 0"))
        opened.execute(text("SET LOCAL max_parallel_maintenance_workers = 1"))
        yield opened
        opened.rollback()


@pytest.fixture
def notices(connection: Connection) -> list[str]:
    """What the server remarks."""
    said: list[str] = []
    driver = connection.connection.driver_connection
    assert driver
    driver.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
    return said


def setting(connection: Connection, name: str) -> str:
    return str(connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one())


def test_the_graph_fits_into_the_memory_that_is_asked_for(connection: Connection, notices: list[str]) -> None:
    connection.execute(text("SET LOCAL maintenance_work_mem = '1MB'"))
    assert index_vectors(connection, 1, DIMENSION, COUNT).name == "hnsw"
    assert setting(connection, "maintenance_work_mem") == f"{build_memory(COUNT, DIMENSION) // 1024 + 1}kB"
    assert not notices


def test_memory_is_asked_for_up_to_half_of_what_the_server_has_for_data(
    connection: Connection, notices: list[str]
) -> None:
    connection.execute(text("SET LOCAL maintenance_work_mem = '1MB'"))
    connection.execute(text("SET LOCAL effective_cache_size = '4MB'"))
    assert index_vectors(connection, 1, DIMENSION, COUNT).name == "hnsw"
    assert setting(connection, "maintenance_work_mem") == "2MB"
    assert any(NO_LONGER_FITS in notice for notice in notices)


def test_what_the_server_gives_anyway_is_not_made_less(connection: Connection) -> None:
    connection.execute(text("SET LOCAL maintenance_work_mem = '80MB'"))
    index_vectors(connection, 1, DIMENSION, COUNT)
    assert setting(connection, "maintenance_work_mem") == "80MB"


def test_where_shared_memory_is_too_small_one_process_makes_the_index(connection: Connection) -> None:
    """As in a container, whose /dev/shm has 64 MB: no machine has as much as is asked for here."""
    connection.execute(text("SET LOCAL maintenance_work_mem = '2000GB'"))
    assert index_vectors(connection, 1, DIMENSION, COUNT).name == "hnsw"
    assert setting(connection, "max_parallel_maintenance_workers") == "0"
    made = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'index_vectors_1_near'::regclass"
    assert connection.execute(text(made)).scalar_one()
