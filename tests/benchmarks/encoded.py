"""Really encoded texts in a file that is kept: made once, in blocks, and taken up again after a kill.

<folder>/encoded.f16     unit vectors as float16, one after the other; complete when manifest.json is there
<folder>/manifest.json   model, dimension, count, SHA-256 of the texts and of the file
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import helpdesk, models
from tests.benchmarks.processes import JSON

FILE, MANIFEST = "encoded.f16", "manifest.json"
BLOCK = 2_000

Halves = NDArray[np.float16]


def encode(arguments: JSON) -> JSON:
    """Encode the texts of the first `bases` rows of the help desk unless the folder has them (child)."""
    folder, model = Path(arguments["folder"]), str(arguments["model"])
    texts = [text for row in helpdesk.rows(arguments["bases"]) for text in helpdesk.texts(row)]
    digest = hashlib.sha256("\0".join([Path(model).name, *texts]).encode()).hexdigest()
    found = manifest(folder)
    if found and found["texts_sha256"] == digest:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    beginning = folder / f"{digest[:16]}.beginning"
    dimension = _encode(beginning, model, texts)
    beginning.replace(folder / FILE)
    made = {
        "model": Path(model).name,
        "dimension": dimension,
        "count": len(texts),
        "texts_sha256": digest,
        "sha256": _digest(folder / FILE),
    }
    (folder / MANIFEST).write_text(json.dumps(made, indent=1), encoding="utf-8")
    return made


def manifest(folder: Path) -> JSON | None:
    """Return what the folder says of its vectors; None if there are none."""
    path = folder / MANIFEST
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else None


def load(folder: Path) -> Halves:
    """Map the vectors."""
    told = json.loads((folder / MANIFEST).read_text("utf-8"))
    return np.memmap(folder / FILE, np.float16, "r", shape=(told["count"], told["dimension"]))


def _encode(file: Path, model: str, texts: Sequence[str]) -> int:
    """Append whole blocks until all texts are there; return the dimension."""
    manager, _ = models.counting()
    encoder = manager.get(model)
    size = 2 * encoder.dimension * BLOCK
    done = file.stat().st_size // size if file.exists() else 0
    with file.open("ab") as out:
        out.truncate(done * size)
        for block in _blocks(texts, done):
            out.write(encoder.encode_documents(block).astype(np.float16).tobytes())
            out.flush()
            os.fsync(out.fileno())
    manager.close()
    return encoder.dimension


def _blocks(texts: Sequence[str], done: int) -> Iterator[Sequence[str]]:
    return (texts[at : at + BLOCK] for at in range(done * BLOCK, len(texts), BLOCK))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
