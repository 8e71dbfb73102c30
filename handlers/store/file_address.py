"""The address of a SQLite file, without SQLAlchemy, which takes long to import."""

from pathlib import Path


def url_of(file: Path) -> str:
    """Return the address of a SQLite file: signs of its path that mean something in an address are escaped."""
    return "sqlite:///" + str(file).replace("%", "%25").replace("?", "%3F")
