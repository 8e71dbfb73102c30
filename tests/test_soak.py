"""The runner of `make soak`: interrupted, it goes on; whatever fails, its exit code says so."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults import leaks, mixed_load
from tests.faults.__main__ import SCRIPTS
from tests.faults.progress import KEPT_SECONDS, Progress
from tests.faults.row import Row

ROOT = Path(__file__).parents[1]
FOUND = Row("Floods", 500, 0, "ack 0.8 s")


def soak(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.faults", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_finished_rows_are_not_run_again(tmp_path: Path) -> None:
    Progress(tmp_path / "soak.json", 0.05).add("flood", FOUND)
    done = soak("--share", "0.05", "--progress", tmp_path / "soak.json", "flood")
    assert done.returncode == 0, done.stderr
    assert "done before the interruption" in done.stdout
    assert "ack 0.8 s" in done.stdout
    assert list(tmp_path.iterdir()) == [], "a run that has ended leaves nothing"


@pytest.mark.parametrize("row", [Row("Floods", 500, 1, "lost"), Row("Floods", 0, 0, "nothing was tried")])
def test_a_failure_is_the_exit_code(tmp_path: Path, row: Row) -> None:
    Progress(tmp_path / "soak.json", 1.0).add("flood", row)
    assert soak("--progress", tmp_path / "soak.json", "flood").returncode == 1


def test_another_share_and_an_old_run_are_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    Progress(path, 0.05).add("flood", FOUND)
    assert Progress(path, 0.1).rows() == {}
    kept = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(kept | {"at": time.time() - KEPT_SECONDS - 1}), "utf-8")
    assert Progress(path, 0.05).rows() == {}


def test_rows_add_up(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "soak.json", 0.05)
    progress.add("flood", FOUND)
    progress.add("leaks", Row("Leaks", 9, 0, "none"))
    assert list(progress.rows()) == ["flood", "leaks"]


@pytest.mark.parametrize("share", ["0", "1.5", "-1"])
def test_a_share_is_part_of_the_whole(share: str) -> None:
    done = soak("--share", share)
    assert done.returncode == 2
    assert f"{share} is not above 0 and up to 1" in done.stderr


def test_every_script_is_in_the_list_and_in_the_docs() -> None:
    folder = ROOT / "tests" / "faults"
    written = {
        path.stem for path in folder.glob("*.py") if "\ndef run(share: float) -> Row:" in path.read_text("utf-8")
    }
    assert written == SCRIPTS.keys()
    told = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    assert [name for name in SCRIPTS if f"| `{name}` |" not in told] == []


def test_no_probe_with_forged_values_finds_what_is_private() -> None:
    found = leaks.run(0.005)
    assert (found.trials, found.failures) == (50, 0), found.worst


@pytest.mark.parametrize(("an_hour", "expected"), [(0.0, 0.0), (50.0, 0.5)])
def test_memory_that_grows_is_noticed(an_hour: float, expected: float) -> None:
    samples = [(float(second), 100.0 + an_hour * (second - 1440) / 3600) for second in range(3600)]
    grown, growth = mixed_load._growth([(second, max(memory, 100.0)) for second, memory in samples])
    assert growth == pytest.approx(expected, rel=0.1)
    assert (growth > mixed_load.MOST_GROWTH and grown > mixed_load.NOISE_MB) == (an_hour > 0)
