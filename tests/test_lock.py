"""One bot for each DATA_DIR: whatever lies there, and whatever becomes of it meanwhile."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from bot.lock import HOLDER, LOCK, TakenError, only_one
from handlers.schema import open_database
from handlers.store.claims import Claims

HOLDERS = [
    b"",
    b"[]",
    b"null",
    b'{"pid": 1, "host": "here", "since": 1e300}',
    b'{"pid": 1, "host": "here", "since": "then"}',
    b'{"pid": 1e400, "host": "here", "since": 1}',
    b"[" * 100_000,
    b"\xff",
]


@pytest.mark.parametrize("written", HOLDERS, ids=lambda each: repr(each[:40]))
def test_the_second_is_told_whatever_the_first_has_left(tmp_path: Path, written: bytes) -> None:
    with only_one(tmp_path):
        (tmp_path / HOLDER).write_bytes(written)
        with pytest.raises(TakenError, match=f"it has locked {tmp_path / LOCK}"), only_one(tmp_path):
            pass


def test_nothing_in_the_place_of_its_note_keeps_it_from_locking_or_ending(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / HOLDER).mkdir()
    with only_one(tmp_path), pytest.raises(TakenError), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass
    assert "can't be locked" not in caplog.text


def test_it_ends_though_its_folder_is_gone(tmp_path: Path) -> None:
    with only_one(tmp_path / "data"):
        shutil.rmtree(tmp_path / "data")
    with only_one(tmp_path / "data"):
        assert (tmp_path / "data" / HOLDER).exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_its_folder_is_for_its_owner_alone_also_one_that_was_there(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "old").mkdir(mode=0o777)
        for name in ("old", "new"):
            with only_one(tmp_path / name):
                assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700
    finally:
        os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_the_database_is_for_its_owner_alone_also_one_that_was_there(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for _ in range(2):
            database = open_database(f"sqlite:///{tmp_path / 'state.db'}")
            Claims(database).take("event:1")
            files = [each for each in tmp_path.glob("state.db*") if not each.name.endswith(".lock")]
            assert {each.name for each in files} == {"state.db", "state.db-wal", "state.db-shm"}
            assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
            database.close()
            (tmp_path / "state.db").chmod(0o666)
    finally:
        os.umask(before)
