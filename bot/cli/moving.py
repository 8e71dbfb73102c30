"""`kotae backup`, `kotae restore` and `kotae migrate`: what the bot keeps, from one place to another."""

import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.command import FAILED, OK, Command, agrees
from bot.terminal import terminal_texts, told, told_of_system
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.settings import Settings
    from handlers.store.moving import Moved


def _backup(options: Namespace, settings: "Settings") -> int:
    from bot.backup import back_up, outside

    archive = back_up(settings, options.file)
    size, schema = options.file.stat().st_size / 1e6, archive.about.schema
    count = len(archive.files)
    done = Translatable("backup.done", file=str(options.file), files=count, size=f"{size:.1f}", schema=schema)
    print(told(done))
    for path in outside(settings):
        print(told(Translatable("backup.outside", path=str(path))), file=sys.stderr)
    print(told(Translatable("backup.no_secrets")), file=sys.stderr)
    return OK


def _restore(options: Namespace, settings: "Settings") -> int:
    from bot.archive import Archive
    from bot.lock import only_one
    from bot.restore import Restore

    archive = Archive(options.file)
    with only_one(settings.environment.data_dir), closing(Restore(settings, archive)) as restore:
        print(*map(told, restore.differences()), sep="\n", flush=True)
        if not (options.yes or agrees(told(Translatable("restore.replace")))):
            print(told(Translatable("restore.unchanged")), file=sys.stderr)
            return FAILED
        print(told(Translatable("restore.done", folder=str(restore.apply()))))
    return OK


def _migrate(options: Namespace, settings: "Settings") -> int:
    from bot.migrate import migrate

    texts = terminal_texts()
    rows = 0

    def tell(moved: "Moved") -> None:
        nonlocal rows
        rows += moved.digest.rows
        line = texts("migrate.table", table=moved.table, rows=moved.digest.rows, digest=str(moved.digest))
        print(line, flush=True)

    try:
        done = migrate(settings, options.to, tell)
    except OSError as error:
        print(texts("migrate.stopped", why=told_of_system(error)), file=sys.stderr)
        return FAILED
    print(texts("migrate.files", count=done.files))
    print(texts("migrate.done", rows=rows, seconds=done.seconds))
    print(texts("migrate.next"), file=sys.stderr)
    return OK


def _backup_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")


def _restore_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--yes", action="store_true", help="don't ask")


def _migrate_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        required=True,
        metavar="URL",
        help="an empty database, such as postgresql+psycopg://kotae@db/kotae; its password is better in PGPASSWORD or"
        " ~/.pgpass than here, where other processes see it",
    )


COMMANDS = (
    Command(
        "backup",
        _backup,
        "Write the database, the knowledge folder, its versions and kotae.toml to one file; the bot may be running. No"
        " secrets.",
        "backup /backups/kotae-2026-11-29.zip",
        _backup_arguments,
    ),
    Command(
        "restore",
        _restore,
        "Put a backup in place, after showing what it replaces, which is kept for a month. The bot must be stopped.",
        "restore /backups/kotae-2026-11-29.zip",
        _restore_arguments,
    ),
    Command(
        "migrate",
        _migrate,
        "Move the state to another database, SQLite to PostgreSQL or back: every row, compared afterwards. The bot must"
        " be stopped. Interrupted, it goes on when it is run again.",
        "migrate --to postgresql+psycopg://kotae@db/kotae",
        _migrate_arguments,
    ),
)
