"""`kotae serve` and `kotae try`, and what `kotae` alone does."""

import argparse
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.command import FAILED, Command
from bot.extras import install
from bot.terminal import told
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.settings import Settings

MAX_PORT = 65535
TRY_DEFAULTS: dict[str, Any] = {
    "knowledge": None,
    "terminal": False,
    "no_open": False,
    "port": 0,
    "script": None,
    "afresh": False,
    "empty": False,
}
"""The options of `kotae try` and `kotae serve` where they run without being named."""


def start(options: Namespace, settings: "Settings") -> int:
    """Serve when both Slack tokens are set, otherwise try."""
    if settings.environment.connects_to_slack:
        return _serve(options, settings)
    return _try(options, settings)


def _serve(options: Namespace, settings: "Settings") -> int:
    from bot.serve import serve

    return serve(settings, is_empty=options.empty)


def _serve_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--empty", action="store_true", help="start although KNOWLEDGE_DIR is empty and held knowledge bases before"
    )


def _try(options: Namespace, settings: "Settings") -> int:
    try:
        import aiohttp  # noqa: F401 - imported here to explain its absence
    except ImportError:
        print(told(Translatable("lacks.trial", command=install("try"))), file=sys.stderr)
        return FAILED
    from bot.playground.trial import Showing, run_trial

    piped = not sys.stdin.isatty() and not options.no_open
    showing = Showing(options.terminal or piped, not options.no_open, options.port, options.script, options.afresh)
    return run_trial(settings, options.knowledge, showing)


def _try_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--knowledge",
        type=Path,
        metavar="DIR",
        help="folder with your CSV files, which are edited (default: a copy of KNOWLEDGE_DIR, or of the samples where"
        " it has none)",
    )
    parser.add_argument("--afresh", action="store_true", help="delete what was tried before, and begin with a new copy")
    parser.add_argument("--terminal", action="store_true", help="talk in this terminal instead of the browser")
    parser.add_argument("--no-open", action="store_true", help="only print the page's address")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="of the page (default: any free one)")
    parser.add_argument(
        "--script", type=Path, metavar="FILE", help="play a conversation: one line for each thing typed, as in :help"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {MAX_PORT}")
    return int(text)


COMMANDS = (
    Command("serve", _serve, "Connect to Slack and answer until stopped.", "serve", _serve_arguments),
    Command(
        "try",
        _try,
        "Talk to the bot in a local workspace in the browser; no Slack account needed.",
        "try",
        _try_arguments,
    ),
)
