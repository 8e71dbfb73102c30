"""Which bot this is: several may share a state database, and each does only what it has taken itself."""

import secrets
from pathlib import Path

from indexes.atomic_file import replace_file

FILE = "instance"


def instance_of(data_dir: Path) -> str:
    """Return the random name of the bot that works in DATA_DIR, made at its first start; raises OSError."""
    file = data_dir / FILE
    if not file.is_file():
        data_dir.mkdir(parents=True, exist_ok=True)
        replace_file(file, secrets.token_hex(8).encode(), 0o600)
    return file.read_text(encoding="ascii")
