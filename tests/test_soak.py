"""The runner of `make soak`: interrupted, it goes on; whatever fails, its exit code says so."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.faults import leaks, mixed_load
from tests.faults.__main__ import PARTS, SCRIPTS
from tests.faults.part import GRACE_SECONDS
from tests.faults.progress import Progress, code_now
from tests.faults.row import Row

ROOT = Path(__file__).parents[1]
FOUND = Row(500, 0, "ack 0.8 s", 0.8)
COMMAND = "--share 0.1 flood"
BOT_STARTED = 4
"""Processes: a part, what it forks bots with, and a bot with its watcher."""


def soak(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.faults", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def begun(*arguments: str | Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.faults", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def wait_until(is_so: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def table(printed: str) -> dict[str, tuple[int, int]]:
    """The trials and failures of each row that was printed at the end."""
    found = re.findall(r"[│|] (\w+) +[│|] +([\d,]+) [│|] +([\d,]+) [│|]", printed)
    return {row: (int(trials.replace(",", "")), int(failures.replace(",", ""))) for row, trials, failures in found}


def test_finished_parts_are_not_made_again(tmp_path: Path) -> None:
    Progress(tmp_path / "soak.json", COMMAND, code_now()).add("flood", FOUND)
    done = soak("--share", "0.1", "--progress", tmp_path / "soak.json", "flood")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 parts, 500 trials, were made before" in done.stdout
    assert "10% of the long form" in done.stdout
    assert table(done.stdout) == {"flood": (500, 0)}
    assert "ack 0.8 s" in done.stdout
    assert list(tmp_path.iterdir()) == [], "a run that has ended leaves nothing"


@pytest.mark.parametrize("part", [Row(500, 1, "lost [it]"), Row(0, 0, "nothing was tried")])
def test_a_failure_is_the_exit_code(tmp_path: Path, part: Row) -> None:
    progress = Progress(tmp_path / "soak.json", "--share 1 flood", code_now())
    for each in [*[FOUND] * (PARTS - 1 if part.trials else 0), *[part] * (1 if part.trials else PARTS)]:
        progress.add("flood", each)
    done = soak("--progress", tmp_path / "soak.json", "flood")
    assert done.returncode == 1
    assert part.worst in done.stdout
    assert table(done.stdout) == {"flood": ((PARTS - 1) * 500 + 500, 1) if part.trials else (0, 0)}


@pytest.mark.long("makes 2,000 requests over HTTP")
def test_it_goes_on_where_it_was_however_it_was_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    arguments = ("--share", "0.2", "--progress", path, "doors")
    progress = Progress(path, "--share 0.2 doors", code_now())
    for number, exit_code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        with begun(*arguments) as running:
            itself = psutil.Process(running.pid)
            wait_until(lambda itself=itself: progress.parts("doors") and itself.children(), "the second part")  # type: ignore[misc]
            running.send_signal(number)
            printed, _ = running.communicate(timeout=60)
        assert running.returncode == exit_code
        assert len(progress.parts("doors")) == 1
        if number == signal.SIGINT:
            assert "Interrupted: the same command goes on" in printed
            assert table(printed) == {"doors": (1000, 0)}
    done = soak(*arguments)
    assert done.returncode == 0, done.stdout
    assert "1 of 2 parts, 1,000 trials, were made before" in done.stdout
    assert table(done.stdout) == {"doors": (2000, 0)}


@pytest.mark.long("starts bots and kills them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_it_started_ends_with_it(tmp_path: Path, number: int) -> None:
    with begun("--share", "0.02", "--progress", tmp_path / "soak.json", "sockets") as running:
        itself = psutil.Process(running.pid)
        wait_until(lambda: len(itself.children(recursive=True)) >= BOT_STARTED, "a bot")
        started = itself.children(recursive=True)
        running.send_signal(number)
        running.communicate(timeout=2 * GRACE_SECONDS)
    assert psutil.wait_procs(started, timeout=GRACE_SECONDS)[1] == []


def test_the_worse_part_tells_the_worst_case() -> None:
    slow, lost = Row(10, 0, "2 s", 2.0), Row(10, 1, "lost")
    assert FOUND + slow == Row(510, 0, "2 s", 2.0)
    assert slow + lost + FOUND == Row(520, 1, "lost")


def test_what_other_code_has_made_counts_no_more(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    Progress(path, COMMAND, "before").add("flood", FOUND)
    assert Progress(path, COMMAND, "after").parts("flood") == []
    path.write_text(json.dumps({"share": 0.1, "at": 1.0, "rows": {"flood": {"name": "Floods"}}}), "utf-8")
    assert Progress(path, COMMAND, "after").parts("flood") == [], "a file as it was written before"


def test_another_command_leaves_an_interrupted_run_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    everything, one = Progress(path, "--share 1 flood leaks", "code"), Progress(path, "--share 1 leaks", "code")
    everything.add("flood", FOUND)
    everything.add("flood", FOUND)
    assert one.parts("flood") == []
    one.add("leaks", FOUND)
    one.end()
    assert everything.parts("flood") == [FOUND, FOUND]
    everything.end()
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--share", "0"], "0 is not a number above 0 and up to 1"),
        (["--share", "1.5"], "1.5 is not a number above 0 and up to 1"),
        (["--share", "a tenth"], "a tenth is not a number above 0 and up to 1"),
        (["floods"], "floods is none of flood, kill_confirmed"),
    ],
)
def test_what_is_wrong_with_the_command_is_said(arguments: list[str], said: str) -> None:
    done = soak(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_every_script_is_in_the_list_and_in_the_docs() -> None:
    folder = ROOT / "tests" / "faults"
    written = {path.stem for path in folder.glob("*.py") if "\ndef run(share: float, " in path.read_text("utf-8")}
    assert written == SCRIPTS.keys()
    for page in ("reliability.md", "reliability.ja.md"):
        told = (ROOT / "docs" / page).read_text("utf-8")
        assert [name for name in SCRIPTS if told.count(f"| `{name}` |") != 2] == []  # what is done, and what came of it


def test_no_probe_with_forged_values_finds_what_is_private() -> None:
    found = leaks.run(0.005)
    assert (found.trials, found.failures) == (50, 0), found.worst


@pytest.mark.parametrize(("an_hour", "expected"), [(0.0, 0.0), (50.0, 0.5)])
def test_memory_that_grows_is_noticed(an_hour: float, expected: float) -> None:
    samples = [(float(second), 100.0 + an_hour * (second - 1440) / 3600) for second in range(3600)]
    grown, growth = mixed_load._growth([(second, max(memory, 100.0)) for second, memory in samples])
    assert growth == pytest.approx(expected, rel=0.1)
    assert (growth > mixed_load.MOST_GROWTH and grown > mixed_load.NOISE_MB) == (an_hour > 0)
