"""Files that wait for a decision: kept through restarts and kills, handed out once, gone after a day."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handlers.files.pending import EXPIRES_SECONDS, Pending, PendingError, Upload, recover


def keep(pending: Pending, data: bytes = b"a,b\n") -> Upload:
    return pending.keep(data, "a.csv", "U1", "C1", "it-help", is_certain=True)


def test_what_is_kept_is_found_after_a_restart(tmp_path: Path) -> None:
    upload = keep(Pending(tmp_path / "uploads"))
    again = Pending(tmp_path / "uploads")
    assert again.get(upload.id) == upload
    assert again.data(upload) == b"a,b\n"
    assert again.choose(upload, "dev-faq").target == "dev-faq"
    assert Pending(tmp_path / "uploads").get(upload.id) == again.choose(upload, "dev-faq")


def test_one_of_many_decides(tmp_path: Path) -> None:
    pending = Pending(tmp_path)
    upload = keep(pending)
    barrier = threading.Barrier(8)

    def decide(_: int) -> bool:
        barrier.wait(60)
        with pending.decided(upload) as mine:
            time.sleep(0.01)
            return mine

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(decide, range(8))).count(True) == 1
    assert pending.get(upload.id) is None
    assert list(tmp_path.iterdir()) == []


def test_a_decision_that_fails_leaves_it_waiting(tmp_path: Path) -> None:
    pending = Pending(tmp_path)
    upload = keep(pending)

    def fail() -> None:
        with pending.decided(upload) as mine:
            assert mine
            assert pending.get(upload.id) is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert pending.get(upload.id) == upload


def test_a_process_killed_over_a_decision_leaves_it_waiting(tmp_path: Path) -> None:
    upload = keep(Pending(tmp_path))
    (tmp_path / upload.id).rename(tmp_path / f"{upload.id}.taken")
    assert Pending(tmp_path).get(upload.id) is None
    recover(tmp_path)
    assert Pending(tmp_path).get(upload.id) == upload


def test_after_a_day_it_is_gone(tmp_path: Path) -> None:
    now = [time.time()]
    pending = Pending(tmp_path, clock=lambda: now[0])
    upload = keep(pending)
    now[0] += EXPIRES_SECONDS - 60
    assert pending.get(upload.id) == upload
    now[0] += 120
    assert pending.get(upload.id) is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PendingError, match=r"a\.csv is not there any more; send it again"):
        pending.data(upload)
    with pytest.raises(PendingError):
        pending.choose(upload, "x")


@pytest.mark.parametrize("id_", ["", "..", "../x", "a/../b", "0" * 15, "0" * 16])
def test_ids_lead_nowhere_else(tmp_path: Path, id_: str) -> None:
    (tmp_path / "about.json").write_text("{}")
    assert Pending(tmp_path / "uploads").get(id_) is None


def test_a_damaged_one_is_left_out(tmp_path: Path) -> None:
    pending = Pending(tmp_path)
    upload = keep(pending)
    (tmp_path / upload.id / "about.json").write_text("{")
    assert pending.get(upload.id) is None


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("in the way")
    with pytest.raises(PendingError, match=r"a\.csv can't be kept in .*; free some space or make the folder writable"):
        keep(Pending(tmp_path / "uploads"))
