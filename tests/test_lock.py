"""One bot for each DATA_DIR: whatever lies there, and whatever becomes of it meanwhile."""

import shutil
from pathlib import Path

import pytest

from bot.lock import HOLDER, LOCK, TakenError, only_one

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
