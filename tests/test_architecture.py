"""What import-linter can't say: where the environment is read, and that results are printed by the command line."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for package in ("bot", "handlers", "indexes") for path in (ROOT / package).rglob("*.py"))
CLI = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bot" / "cli").glob("*.py")}
ALLOWED = {
    "environ": {"bot/settings.py", "indexes/environment.py"},
    "getenv": {"bot/settings.py"},
    "print": {*CLI, "bot/playground/trial.py", "bot/serve.py"},
}


@cache
def code(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.AST:
    return ast.parse(code(path))


def trees(*words: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield by file what is written in those that have one of the words: what is looked for can't be in the others."""
    for path in SOURCES:
        if any(word in code(path) for word in words):
            yield path.relative_to(ROOT).as_posix(), tree(path)


def used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr if isinstance(node.value, ast.Name) and node.value.id == "os" else ""
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


@pytest.mark.parametrize("name", ALLOWED)
def test_it_is_used_only_where_it_belongs(name: str) -> None:
    users = {file for file, tree in trees(name) if name in used(tree)}
    assert users <= ALLOWED[name]


def test_there_is_no_pickle_anywhere() -> None:
    pickles = {"pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
    imports = {
        alias.name
        for _, tree in trees(*pickles)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imports.isdisjoint(pickles)


def test_the_playground_hides_no_import_from_import_linter() -> None:
    sources = (ROOT / "bot" / "playground").rglob("*.py")
    assert [path.name for path in sources if "TYPE_CHECKING" in path.read_text(encoding="utf-8")] == []


def test_what_a_call_of_slack_raises_is_listed_in_one_place() -> None:
    """Whoever lists it again forgets a part, such as a connection that breaks in the middle of a response."""
    theirs = {"SlackApiError", "SlackClientError", "HTTPException"}
    listed = [
        (file, names)
        for file, tree in trees(*theirs)
        for names in caught(tree)
        if "OSError" in names and names & theirs
    ]
    assert listed == []


def caught(tree: ast.AST) -> Iterator[set[str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Tuple):
            yield {each.id for each in node.type.elts if isinstance(each, ast.Name)}


def test_only_the_messenger_writes_in_slack_and_it_posts_through_the_outbox() -> None:
    writes = re.compile(r"\.(chat_\w+|files_(?!info)\w+|views_publish)\(")
    files = {path.relative_to(ROOT).as_posix() for path in SOURCES if writes.search(code(path))}
    assert {file for file in files if file.startswith("handlers/")} == {
        "handlers/file_uploads.py",
        "handlers/messenger.py",
        "handlers/outbox.py",
        "handlers/pictures.py",
    }
    made = re.compile(r"\bOutbox\(")
    assert [each.name for each in SOURCES if made.search(code(each))] == ["messenger.py"]
