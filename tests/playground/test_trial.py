"""`kotae try` as a process: the page's address, a script that is played, and the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(*arguments: str, data: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "DATA_DIR": str(data),
        "ENCODER_BACKEND": "lexical",
    }
    command = [sys.executable, "-m", "bot", "try", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment
    )


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    return out, errors


def test_it_says_where_the_page_is_plays_the_script_and_ends_when_told(tmp_path: Path) -> None:
    knowledge = tmp_path / "my-csvs"
    knowledge.mkdir()
    (knowledge / "lunch.csv").write_text("question,answer\nWhere is lunch?,In the canteen.\n", encoding="utf-8")
    script = tmp_path / "day.txt"
    script.write_text("# At noon\n:as alice\n:in #lunch\n@Kotae where is lunch?\n", encoding="utf-8")
    process = start("--no-open", "--knowledge", str(knowledge), "--script", str(script), data=tmp_path / "data")
    assert process.stdout is not None
    first = process.stdout.readline()
    address = re.search(r"http://127\.0\.0\.1:\d+/#[\w-]{32}$", first)
    assert address is not None
    with urllib.request.urlopen(address[0], timeout=10) as page:
        assert b"<title>Kotae" in page.read()
    told = iter(process.stdout.readline, "")
    assert any("In the canteen." in line for line in told)
    end(process)


def test_without_a_terminal_it_talks_in_text(tmp_path: Path) -> None:
    process = start(data=tmp_path / "data")
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert out.startswith("Kotae · local workspace")


def test_a_script_that_is_not_there_and_a_port_that_is_none_are_refused(tmp_path: Path) -> None:
    process = start("--script", str(tmp_path / "none.txt"), data=tmp_path / "data")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == f"{tmp_path / 'none.txt'}: No such file or directory. --script takes a text file.\n"
    process = start("--port", "70000", data=tmp_path / "data")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "'70000' is not a port from 0 to 65535" in errors
