"""Which bot this is: several may share a state database, and each does only what it has taken itself."""

import logging
import re
import secrets
from pathlib import Path

from indexes.atomic_file import replace_file

log = logging.getLogger(__name__)

FILE = "instance"
_NAME = re.compile(rb"[0-9a-f]{16}")


def instance_of(data_dir: Path) -> str:
    """Return the random name of the bot that works in DATA_DIR, made at its first start; raises OSError.

    A damaged one is replaced, since nobody could be found by it.
    """
    file = data_dir / FILE
    name = file.read_bytes() if file.is_file() else None
    if name is None or not _NAME.fullmatch(name):
        if name is not None:
            log.warning("%s is damaged and made anew: what was asked just before the restart is not answered", file)
        name = secrets.token_hex(8).encode()
        data_dir.mkdir(parents=True, exist_ok=True)
        replace_file(file, name, 0o600)
    return name.decode()
