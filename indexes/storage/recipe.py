"""What the searchable form of a knowledge base is made from: as long as nothing of it changes, nor does the result."""

import hashlib
import json
import platform
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

from indexes.records import Source
from indexes.retrieval.learned_aliases import LearnedAlias
from indexes.retrieval.synonyms import Synonyms

_PACKAGES = ("indexes.records", "indexes.retrieval")
_MODULES = ("indexes/text.py", "indexes/names.py")
_READERS = ("fugashi", "unidic-lite", "python-calamine")
"""Libraries whose other versions read other texts: kanji and workbooks."""


def recipe(source: Source, digest: str, synonyms: Synonyms, aliases: Sequence[LearnedAlias]) -> str:
    """Return a digest of what a file with the SHA-256 `digest` is searched as: its columns, synonyms, aliases, code."""
    learned = [(alias.record, alias.question, alias.phrasing) for alias in aliases]
    parts = [digest, source.sheet, sorted(source.columns.items()), synonyms.digest, learned, _code()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def _code() -> str:
    """Return a digest of the code that reads and tokenizes, so that nobody has to remember to count a version up."""
    digest = hashlib.sha256()
    for part in (*_sources(), *map(_version, _READERS), unicodedata.unidata_version, platform.python_version()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _sources() -> Iterator[str]:
    root = files("indexes")
    for package in _PACKAGES:
        folder = root / package.removeprefix("indexes.")
        modules = [each for each in folder.iterdir() if each.name.endswith(".py")]
        yield from (each.read_text(encoding="utf-8") for each in sorted(modules, key=lambda each: each.name))
    yield from ((root / module.removeprefix("indexes/")).read_text(encoding="utf-8") for module in _MODULES)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
