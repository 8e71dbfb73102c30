"""INDEX_BACKEND=pgvector where the extension, or the right to make it, is missing: `doctor` and the start say so."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from bot.config_file import ConfigFile
from bot.doctor import local_checks
from bot.settings import Environment, Settings
from handlers.knowledge.shared import Knowledge
from handlers.schema import open_database
from handlers.store.errors import StoreError
from tests.postgresql import Server

TOO_OLD = "pgvector 0.4.4 is too old: install 0.8 or newer on the database server"
MISSING = "the extension vector is not installed on the database server: install pgvector 0.8 or newer there"
NO_RIGHT = "a superuser runs CREATE EXTENSION vector in this database, once"
NOT_UPDATED = "pgvector 0.4.4 is too old, and the database server has a newer one"


@pytest.fixture
def extensions(tmp_path: Path) -> Path:
    """A folder of extensions that the server, which runs as somebody else, can read; it has vector 0.4.4."""
    control = "default_version = '0.4.4'\nrelocatable = true\ntrusted = true\n"
    folder = tmp_path / "old" / "extension"
    folder.mkdir(parents=True)
    (folder / "vector.control").write_text(control, encoding="utf-8")
    (folder / "vector--0.4.4.sql").write_text("CREATE FUNCTION vector_is_old() RETURNS int LANGUAGE sql AS 'SELECT 1';")
    for each in (folder, *folder.parents):
        if each.owner() == tmp_path.owner() and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o055)
    for each in folder.iterdir():
        each.chmod(0o644)
    return folder.parent


def only_from(url: str, path: object, server: Server) -> None:
    """Let a database find extensions in one folder alone."""
    server.run(f"ALTER DATABASE {make_url(url).database} SET extension_control_path = '{path}'")


def run(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


def check(tmp_path: Path, url: str) -> tuple[list[str], str]:
    """Return what doctor says of pgvector, and why the start is refused; blank if it isn't."""
    values = {"data_dir": tmp_path / "data", "database_url": url, "index_backend": "pgvector"}
    settings = Settings(Environment.model_validate(values), ConfigFile(), Path("kotae.toml"))
    found = [str(each) for each in local_checks.check_database(settings) if "pgvector" in each.what]
    database = open_database(url)
    refused = ""
    try:
        Knowledge(database, settings.knowledge_dir, tmp_path / "data", settings.index_url).close()
    except StoreError as error:
        refused = str(error)
    finally:
        database.close()
    return found, refused


@pytest.fixture
def url(postgresql: str) -> str:
    open_database(postgresql).close()
    return postgresql


def test_a_server_that_has_it_is_fine(tmp_path: Path, url: str) -> None:
    before, refused = check(tmp_path, url)
    assert before == ["[ok]   INDEX_BACKEND = pgvector: pgvector is made at the first start"]
    assert refused == ""
    [after], _ = check(tmp_path, url)
    assert after.startswith("[ok]   INDEX_BACKEND = pgvector: pgvector 0.")


def test_one_that_is_not_installed_or_too_old_is_named(
    tmp_path: Path, url: str, extensions: Path, postgresql_server: Server
) -> None:
    only_from(url, "/nowhere", postgresql_server)
    assert check(tmp_path, url) == (
        [f"[fail] INDEX_BACKEND = pgvector: {MISSING}"],
        f"INDEX_BACKEND=pgvector can't be used: {MISSING}",
    )
    only_from(url, extensions, postgresql_server)
    for statement in ("SELECT 1", "CREATE EXTENSION vector"):
        run(url, statement)
        assert check(tmp_path, url) == (
            [f"[fail] INDEX_BACKEND = pgvector: {TOO_OLD}"],
            f"INDEX_BACKEND=pgvector can't be used: {TOO_OLD}",
        )
    only_from(url, "$system", postgresql_server)
    [found], refused = check(tmp_path, url)
    assert NOT_UPDATED in found
    assert NOT_UPDATED in refused


@pytest.fixture
def nobody(url: str, postgresql_server: Server) -> Iterator[str]:
    """The address for a user who may make tables, and no extension."""
    name = f"nobody_{secrets.token_hex(6)}"
    database = make_url(url).database
    postgresql_server.run(f"CREATE ROLE {name} LOGIN", f"REVOKE CREATE ON DATABASE {database} FROM PUBLIC")
    run(url, f"GRANT ALL ON SCHEMA public TO {name}", f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
    yield make_url(url).set(username=name).render_as_string(hide_password=False)
    run(url, f"DROP OWNED BY {name}")
    postgresql_server.run(f"DROP ROLE {name}")


def test_a_user_who_may_not_make_it_is_told_who_may(tmp_path: Path, url: str, nobody: str) -> None:
    [found], refused = check(tmp_path, nobody)
    assert found.startswith("[fail] INDEX_BACKEND = pgvector: ")
    assert NO_RIGHT in found
    assert NO_RIGHT in refused
    run(url, "CREATE EXTENSION vector")
    assert check(tmp_path, nobody)[1] == ""
