"""The generated sections of pages: what the code says, as Markdown in a page's language."""

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from bot.cli import COMMANDS
from bot.cli.command import Command
from bot.config_file import ConfigFile
from bot.manifest import AGENT_SCOPE, SCOPES
from bot.retention import KEPT, Kept
from indexes.confidence.proof import needed
from indexes.messages import en, ja
from indexes.records.header_names import NAMES
from tests.pages import japanese
from tests.pages.measured import MEASURED, measured
from tests.pages.reasons import REASONS
from tests.pages.tables import Language, table

ROOT = Path(__file__).parents[2]
Section = Callable[[Language], str]
Key = TypeVar("Key")

_SECTION = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\w+(?::[^}]*)?\}")
_PLACE = re.compile(r"^\{file\}(?::\{line\})?: ?")
_FRAGMENTS = {
    "csv.header_below",
    "row.place",
    "row.fields.one",
    "row.fields.other",
    "row.width",
    "workbook.other_sheets",
}
"""Messages that only occur around or within others."""
_TITLES = {
    "csv": ("The file", "ファイル"),
    "workbook": ("Workbooks", "ブック"),
    "row": ("Rows", "行"),
    "synonyms": ("Synonyms", "同義語"),
}
_PROMISES = (0.7, 0.8, 0.9, 0.95)
_HOUR, _DAY = 1 / 24, 1.0
_BLOCK = re.compile(r"(?:^# .*\n)+(?:^#?[A-Z_]+=.*\n)+", re.MULTILINE)
"""Lines of `.env.example`: a comment, and the variables that it describes."""


def pages() -> list[Path]:
    """List the pages of docs/, those in subfolders not."""
    return sorted((ROOT / "docs").glob("*.md"))


def with_sections() -> list[Path]:
    """List the pages and READMEs that have generated sections."""
    readmes = [ROOT / "README.md", ROOT / "README.ja.md"]
    return [page for page in (*readmes, *pages()) if names_on(page)]


def language_of(page: Path) -> Language:
    """Return the language that a page is written in, from its name."""
    return "ja" if page.name.endswith(".ja.md") else "en"


def names_on(page: Path) -> list[str]:
    """List the generated sections of a page."""
    return [found[2] for found in _SECTION.finditer(page.read_text("utf-8"))]


def filled(page: Path) -> str:
    """Return the page's text with each section as it is generated now."""
    language = language_of(page)
    return _SECTION.sub(
        lambda found: f"{found[1]}\n{SECTIONS[found[2]](language)}\n\n{found[3]}", page.read_text("utf-8")
    )


def commands(language: Language) -> str:
    """Describe every command of the shell with its arguments, as `--help` does."""
    return "\n\n".join(_described(command, command.name, language) for command in COMMANDS)


def _described(command: Command, path: str, language: Language) -> str:
    parts = [f"### kotae {path}", command.description]
    if rows := list(_arguments(command)):
        parts.append(table((("argument", "") if language == "en" else ("引数", "")), rows))
    parts.append(f"```sh\nkotae {command.example}\n```")
    parts += [_described(action, f"{path} {action.name}", language) for action in command.actions]
    return "\n\n".join(parts)


def _arguments(command: Command) -> Iterator[tuple[str, str]]:
    parser = argparse.ArgumentParser(add_help=False)
    command.add_arguments(parser)
    for action in parser._actions:
        value = "" if action.nargs == 0 else str(action.metavar or "|".join(action.choices or []) or action.dest)
        shown = " ".join(filter(None, [", ".join(action.option_strings), value]))
        yield _code(f"[{shown}]" if action.nargs == "?" else shown), action.help or ""


def environment(language: Language) -> str:
    """Describe the variables of `.env.example`."""
    rows = list(_described_variables((ROOT / ".env.example").read_text("utf-8")))
    if language == "ja":
        rows = [(names, values, _ours(japanese.ENVIRONMENT, names)) for names, values, _ in rows]
    header = ("variable", "default or example", "") if language == "en" else ("変数", "既定値または例", "")
    return table(header, [(_codes(names), _codes(values), text) for names, values, text in rows])


