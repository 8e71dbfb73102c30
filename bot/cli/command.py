"""What a command is, the types of arguments that several commands take, and how they ask and print JSON."""

import argparse
import codecs
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from bot.terminal import terminal_texts

if TYPE_CHECKING:
    from bot.settings import Settings

OK, FAILED = 0, 1
"""Exit codes; wrong usage is argparse's 2."""


class Command(NamedTuple):
    """A command, or an action of one; `run` returns the exit code.

    The example is what follows `kotae`. A command that has actions runs itself when none is given.
    """

    name: str
    run: "Callable[[Namespace, Settings], int]"
    description: str
    example: str
    add_arguments: Callable[[ArgumentParser], None] = lambda _: None
    actions: "tuple[Command, ...]" = ()


def positive(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def agrees(question: str) -> bool:
    """Ask on stderr; anything but `yes` is no."""
    print(terminal_texts()("ask.agrees", question=question), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == "yes"


def print_json(value: object) -> None:
    """Print JSON; where the output is not in UTF-8, what is not ASCII is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    print(json.dumps(value, ensure_ascii=codecs.lookup(encoding).name != "utf-8", indent=2))


def add_command_names(parser: ArgumentParser) -> None:
    """Add the options for slash commands that are not the configured ones."""
    parser.add_argument("--search-command", metavar="/NAME", help="instead of SEARCH_COMMAND")
    parser.add_argument("--admin-command", metavar="/NAME", help="instead of ADMIN_COMMAND")
    parser.add_argument("--agent", action="store_true", help="as an agent, with suggested questions (paid plans)")


def command_names(options: Namespace, settings: "Settings") -> tuple[str, str]:
    """Return the search and the admin command: the options, else the configured ones; raises SettingsError."""
    from bot.settings import command_name

    environment = settings.environment
    return (
        command_name(options.search_command or environment.search_command),
        command_name(options.admin_command or environment.admin_command),
    )
