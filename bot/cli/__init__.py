"""The command line. Results go to stdout, logs and progress to stderr; exit 0 done, 1 failed, 2 wrong usage.

Each module holds the commands of one group in its COMMANDS. What takes long to import is imported by the command that
needs it.
"""

import argparse
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path

from bot.cli import agents, importing, models, moving, running, searching, setting_up, slack_app, state, tokens
from bot.cli.command import FAILED, OK, Command
from bot.terminal import terminal_texts, told, told_of_system

GROUPS = (running, setting_up, searching, importing, slack_app, state, moving, tokens, agents, models)
COMMANDS = tuple(command for group in GROUPS for command in group.COMMANDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what the system refuses and Ctrl-C end it without a traceback."""
    if sys.stdin is None:  # it is closed, or there is no console
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - it stays open
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # for what a terminal's encoding lacks, as stderr does by itself
    try:
        try:
            return _run(arguments)
        finally:
            print(end="", flush=True)  # what can't be written is noticed here, not after the end
    except KeyboardInterrupt:
        print(terminal_texts()("ended.stopped"), file=sys.stderr)
    except BrokenPipeError:  # whoever reads the output has read enough
        _give_up_output()
    except OSError as error:
        _give_up_output()
        print(terminal_texts()("ended.not_done", why=told_of_system(error)), file=sys.stderr)
    return FAILED


def _run(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    if options.directory:
        os.chdir(options.directory)
    from bot.logs import log_to_stderr
    from bot.settings import SettingsError, load_settings
    from indexes.errors import KnowledgeBaseError

    try:
        settings = load_settings()
        log_to_stderr(settings.environment.log_level)
        exit_code: int = options.run(options, settings)
    except (KnowledgeBaseError, SettingsError) as error:
        print(told(error.message), file=sys.stderr)
        return FAILED
    return exit_code


def _give_up_output() -> None:
    """Send what is left of the output nowhere if it can't be written, so that the interpreter ends in silence."""
    try:
        print(end="", flush=True)
    except OSError:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; it sets `run` to the chosen command's function."""
    whole = argparse.ArgumentParser(
        prog="kotae",
        description="A Slack bot that answers from your team's CSV knowledge bases. Without a command: serve when both"
        " Slack tokens are set, otherwise try. .env and kotae.toml are read in the folder where kotae is started, and"
        " knowledge/ (KNOWLEDGE_DIR) and .kotae/ (DATA_DIR) are found from there.",
        epilog='Example: kotae search knowledge/it-help.csv "VPNにつながらない"',
    )
    whole.set_defaults(run=running.start, directory=None, **running.TRY_DEFAULTS)
    whole.add_argument("--version", action=_Version, nargs=0, help="print Kotae's version and end")
    _add(whole, "command", COMMANDS)
    return whole


class _Version(argparse.Action):
    """Prints the version of the installed package, which is looked up only then."""

    def __call__(self, parser: ArgumentParser, _: Namespace, __: object, ___: str | None = None) -> None:
        from importlib.metadata import version

        print(f"kotae {version('kotae')}")
        parser.exit(OK)


def _add(parent: argparse.ArgumentParser, kind: str, commands: Iterable[Command]) -> None:
    subparsers = parent.add_subparsers(title=f"{kind}s", metavar=kind.upper())
    for command in commands:
        sub = subparsers.add_parser(
            command.name,
            help=command.description,
            description=command.description,
            epilog=f"Example: kotae {command.example}",
        )
        sub.set_defaults(run=command.run)
        command.add_arguments(sub)
        if command.actions:
            _add(sub, "action", command.actions)
