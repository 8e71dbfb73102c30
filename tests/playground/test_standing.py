"""What the trial shows of the person's own files: questions from their rows, and what is wrong until it is mended."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from bot.playground.page import Page
from bot.playground.terminal import converse
from bot.playground.terminal.listings import USAGE, USAGE_JA
from bot.playground.trial import trial
from bot.settings import Environment, Settings
from tests.encoders import hashing_manager
from tests.slack.conftest import IT_HELP

PLAYGROUND = Path(__file__).parents[2] / "bot" / "playground"
OWN = "question,answer\nWhere is the sauna?,In the basement.\nサウナはどこですか？,地下です。\n"
BROKEN = "foo,bar\n1,2\n"
World = tuple[LocalSlack, Page, Path]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The trial with a knowledge base that has a sample's name and the person's own rows."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "it-help.csv").write_text(OWN, encoding="utf-8")
    (folder / "hr-somu.csv").write_text(IT_HELP, encoding="utf-8")
    environment = Environment.model_validate({"data_dir": tmp_path / "data", "encoder_backend": "lexical"})
    manager = hashing_manager()
    with trial(Settings(environment, ConfigFile(), Path("kotae.toml")), folder, manager=manager) as (slack, page, _):
        yield slack, page, folder
    manager.close()


def typed(slack: LocalSlack, *lines: str) -> str:
    screen = io.StringIO()
    converse(slack, console=Console(file=screen, width=100), lines=lines)
    return screen.getvalue()


def test_questions_are_those_of_the_rows_and_a_broken_file_is_told_until_it_is_mended(world: World) -> None:
    slack, page, folder = world
    assert page.questions["it-help"] == ("サウナはどこですか？", "Where is the sauna?")
    assert "パスワードを忘れました。どうすれば再設定できますか？" in page.questions["hr-somu"]
    assert slack.standing == {}
    (folder / "it-help.csv").write_text(BROKEN, encoding="utf-8")
    slack.wait_until(lambda: slack.standing, what="the note")
    [note] = slack.standing.values()
    assert note.is_problem
    assert note.en.startswith("it-help: it-help.csv: ")
    assert note.en.endswith("Its earlier rows answer until it is mended.")
    shown = re.sub(r"\s", "", typed(slack, ":people", ":as alice", ":people"))
    assert shown.count("直るまでは、前の内容で答えます") == 2, (
        "at first, and after a line of somebody who reads Japanese"
    )
    assert shown.count("answeruntilitismended.") == 2, "after each line of somebody who doesn't"
    (folder / "it-help.csv").write_text(OWN.replace("basement", "attic"), encoding="utf-8")
    slack.wait_until(lambda: not slack.standing, what="its end")
    assert "mended" not in typed(slack, ":as alice", ":people")


def test_what_can_be_typed_is_told_in_the_readers_language(world: World) -> None:
    slack, *_ = world
    japanese, both = typed(slack, ":help"), typed(slack, ":as alice", ":help")
    assert "別の人になります" in japanese
    assert "別の人になります" not in both
    assert "be somebody else" in both
    assert len(USAGE.splitlines()) == len(USAGE_JA.splitlines())


def reasons() -> Iterator[str]:
    """What the server says when somebody can't do something on the page, with X for every value."""
    for path in ("page/actions.py", "slack/control_actions.py", "slack/user_actions.py"):
        for node in ast.walk(ast.parse((PLAYGROUND / path).read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NotPossibleError":
                yield said(node.args[0])


def said(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts)


def test_the_page_has_every_reason_in_japanese() -> None:
    script = (PLAYGROUND / "page/static/js/reasons.js").read_text("utf-8")
    patterns = re.findall(r"^  \[/(\^.*\$)/, ", script, re.MULTILINE)
    found = set(reasons())
    assert len(found) > 15
    assert [reason for reason in found if not any(re.fullmatch(pattern, reason) for pattern in patterns)] == []
