"""`kotae import`: puts a folder of knowledge bases into the database that replicas share."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.command import FAILED, OK, Command, agrees
from bot.terminal import told
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.settings import Settings


def _import(options: Namespace, settings: "Settings") -> int:
    from bot.importing import run_import

    def confirm() -> bool:
        return options.yes or agrees(told(Translatable("import.question")))

    return OK if run_import(settings, options.path, print, confirm) else FAILED


def _import_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=Path, nargs="?", metavar="FOLDER", help="or one file (default: KNOWLEDGE_DIR)")
    parser.add_argument("--yes", action="store_true", help="don't ask")


COMMANDS = (
    Command(
        "import",
        _import,
        "Show what a folder of knowledge bases changes in the shared database, and import it.",
        "import knowledge",
        _import_arguments,
    ),
)
