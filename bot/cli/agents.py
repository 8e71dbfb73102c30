"""`kotae mcp`: what other agents on this machine start."""

import argparse
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.command import FAILED, OK, Command
from bot.extras import install
from bot.terminal import told
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.settings import Settings


def _mcp(_: Namespace, settings: "Settings") -> int:
    try:
        from bot.api.stdio import serve
    except ImportError as error:
        print(told(Translatable("lacks.mcp", package=str(error.name), command=install("api"))), file=sys.stderr)
        return FAILED
    serve(settings)
    return OK


def _mcp_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--directory", type=_folder, metavar="DIR", help="where .env and kotae.toml are (default: where it is started)"
    )


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no folder")
    return Path(text)


COMMANDS = (
    Command(
        "mcp",
        _mcp,
        "Let another agent search, over stdin and stdout (MCP); the token is in KOTAE_TOKEN. The bot may be running.",
        "mcp --directory .",
        _mcp_arguments,
    ),
)
