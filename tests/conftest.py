"""What holds for every test: no test asks the real hub, the environment says nothing, files are in `tmp_path`."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql import Server, serving

ENGINE = os.environ.get("KOTAE_TEST_DATABASE", "sqlite")
"""The engine under tests that don't choose one: sqlite, or postgresql, see `make test-postgres`."""

INDEX = os.environ.get("KOTAE_TEST_INDEX", "faiss")
"""Where the indexes of such tests are, if they are on PostgreSQL: faiss, or pgvector."""

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
        "LOG_LEVEL",
    ),
]


def pytest_configure() -> None:
    """What one process has compiled all others read, the bots that they start included."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another engine, run the tests that work with the state, unless they are about SQLite's files."""
    if ENGINE == "sqlite":
        return
    here = [each for each in items if "database_url" in _fixtures(each) and not each.get_closest_marker("sqlite")]
    config.hook.pytest_deselected(items=[each for each in items if each not in set(here)])
    items[:] = here


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
    url = postgresql_server.make()
    yield url
    postgresql_server.drop(url)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str | None:
    """The state database of a test that doesn't choose one; None for the SQLite file in DATA_DIR.

    It is a PostgreSQL database with the marker `postgresql`, and wherever KOTAE_TEST_DATABASE=postgresql is set.
    """
    is_postgresql = ENGINE == "postgresql" or request.node.get_closest_marker("postgresql") is not None
    return str(request.getfixturevalue("postgresql")) if is_postgresql else None
