"""`kotae try`: the page's address, a script that is played, the end, and what it changes."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from bot.playground.copies import NOTE, copied
from bot.playground.page import Page
from bot.playground.trial import trial
from bot.samples import FOLDER as SAMPLES
from bot.samples import sample_files
from bot.settings import Environment, Settings
from indexes.text import is_japanese
from tests.encoders import hashing_manager
from tests.processes import Python, run

ROOT = Path(__file__).parents[2]


def start(*arguments: str, data: Path, stdin: int = subprocess.DEVNULL, admin: str = "/kb") -> subprocess.Popen[str]:
    environment = {**os.environ, "DATA_DIR": str(data), "ENCODER_BACKEND": "lexical", "ADMIN_COMMAND": admin}
    files = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return Python[str]("-m", "bot", "try", *arguments, **files, text=True, env=environment)


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    return out, errors


def test_in_the_terminal_one_begins_as_somebody_of_its_language_with_questions_in_it(tmp_path: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DATA_DIR": str(tmp_path), "ENCODER_BACKEND": "lexical"}
    done = run("-m", "bot", "try", "--terminal", said=":quit\n", cwd=tmp_path, env=environment)
    assert "You are Alice Brown (member, English)" in done.stdout
    offered = done.stdout.partition("Try / お試しください\n")[2].partition("\n\n")[0]
    assert offered.count("\n") == 3
    assert not is_japanese(offered)


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
    environment = {**os.environ, "DATA_DIR": str(tmp_path / "data")}
    asked = Python[str]("-m", "bot", "status", stdout=subprocess.PIPE, text=True, env=environment)
    status, _ = asked.communicate(timeout=60)
    assert status.startswith(f"A trial (`kotae try`) is running (pid {process.pid}, ")
    end(process)


def refused(*arguments: str, data: Path, admin: str = "/kb") -> tuple[int, str]:
    """The exit code of a trial that can't begin, and what it says."""
    process = start("--no-open", *arguments, data=data, admin=admin)
    out, errors = process.communicate(timeout=60)
    assert (out, "Traceback" in errors) == ("", False)
    return process.returncode, errors


def test_a_script_a_port_and_a_command_that_can_not_be_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code, errors = refused("--script", str(tmp_path / "none.txt"), data=data)
    assert (code, errors) == (
        1,
        f"{tmp_path / 'none.txt'}: No such file or directory. --script takes a text file.\n",
    )
    code, errors = refused("--port", "70000", data=data)
    assert (code, "'70000' is not a port from 0 to 65535" in errors) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, errors = refused("--port", str(taken.getsockname()[1]), data=data)
    assert (code, errors.startswith("Not done: "), "address already in use" in errors) == (1, True, True)
    code, errors = refused(data=data, admin="/status")
    said = "SEARCH_COMMAND and ADMIN_COMMAND: /status is one of Slack's own commands; choose another, such as"
    assert (code, errors) == (1, f"{said} /kb-search\n")


# What a trial changes: a copy

LUNCH = "question,answer\nWhere is lunch?,In the canteen.\n"


@contextmanager
def tried(folder: Path, knowledge: Path | None = None, *, afresh: bool = False) -> Iterator[tuple[LocalSlack, Page]]:
    """A trial in a folder with a knowledge folder of its own."""
    environment = Environment.model_validate(
        {"knowledge_dir": folder / "knowledge", "data_dir": folder / "data", "encoder_backend": "lexical"}
    )
    manager = hashing_manager()
    settings = Settings(environment, ConfigFile(), folder / "kotae.toml")
    with trial(settings, knowledge, manager=manager, afresh=afresh) as (slack, page, _):
        yield slack, page
    manager.close()


def add(slack: LocalSlack, place: str, question: str, answer: str) -> None:
    """Add an entry in Slack's form, as an admin does."""
    asked = slack.command("olivia", place, f"/kb add {question}")
    slack.wait_until(lambda: asked.views, what="the form")
    [view] = asked.views
    sent = slack.submit("olivia", view, {"answer": answer})
    assert sent.errors == {}
    slack.wait_until(lambda: "Saved in" in view.shown, what="the entry")


