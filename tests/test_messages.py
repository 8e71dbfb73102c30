"""What is told about files, models and disks has a key: nobody can raise a sentence, which one language would read."""

import ast
import errno
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import TypeGuard

import pytest

from bot.texts import ENGLISH, JAPANESE
from handlers.texts import HandlerError
from indexes.errors import KnowledgeBaseError, UnusableFileError
from indexes.messages import Translatable, en, reason, say

ROOT = Path(__file__).parents[1]
KEY = re.compile(r"[a-z]+(?:\.[a-z_]+)+")
CARRIED = {"role"}
"""Values that code reads and no sentence needs."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    """All modules, by their paths; but for those that run when they are imported."""
    for package in ("bot", "handlers", "indexes"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name not in {"__main__.py", "env.py"}:
                yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def classes(place: str) -> dict[str, type]:
    """The classes of what is told, by their names in a file."""
    module = importlib.import_module(place.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    told = (KnowledgeBaseError, Translatable)
    return {name: each for name, each in vars(module).items() if isinstance(each, type) and issubclass(each, told)}


def made(tree: ast.AST, known: Mapping[str, type]) -> Iterator[tuple[type, ast.Call]]:
    """Every call with a key: of a class, or of the base's `__init__` in one that chooses the key itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in known:
            yield from ((known[node.name], call) for call in ast.walk(node) if is_super(call) and not passes_on(call))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            made_of = known[node.func.id]
            if "key" in inspect.signature(made_of).parameters and not passes_on(node):
                yield made_of, node


def is_super(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"


def passes_on(call: ast.Call) -> bool:
    """Tell whether it hands a key on that somebody else gave it."""
    return bool(call.args) and isinstance(call.args[0], ast.Name) and call.args[0].id == "key"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def wrong(made_of: type, call: ast.Call, *, below: bool) -> str | None:
    """Say what a call lacks; what is made `below`, in indexes, can be said with the words of indexes only."""
    if len(call.args) != 1 or not (keys := literal(call.args[0])):
        return "has no literal key"
    ours = made_of is Translatable or issubclass(made_of, HandlerError)
    known = ENGLISH.words if ours and not below else en.WORDS
    return next((complaint for key in keys if (complaint := lacking(key, call, known))), None)


def literal(node: ast.expr) -> list[str]:
    """The key that is written down; all that begin so for one such as ``f"audit.miss.{why}"``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr) and isinstance(first := node.values[0], ast.Constant):
        start = str(first.value)
        return [key for key in ENGLISH.words if KEY.match(start + "x") and key.startswith(start)]
    return []


def lacking(key: str, call: ast.Call, known: Mapping[str, str]) -> str | None:
    if key not in known:
        return f"has a key that nothing says: {key}"
    needed = placeholders(ENGLISH.words[key])
    given = {keyword.arg for keyword in call.keywords} - (CARRIED - needed)
    if None in given:  # such as **counts
        return None if given - {None} <= needed else f"gives {key} what it does not say"
    return None if given == needed else f"gives {key} {sorted(map(str, given))}, it says {sorted(needed)}"


def test_whatever_is_told_has_a_key_and_the_values_that_its_sentences_need() -> None:
    complaints = [
        f"{place}:{call.lineno}: {complaint}"
        for place, tree in trees()
        for made_of, call in made(tree, classes(place))
        if (complaint := wrong(made_of, call, below=place.startswith("indexes/")))
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
        ('Translatable(f"audit.miss.{why}")', "gives audit.miss.not_a_question [], it says ['question']"),
        ('Translatable(f"{why}.miss")', "has no literal key"),
        ('Translatable("row.nul", line=1)', "gives row.nul ['line'], it says []"),
        ('Translatable("row.nul", line=1, **more)', "gives row.nul what it does not say"),
    ],
)
def test_a_raise_without_its_key_or_values_is_found(source: str, complaint: str) -> None:
    known = {each.__name__: each for each in (UnusableFileError, Translatable)}
    [(made_of, call)] = made(ast.parse(source), known)
    assert wrong(made_of, call, below=False) == complaint


def test_values_are_said_as_each_language_says_them() -> None:
    headers = tuple(Translatable("list.quoted", text=title) for title in ("Foo", "<Bar>"))
    message = UnusableFileError("csv.no_columns", file="it.csv", headers=headers).message
    assert ENGLISH.say(message).startswith('it.csv: no column to search: the first row has "Foo", "<Bar>". Name one')
    assert JAPANESE.say(message).startswith("it.csv: 検索できる列がありません。1行目は 「Foo」、「<Bar>」 です。")
    assert "「&lt;Bar&gt;」" in JAPANESE.say(message, lambda text: text.replace("<", "&lt;").replace(">", "&gt;"))
    cut = Translatable("row.cut", column="回答", count=32_500, most=32_000)
    assert JAPANESE.say(cut) == "「回答」が 32,500文字あるため、32,000文字で切りました。行を分けてください"


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
