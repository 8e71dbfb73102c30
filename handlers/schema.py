"""Every table of the state database: each feature has its own, and only here are they all known."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from handlers.answers.store import publications
from handlers.channels import is_plausible
from handlers.entries.store import proposals
from handlers.files.store import uploads
from handlers.freshness.store import reviews
from handlers.knowledge.store import documents, vectors
from handlers.learning.store import alias_votes, judged_replies, learned_aliases, misses, voices
from handlers.privacy.store.erasures import Erasures
from handlers.store import (
    audit,
    buckets,
    changes,
    channel_names,
    channel_settings,
    claims,
    inbox,
    installation,
    knowledge_files,
    outbox,
    questions,
    replicas,
    tokens,
)
from handlers.store.backup import backup_of
from handlers.store.channel_settings import ChannelSettings, settings_in
from handlers.store.database import Database, metadata, opening
from handlers.store.errors import StoreError
from handlers.store.migrations import alone
from handlers.store.moving import is_unfinished
from handlers.store.recovery import SEAL_BROKEN, Recovery, RecoveryNote, fault_of, recover
from handlers.store.seal import Seal, digest_of
from handlers.store.sqlite import file_of
from handlers.synonyms.store import synonyms

log = logging.getLogger(__name__)

MODULES = (
    audit,
    buckets,
    changes,
    channel_names,
    channel_settings,
    claims,
    alias_votes,
    documents,
    inbox,
    installation,
    judged_replies,
    knowledge_files,
    learned_aliases,
    misses,
    outbox,
    proposals,
    publications,
    questions,
    replicas,
    reviews,
    synonyms,
    tokens,
    uploads,
    vectors,
    voices,
)
"""The modules with tables. Importing them is what puts their tables into `metadata`."""


ODD = {"database.lacks", "database.odd"}
"""Why a database can't be opened that is a whole SQLite file: the names or values of its schema are wrong."""


def open_or_recover(url: str, data_dir: Path, clock: Callable[[], float] = time.time) -> Database:
    """Open the state database; go on with the newest good copy if its file is damaged. Raises StoreError.

    Only a file in `data_dir` or beside a copy of its own is replaced: DATABASE_URL may name somebody else's. No
    connection to it may be open in this process.
    """
    file = file_of(url)
    if file is None or not (file.absolute().parent == data_dir.absolute() or backup_of(file).is_file()):
        return _whole(open_database(url))
    with opening(), alone(file):
        if fault := fault_of(file) or _implausible(file):
            recover(file, fault, Erasures(file).apply, clock())
        _check_seal(file, clock())
    try:
        database = open_database(url)
    except StoreError as error:
        if error.message.key not in ODD or not backup_of(file).is_file():
            raise
        with opening(), alone(file):
            recover(file, str(error), Erasures(file).apply, clock())
        database = open_database(url)
    with opening():
        ChannelSettings(_whole(database)).seal()
    return database


def _whole(database: Database) -> Database:
    """Refuse a database into which only a part was moved; raises StoreError."""
    if is_unfinished(database):
        database.close()
        raise StoreError("database.moving")
    return database


def _implausible(file: Path) -> str:
    """Return which setting no version has written: it would be read for every message."""
    wrong = next((key for _, key, value in settings_in(file) if not is_plausible(key, value)), "")
    return wrong and f"the setting {wrong} has a value that no version writes"


def _check_seal(file: Path, now: float) -> None:
    """Have admins confirm the settings if they are not those that were stored last."""
    note = RecoveryNote(file)
    if Seal(file).is_broken(digest_of(settings_in(file))) and not note.waiting:
        log.error("%s: %s. Auto-reply stays in shadow mode until an admin confirms them", file, SEAL_BROKEN)
        note.put(Recovery(now, "", SEAL_BROKEN, now))


def open_database(url: str) -> Database:
    """Open the state database, creating it or bringing its schema up to date if need be; raises StoreError."""
    return Database.open(url, metadata)
