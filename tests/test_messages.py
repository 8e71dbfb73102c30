"""What is told about files, models and disks has a key: nobody can raise a sentence, which one language would read."""

import ast
import errno
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from handlers.texts import ENGLISH, JAPANESE
from indexes.errors import UnusableFileError
from indexes.messages import Translatable, en, reason, say

ROOT = Path(__file__).parents[1]
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
    for package in ("bot", "handlers", "indexes")
    for path in sorted((ROOT / package).rglob("*.py"))
}
CARRIED = {"role"}
"""Values that code reads and no sentence needs."""


def subclasses(name: str) -> set[str]:
    """The classes that are, or derive from, the named one."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {name}
    while more := {each for each, over in bases.items() if over & found} - found:
        found |= more
    return found


ERRORS = subclasses("KnowledgeBaseError")
OURS = subclasses("HandlerError")


def made(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call that makes something to tell, with the name of its class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in ERRORS:
            yield from ((node.name, call) for call in ast.walk(node) if is_super(call) and isinstance(call, ast.Call))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {*ERRORS, "Translatable"}:
            yield node.func.id, node


def is_super(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "__init__"
        and isinstance(node.func.value, ast.Call)
    )


def passes_on(call: ast.Call) -> bool:
    """Tell whether it hands a key on that somebody else gave it."""
    return bool(call.args) and isinstance(call.args[0], ast.Name) and call.args[0].id == "key"


def with_own_arguments() -> set[str]:
    """Classes that take something else than a key and choose it themselves, in their own `__init__`."""
    return {
        node.name
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and node.name in ERRORS
        and any(
            isinstance(each, ast.FunctionDef) and each.name == "__init__" and "key" not in map(named, positional(each))
            for each in node.body
        )
    }


def positional(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args]


def named(argument: ast.arg) -> str:
    return argument.arg


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def wrong(place: str, name: str, call: ast.Call) -> str | None:
    """Say what a call lacks."""
    key = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    if not isinstance(key, str) or len(call.args) > 1:
        return "has no literal key"
    if key not in (en.WORDS if place.startswith("indexes/") or (name in ERRORS - OURS) else ENGLISH.words):
        return f"has a key that nothing says: {key}"
    needed = placeholders(ENGLISH.words[key])
    given = {keyword.arg for keyword in call.keywords} - (CARRIED - needed)
    if None in given:  # such as **counts
        return None if given - {None} <= needed else f"gives {key} what it does not say"
    return None if given == needed else f"gives {key} {sorted(map(str, given))}, it says {sorted(needed)}"


def test_whatever_is_told_has_a_key_and_the_values_that_its_sentences_need() -> None:
    own = with_own_arguments()
    complaints = [
        f"{place}:{call.lineno}: {name} {complaint}"
        for place, tree in TREES.items()
        for name, call in made(tree)
        if not passes_on(call) and (is_super(call) or name not in own) and (complaint := wrong(place, name, call))
    ]
    assert complaints == []


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('raise UnusableFileError(f"{name}: empty")', "has no literal key"),
        ("raise UnusableFileError()", "has no literal key"),
        ('raise UnusableFileError("csv.empty", name)', "has no literal key"),
        ('raise UnusableFileError("csv.emtpy", file=name)', "has a key that nothing says: csv.emtpy"),
        ('raise UnusableFileError("edit.gone")', "has a key that nothing says: edit.gone"),
        ('raise UnusableFileError("csv.empty")', "gives csv.empty [], it says ['file']"),
        ('Translatable("row.nul", line=1)', "gives row.nul ['line'], it says []"),
        ('Translatable("row.nul", line=1, **more)', "gives row.nul what it does not say"),
    ],
)
def test_a_raise_without_its_key_or_values_is_found(source: str, complaint: str) -> None:
    [(name, call)] = made(ast.parse(source))
    assert wrong("handlers/x.py", name, call) == complaint


def test_values_are_said_as_each_language_says_them() -> None:
    headers = tuple(Translatable("list.quoted", text=title) for title in ("Foo", "<Bar>"))
    message = UnusableFileError("csv.no_columns", file="it.csv", headers=headers).message
    assert ENGLISH.say(message).startswith('it.csv: no column to search: the first row has "Foo", "<Bar>". Name one')
    assert JAPANESE.say(message).startswith("it.csv: 検索できる列がありません。1 行目は 「Foo」、「<Bar>」 です。")
    assert "「&lt;Bar&gt;」" in JAPANESE.say(message, lambda text: text.replace("<", "&lt;").replace(">", "&gt;"))
    cut = Translatable("row.cut", column="回答", count=32_500, most=32_000)
    assert JAPANESE.say(cut) == "「回答」が 32,500 文字あるため、32,000 文字で切りました。行を分けてください"


def test_braces_in_a_value_are_only_text() -> None:
    assert say(Translatable("file.missing", file="{file}.csv"), en.WORDS).startswith("{file}.csv: there is no such")


def test_an_error_made_of_a_kept_message_says_the_same() -> None:
    first = UnusableFileError("csv.empty", file="it.csv")
    again = UnusableFileError.of(first.message)
    assert (str(again), again.message) == (str(first), first.message)
    assert len({first.message, again.message, Translatable("csv.empty", file="hr.csv")}) == 2


def test_the_system_s_reasons_are_said_in_both_languages() -> None:
    full = reason(OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(full, Translatable)
    assert (ENGLISH.say(full), JAPANESE.say(full)) == ("No space left on device", "ディスクの空きがありません")
    assert reason(OSError(errno.ELOOP, "Too many levels of symbolic links")) == "Too many levels of symbolic links"
    assert reason(OSError("odd")) == "odd"
