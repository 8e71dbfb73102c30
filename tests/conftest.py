"""What holds for every test: no test asks the real hub, the environment says nothing, files are in `tmp_path`."""

import gc
import os

os.environ["LC_MESSAGES"] = "C"  # what commands print is compared in English, on a Japanese machine, too
os.environ["HF_HUB_OFFLINE"] = "1"

import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pytest

from handlers.schema import open_database, open_or_recover
from handlers.store.database import Database
from tests import kinds
from tests.encoders import once
from tests.postgresql import Server, serving
from tests.processes import share_prepared
from tests.state import url_in

Item = TypeVar("Item")
ENGINE = os.environ.get("KOTAE_TEST_DATABASE", "sqlite")
"""The engine under tests that don't choose one: sqlite, or postgresql, see `make test-postgres`."""

INDEX = os.environ.get("KOTAE_TEST_INDEX", "faiss")
"""Where the indexes of such tests are, if they are on PostgreSQL: faiss, or pgvector."""

ALIKE = {
    *("test_access", "test_admin", "test_agent", "test_auto_reply", "test_closed", "test_compiled_meanwhile"),
    *("test_clarifying", "test_connection", "test_freshness", "test_images", "test_quiet", "test_reactions"),
    *("test_sources", "test_terminal_language", "test_threads", "test_typeahead"),
    *("test_delivery", "test_direct", "test_escaping", "test_evaluation", "test_flood", "test_group_dm", "test_home"),
    *("test_languages", "test_long_cells", "test_mention", "test_model_arrives", "test_no_answer", "test_outbox"),
    *(
        "test_overheard",
        "test_owner",
        "test_received",
        "test_request_log",
        "test_round_trip",
        "test_routes",
        "test_suggestions",
    ),
    *("test_why", "test_workbooks"),
}
"""Modules about who may ask, the connection, layout, files and models: others make their queries. ALL=1 has them."""

FOLDER = "people change the knowledge folder by hand; a shared database reads none: test_import, test_shared_knowledge"
"""Why a test is left out where a database holds the knowledge."""

SETTINGS = [
    *("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "SEARCH_COMMAND", "ADMIN_COMMAND", "ADMIN_USERS"),
    *(
        "ADMIN_USERGROUP",
        "KNOWLEDGE_DIR",
        "DATA_DIR",
        "DATABASE_URL",
        "INDEX_BACKEND",
        "MODEL_NAME",
        "ENCODER_BACKEND",
        "API_BIND",
        "API_HOSTS",
        "API_PROXIES",
        "ENCODER_PRECISION",
        "LOG_LEVEL",
        "KOTAE_TOKEN",
    ),
]


COUNTED = pytest.StashKey[Counter[str]]()
"""How many tests of each kind were collected, before any was left out."""


MEMORY = Path("/dev/shm")
"""Files in memory, on Linux."""
ROOM = 4 << 30
"""Several times what the files of all tests at a time take."""


def pytest_configure(config: pytest.Config) -> None:
    """What one process has compiled all others read, the bots that they start included; and Ctrl-C reaches them.

    Every test has bots that flush what they write to the disk: where there is room, that is in memory. Nothing that is
    collected is garbage: it isn't looked for meanwhile.
    """
    gc.disable()
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells have it for what runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        share_prepared()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file of tests for nothing."""
    if not collection_path.is_file():
        return None
    return _is_alike(collection_path) or kinds.has_none(collection_path, config.option.markexpr) or None


def pytest_collection_finish() -> None:
    """What stays until the end is not looked through whenever a test wants garbage collected."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another engine, run the tests that work with the state, unless they say why they are about files alone."""
    config.stash[COUNTED] = kinds.counted(items)
    alone = {each for each in items for marker in each.iter_markers("sqlite") if kinds.reason_of(each, marker)}
    if ENGINE != "sqlite":
        here = [each for each in items if "database_url" in _fixtures(each) and each not in alone]
        config.hook.pytest_deselected(items=[each for each in items if each not in set(here)])
        items[:] = here
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = long_first(items, workers, kinds.is_long)


def long_first(items: Sequence[Item], workers: int, is_long: Callable[[Item], bool]) -> list[Item]:
    """Deal the long tests out, so that each worker begins with some of them and none is left to wait for at the end.

    Each worker is given as many items as the others, one after another, as xdist's worksteal does.
    """
    long = [each for each in items if is_long(each)]
    others = iter([each for each in items if not is_long(each)])
    left, ordered = len(items), list[Item]()
    for worker in range(workers):
        count = left // (workers - worker)
        mine = long[worker::workers]
        ordered += [*mine, *islice(others, max(count - len(mine), 0))]
        left -= count
    return [*ordered, *others]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the process that reports know how many tests there are of each kind."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["kinds"] = dict(session.config.stash.get(COUNTED, None) or {})


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_testnodedown(node: Any) -> None:
    """See `pytest_sessionfinish`; every process has collected the same."""
    node.config.stash[COUNTED] = Counter(getattr(node, "workeroutput", {}).get("kinds", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it."""
    if counted := config.stash.get(COUNTED, None):
        terminalreporter.write_line(kinds.told(counted))


def _is_alike(path: Path) -> bool:
    """Tell whether the tests of a file are alike on every engine, and this is a second one."""
    return ENGINE != "sqlite" and path.stem in ALIKE and not os.environ.get("KOTAE_TEST_ALL")


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests must not reach them, and nothing is written where they stand."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of this run have in common: for what takes long to make, see `once`."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture(scope="session")
def postgresql_server(shared: Path) -> Iterator[Server]:
    """A real PostgreSQL server with pgvector; its databases are made from a template in some milliseconds."""
    with serving(shared) as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: Server) -> Iterator[str]:
    """The address of a PostgreSQL database of the test's own, with today's schema and nothing in it."""
    url = postgresql_server.lend()
    yield url
    postgresql_server.take_back(url)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str | None:
    """The state database of a test that doesn't choose one; None for the SQLite file in DATA_DIR.

    It is a PostgreSQL database with the marker `postgresql`, and wherever KOTAE_TEST_DATABASE=postgresql is set.
    """
    is_postgresql = ENGINE == "postgresql" or request.node.get_closest_marker("postgresql") is not None
    return str(request.getfixturevalue("postgresql")) if is_postgresql else None


@pytest.fixture(scope="session")
def empty_data(shared: Path) -> Path:
    """A DATA_DIR with a new state database: making the tables takes longer than all else that a start does."""

    def made(folder: Path) -> Path:
        open_or_recover(url_in(folder), folder).close()
        return folder

    return once(shared / "empty-data", made)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test's SQLite database is, or would be."""
    return tmp_path / "data" / "state.db"


@pytest.fixture
def url(file: Path, database_url: str | None, empty_data: Path) -> str:
    """The address of a state database with today's schema and nothing in it."""
    if database_url is None:
        shutil.copytree(empty_data, file.parent)
    return database_url or url_in(file.parent)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An open state database with nothing in it."""
    opened = open_database(url)
    yield opened
    opened.close()