def variables(example: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the names of the variables that one comment describes, and their lines."""
    for block in _BLOCK.findall(example):
        lines = tuple(line for line in block.splitlines() if not line.startswith("# "))
        yield tuple(line.lstrip("#").partition("=")[0] for line in lines), lines


def _described_variables(example: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """Yield the variables that one comment describes, their values in the file, and the comment."""
    for block in _BLOCK.findall(example):
        said = [line.removeprefix("# ") for line in block.splitlines() if line.startswith("# ")]
        comment = " ".join(line for line in said if not line.startswith("---"))
        pairs = [line.lstrip("#").split("=", 1) for line in block.splitlines() if not line.startswith("# ")]
        yield tuple(name for name, _ in pairs), tuple(value for _, value in pairs if value), comment


def columns(language: Language) -> str:
    """List every name of a column by role, the preferred ones first."""
    rows = [(_code(role), ", ".join(" ".join(groups).split())) for role, groups in NAMES.items()]
    return table(("role", "names") if language == "en" else ("役割", "見出しの名前"), rows)


def problems(language: Language) -> str:
    """List what `kotae check` says of files and rows."""
    words: Mapping[str, str] = {"en": en.WORDS, "ja": ja.WORDS}[language]
    parts = []
    for prefix, titles in _TITLES.items():
        said = [text for key, text in words.items() if key.startswith(f"{prefix}.") and key not in _FRAGMENTS]
        parts.append(f"**{titles[language == 'ja']}**\n\n" + "\n".join(f"- {_sentence(text)}" for text in said))
    return "\n\n".join(parts)


def _sentence(text: str) -> str:
    """Return a message without the place that it begins with, and with … for what is filled in."""
    return _PLACEHOLDER.sub("…", _PLACE.sub("", text)).replace("|", r"\|")


def proof(language: Language) -> str:
    """Say how many ratings prove a promise, by the number of wrong ones among them."""
    rows = [
        [f"{promise:.2f}", *(str(needed(0, wrong, promise) + wrong) for wrong in range(3))] for promise in _PROMISES
    ]
    english = ("`promise`", "none wrong", "one wrong", "two wrong")
    return table(english if language == "en" else ("`promise`", "誤りなし", "誤り1件", "誤り2件"), rows, numbers=True)


def scopes(language: Language) -> str:
    """Say what each permission of the app is for."""
    rows = [(_code(scope), REASONS[scope][language == "ja"]) for scope in (*SCOPES, AGENT_SCOPE)]
    return table(("scope", "for") if language == "en" else ("スコープ", "用途"), rows)


def kept(language: Language) -> str:
    """List what is kept, where and for how long, from the table that housekeeping goes through."""
    rows = [
        (each.what if language == "en" else _ours(japanese.KEPT, each.what), _codes(each.where), _span(each, language))
        for each in KEPT
    ]
    return table(("what", "where", "how long") if language == "en" else ("対象", "場所", "期間"), rows)


def _span(each: Kept, language: Language) -> str:
    if each.days is None:
        return "as long as it is needed" if language == "en" else "必要な間"
    days = each.days(ConfigFile())
    setting = next(
        (f" (`{key}`)" for key in ("keep_questions_days", "keep_audit_days") if _follows(each.days, key)), ""
    )
    return _time(days, language) + setting


def _follows(days: Callable[[ConfigFile], float], key: str) -> bool:
    return days(ConfigFile.model_validate({key: 1})) != days(ConfigFile())


def _time(days: float, language: Language) -> str:
    unit, english, ours = (_DAY, "days", "日") if days >= _DAY else (_HOUR, "hours", "時間")
    if days < _HOUR:
        unit, english, ours = _HOUR / 60, "minutes", "分"
    count = f"{days / unit:g}"
    return f"{count}{ours}" if language == "ja" else f"{count} {english.removesuffix('s') if count == '1' else english}"


def _ours(words: Mapping[Key, str], key: Key) -> str:
    if key not in words:
        raise LookupError(f"tests/pages/japanese.py lacks {key!r}; add it, and run: python -m tests.pages")
    return words[key]


def _code(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(map(_code, texts))


SECTIONS: Mapping[str, Section] = {
    "commands": commands,
    "environment": environment,
    "columns": columns,
    "problems": problems,
    "proof": proof,
    "scopes": scopes,
    "kept": kept,
    **{name: partial(measured, name) for name in MEASURED},
}
