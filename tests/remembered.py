"""all-MiniLM-L6-v2 for tests that search with it: each text is encoded once in a run, whichever process needs it."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from indexes.encoder import EncoderWorker, Model, ModelManager, load_model
from indexes.encoder.loading import folder_digest
from tests.encoders import minilm_path


class RememberedMiniLM:
    """The `Model`. It is loaded, which takes seconds, when a text is met that no process of this run has encoded."""

    def __init__(self, shared: Path, name: str | None = None) -> None:
        """Remember in the folder that the processes have in common; `name` is that of a link to the model."""
        self.name = name or str(minilm_path())
        self.revision = folder_digest(minilm_path())
        self._file = shared / "minilm.db"
        self._lock = FileLock(shared / "minilm.lock")

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        return self._vectors("query", texts, lambda new: _minilm().encode_queries(new))

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        return self._vectors("document", texts, lambda new: _minilm().encode_documents(new))

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        known = self._known("tokens", texts, lambda new: [str(each).encode() for each in _minilm().count_tokens(new)])
        return [int(known[text]) for text in texts]

    def _vectors(self, kind: str, texts: Sequence[str], encode: Callable[[list[str]], NDArray[Any]]) -> NDArray[Any]:
        known = self._known(kind, texts, lambda new: [row.astype(np.float32).tobytes() for row in encode(new)])
        return np.stack([np.frombuffer(known[text], np.float32) for text in texts])

    def _known(self, kind: str, texts: Sequence[str], make: Callable[[list[str]], list[bytes]]) -> dict[str, bytes]:
        """Return what has been made of each text, and make it of those that are new: one process at a time."""
        with self._opened() as database:
            known = _stored(database, kind, texts)
            if known.keys() < set(texts):
                with self._lock, database:
                    known = _stored(database, kind, texts)
                    new = [text for text in dict.fromkeys(texts) if text not in known]
                    made = dict(zip(new, make(new) if new else [], strict=True))
                    rows = [(kind, text, value) for text, value in made.items()]
                    database.executemany("INSERT INTO made VALUES (?, ?, ?)", rows)
                    known |= made
        return known

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=300)) as database:
            database.execute("PRAGMA synchronous=OFF")
            database.execute(
                "CREATE TABLE IF NOT EXISTS made (kind TEXT, text TEXT, value BLOB, PRIMARY KEY (kind, text))"
            )
            yield database


@cache
def _minilm() -> Model:
    return load_model(str(minilm_path()), None)


def _stored(database: sqlite3.Connection, kind: str, texts: Sequence[str]) -> dict[str, bytes]:
    wanted = "SELECT value FROM made WHERE kind = ? AND text = ?"
    rows = ((text, database.execute(wanted, (kind, text)).fetchone()) for text in texts)
    return {text: row[0] for text, row in rows if row}


@cache
def remembered_minilm(shared: Path) -> EncoderWorker:
    """Return the model under a worker. Don't close it."""
    return EncoderWorker(str(minilm_path()), lambda: RememberedMiniLM(shared))


@cache
def remembered_manager(shared: Path) -> ModelManager:
    """Return a manager to which every name is a link to all-MiniLM-L6-v2. Don't close it."""
    return ModelManager(lambda name, _: RememberedMiniLM(shared, name))
