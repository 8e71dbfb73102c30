"""`kotae init`: lays out the folder of a deployment, from the templates beside this file in Japanese and English."""

import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Literal, NamedTuple

from indexes.atomic_file import replace_file

Language = Literal["en", "ja"]
HERE = Path(__file__).parent
FILES = {
    "knowledge/README.md": "knowledge.md",
    "kotae.toml": "kotae.toml",
    ".env": "env",
    "kotae.service": "kotae.service",
    ".gitignore": "gitignore",
}
"""The files of a deployment, with their templates."""
DOTENV = ".env"
PRIVATE = 0o600


class Laid(NamedTuple):
    """A file of the deployment, and whether it was made; what was there stays as it is."""

    path: Path
    is_new: bool


def lay_out(folder: Path, language: Language) -> Iterator[Laid]:
    """Make the files of a deployment that are not there yet; raises OSError."""
    for name, template in FILES.items():
        path = folder / name
        is_new = not os.path.lexists(path)
        if is_new:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = _filled(folder, language, template) if template == "kotae.service" else _read(language, template)
            replace_file(path, text.encode(), PRIVATE if name == DOTENV else None)
        yield Laid(path, is_new)


def what_next(folder: Path, language: Language) -> str:
    """Return the steps that follow, and where files are looked for."""
    return Template(_read(language, "next.txt")).substitute(folder=folder.absolute()).rstrip()


def _read(language: Language, template: str) -> str:
    return (HERE / language / template).read_text("utf-8")


def _filled(folder: Path, language: Language, template: str) -> str:
    """Fill in who runs the bot, where, and with which kotae; systemd reads % and quotation marks in its own way."""
    command = Path(sys.executable).with_name("kotae")
    return Template(_read(language, template)).substitute(
        user=_user(), folder=_percent(folder), kotae=f'"{_quoted(command)}"'
    )


def _user() -> str:
    """Return who runs this; kotae for somebody without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # before Python 3.13, also on Windows
        return "kotae"


def _percent(path: Path) -> str:
    return str(path.absolute()).replace("%", "%%")


def _quoted(path: Path) -> str:
    return _percent(path).replace("\\", "\\\\").replace('"', '\\"')
