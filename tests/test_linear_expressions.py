"""Every regular expression takes a time that grows with the text, not with its square."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import bot
import handlers
import indexes
from tests.pathological import slow

PACKAGES = (bot, handlers, indexes)
ANCHORED = {"match", "fullmatch"}
FUNCTIONS = {*ANCHORED, "compile", "search", "findall", "finditer", "sub", "subn", "split"}
SCRIPTS = ("__main__", ".migrations.env")
"""Run by others; to import them is to run them."""
MADE_OF_SETTINGS = {
    r"f'{prefix}[\\w-]+'": "a token's beginning, before letters up to the end",
    r"f'^#[^\\S\\r\\n]*{key}=[^\\r\\n]*'": "the name of a setting, after the beginning of a line",
    "pattern": "the patterns of Block Kit's own fields, at most 255 characters long",
    r"f'[@＠]({re.escape(bot_name)})(?=[^\\x00-\\x7f])'": "the bot's name, with a single letter behind it",
    "action": "the ids of the bot's own buttons",
    "f'<@{self.access.bot_user}[|>]'": "the bot's id",
    r"f'<@(?:{ids})(?:\\|[^<>]*)?>|(?<!\\w)(?:{ids})(?!\\w)'": "people's ids; no bracket may stand within brackets",
    r"""f'(?:"[^"]*(?:""[^"]*)*")?[^{delimiter}\\r\\n]*'""": "a cell whose quotation marks close: among PATHS",
}
"""Expressions that are put together from values, as they are written, and what is in them."""


@cache
def modules() -> dict[Path, ModuleType]:
    """Return every module by its file."""
    names = (each.name for root in PACKAGES for each in pkgutil.walk_packages(root.__path__, f"{root.__name__}."))
    loaded = [*PACKAGES, *(importlib.import_module(name) for name in names if not name.endswith(SCRIPTS))]
    return {Path(str(module.__file__)): module for module in loaded}


def shown(path: Path) -> str:
    """Return a module's path from the root of the repository."""
    return path.relative_to(Path(bot.__file__).parents[1]).as_posix()


@cache
def written() -> list[tuple[Path, ast.Call]]:
    """Return every call of one of re's functions."""
    found = []
    for path, text in texts().items():
        for node in ast.walk(ast.parse(text)) if re.search(r"\bre\.", text) else ():
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=name)) if name != "escape":
                    assert name in FUNCTIONS, f"{shown(path)}:{node.lineno}: {name}"
                    found.append((path, node))
    return found


@cache
def texts() -> dict[Path, str]:
    """Return every module's code."""
    return {path: path.read_text("utf-8") for path in modules()}


@cache
def calls() -> dict[Path, list[tuple[str, str]]]:
    """Return what looks like a call of a pattern's method, by module: the pattern's name and the method's."""
    call = re.compile(r"\b(\w+)\.(match|fullmatch|search|findall|finditer|sub|split)\b")
    return {path: call.findall(text) for path, text in texts().items()}


def uses(path: Path, name: str) -> set[str]:
    """Return the methods that are called of a module's pattern; of a public one anywhere."""
    where = [calls()[path]] if name.startswith("_") else calls().values()
    return {method for found in where for pattern, method in found if pattern == name}


@cache
def expressions() -> dict[str, tuple[re.Pattern[str], set[str]]]:
    """Return every expression by where it is, with the methods by which it is used."""
    found: dict[str, tuple[re.Pattern[str], set[str]]] = {}
    for path, module in modules().items():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                found[f"{shown(path)} {name}"] = (of_texts(value), uses(path, name))
    for path, call in written():
        first, function = call.args[0], str(call.func.attr)  # type: ignore[attr-defined]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            flags = re.IGNORECASE if "IGNORECASE" in ast.unparse(call) else re.NOFLAG
            known = any(pattern.pattern == first.value for pattern, _ in found.values())
            if not known:
                found[f"{shown(path)}:{call.lineno}"] = (re.compile(first.value, flags), {function})
    return found


def of_texts(pattern: re.Pattern[Any]) -> re.Pattern[str]:
    """Return a pattern of bytes as the same one of texts."""
    if isinstance(pattern.pattern, str):
        return pattern
    return re.compile(pattern.pattern.decode("latin-1"), pattern.flags | re.ASCII)


def runs(pattern: re.Pattern[str], used: set[str]) -> Iterator[Callable[[str], object]]:
    """Yield the ways to run a pattern that cover how it is used: from the beginning, anywhere, or both."""
    if not used or used & ANCHORED or "compile" in used:
        yield pattern.fullmatch
    if not used <= ANCHORED:
        yield pattern.findall


@pytest.mark.parametrize("where", expressions())
def test_expression_is_linear(where: str) -> None:
    pattern, used = expressions()[where]
    for run in runs(pattern, used):
        assert not slow(run, varied=True), f"{pattern.pattern!r} {used}"


def test_what_is_quadratic_is_noticed() -> None:
    assert "spaces" in slow(re.compile(r"[ \u3000]+(?=\n)").findall)
    assert slow(re.compile(r"(a|aa)+x").fullmatch)


def test_every_expression_is_looked_at() -> None:
    """An expression that is put together is in a constant of its module, or in the list above."""
    constants = {id(pattern) for pattern, _ in expressions().values()}
    assert constants
    put_together = {
        ast.unparse(call.args[0])
        for path, call in written()
        if not isinstance(call.args[0], ast.Constant) and not _is_constant(path, call)
    }
    assert put_together == set(MADE_OF_SETTINGS)


def _is_constant(path: Path, call: ast.Call) -> bool:
    """Tell whether the call's result is a module's constant, so that its pattern was found there."""
    tree = ast.parse(texts()[path])
    return any(isinstance(node, ast.Assign) and node.value.lineno == call.lineno for node in tree.body)
