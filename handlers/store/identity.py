"""Which shared database a DATA_DIR belongs to: another one has other settings, and other knowledge bases or none."""

import hashlib
from pathlib import Path

from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.installation import PSEUDONYMS, Installation
from indexes.atomic_file import replace_file
from indexes.permissions import make_private_folder

FILE = "database-id"
"""In DATA_DIR, the digest of a secret that each database has of its own; it goes along when the rows are moved."""


def ensure_same(database: Database, data_dir: Path) -> None:
    """Note the shared database that a DATA_DIR is first used with; raises StoreError for another one, or OSError."""
    file = data_dir / FILE
    if is_another(database, data_dir):
        raise StoreError("database.another", file=str(file), folder=str(data_dir / "knowledge"))
    if not file.exists() and (own := _digest(database)):
        make_private_folder(data_dir)
        replace_file(file, own.encode(), 0o600)


def is_another(database: Database, data_dir: Path) -> bool:
    """Tell whether a DATA_DIR was used with another shared database; False while this one can't be read."""
    file, own = data_dir / FILE, _digest(database)
    return bool(own) and file.exists() and file.read_text("utf-8", "replace") != own


def _digest(database: Database) -> str:
    secret = Installation(database).get(PSEUDONYMS) if database.is_shared else None
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""