def told(slack: LocalSlack, question: str) -> str:
    return slack.reply(slack.say("alice", slack.person("alice"), question)).shown


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_trial_works_on_a_copy_that_stays_until_its_original_changes_or_it_is_begun_afresh(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    (folder / "sub").mkdir(parents=True)
    (folder / "lunch.csv").write_text(LUNCH, encoding="utf-8")
    (folder / "parking.csv").write_text("question,answer\nWhere can I park?,Behind the house.\n", encoding="utf-8")
    (folder / "README.md").write_text("question,answer\nIs this knowledge?,No.\n")
    (folder / "folder.csv").mkdir()
    (folder / "gone.csv").symlink_to("nowhere.csv")
    before = contents(folder)
    with tried(tmp_path) as (slack, page):
        assert (page.knowledge, page.is_copy) == (tmp_path / "data" / "try" / "copy" / "knowledge", True)
        add(slack, "lunch", "When is lunch?", "At noon.")
        assert "At noon." in told(slack, "When is lunch?")
        assert contents(folder) == before, "no row, no lock"
    with tried(tmp_path) as (slack, _):
        assert "At noon." in told(slack, "When is lunch?"), "what was tried stays"
    (folder / "lunch.csv").write_text(LUNCH.replace("canteen", "garden"), encoding="utf-8")
    (folder / "parking.csv").unlink()
    with tried(tmp_path) as (slack, page):
        assert "In the garden." in told(slack, "Where is lunch?")
        assert {path.name for path in page.knowledge.glob("[!.]*")} == {"lunch.csv"}
        add(slack, "lunch", "When is lunch?", "At noon.")
    compiled = tmp_path / "data" / "try" / "compiled" / "model.onnx"
    compiled.parent.mkdir()
    compiled.write_bytes(b"long to make")
    with tried(tmp_path, afresh=True) as (slack, page):
        assert (page.knowledge / "lunch.csv").read_bytes() == (folder / "lunch.csv").read_bytes()
        assert "At noon." not in told(slack, "When is lunch?")
        assert compiled.read_bytes() == b"long to make"


def test_where_there_is_no_knowledge_yet_the_samples_are_copied(tmp_path: Path) -> None:
    before = contents(SAMPLES)
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "README.md").write_text("Put your CSV files here.\n")
    with tried(tmp_path) as (slack, page):
        add(slack, "it-help", "水槽の掃除は誰がしますか", "総務の当番です。")
        assert page.knowledge == tmp_path / "data" / "try" / "copy" / "samples"
        assert {path.name for path in page.knowledge.glob("*.csv")} == {path.name for path in sample_files()}
    assert contents(SAMPLES) == before
    assert contents(tmp_path / "knowledge").keys() == {"README.md"}


def test_a_folder_that_is_named_is_edited_and_that_is_said(tmp_path: Path) -> None:
    own = tmp_path / "my-csvs"
    own.mkdir()
    (own / "lunch.csv").write_text(LUNCH, encoding="utf-8")
    with tried(tmp_path, own) as (slack, page):
        add(slack, "lunch", "When is lunch?", "At noon.")
        assert (page.knowledge, page.is_copy) == (own, False)
    assert "When is lunch?,At noon." in (own / "lunch.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), ("It works on a copy in data/try/copy/samples;", "data/try/copy/samples にあるコピーを使います。")),
        (("--knowledge", "mine"), ("It edits the files in mine.", "mine のファイルを直接編集します。")),
    ],
)
def test_without_a_terminal_it_talks_in_text_and_says_what_it_changes(
    tmp_path: Path, arguments: tuple[str, ...], says: tuple[str, ...]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lunch.csv").write_text(LUNCH, encoding="utf-8")
    process = start(*arguments, data=Path("data"), stdin=subprocess.PIPE)
    assert isinstance(process.stdin, io.TextIOWrapper)
    process.stdin.buffer.write(b"\x83p\x83X\n")  # of another encoding
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert out.startswith("Kotae · local workspace")
    assert "> \ufffdp\ufffdX\n" in out
    assert [each for each in says if each not in out] == []


def test_a_note_that_says_nothing_costs_a_new_copy_and_nothing_else(tmp_path: Path) -> None:
    source, data = tmp_path / "knowledge", tmp_path / "data"
    source.mkdir()
    (source / "lunch.csv").write_text(LUNCH, encoding="utf-8")
    outside = tmp_path / "outside.csv"
    outside.write_text(LUNCH, encoding="utf-8")
    copy = copied(source, data)
    note = copy / NOTE
    known = json.loads(note.read_bytes())
    damaged = [b"", b"{", b"[]", b'{"source": 1}', json.dumps({**known, "files": {"../../outside.csv": "x"}}).encode()]
    for content in damaged:
        note.write_bytes(content)
        assert copied(source, data) == copy
        assert contents(copy)["lunch.csv"] == LUNCH.encode()
        assert json.loads(note.read_bytes()) == known
    assert outside.is_file()
