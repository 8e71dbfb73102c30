"""`kotae init`: the folder of a deployment."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.command import OK, Command

if TYPE_CHECKING:
    from bot.settings import Settings

MADE = {"en": ("made", "kept"), "ja": ("作成", "そのまま")}


def _init(options: Namespace, _: "Settings") -> int:
    from bot.init import lay_out, what_next
    from bot.settings import language

    folder, speaking = options.folder, language()
    for path, is_new in lay_out(folder, speaking):
        print(f"{MADE[speaking][0 if is_new else 1]}: {path}")
    print(f"\n{what_next(folder, speaking)}")
    return OK


def _init_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="made if it isn't there")


COMMANDS = (
    Command(
        "init",
        _init,
        "Lay out a folder to run Kotae in: knowledge/, kotae.toml, .env, a systemd unit and .gitignore. What is there"
        " already stays as it is.",
        "init my-kotae",
        _init_arguments,
    ),
)
