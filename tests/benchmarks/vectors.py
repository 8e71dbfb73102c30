"""The vectors of a million rows, in files that any program can map: really encoded ones, and paraphrases of these.

<folder>/vectors.f16      float16, two per row: the question, and the question with its answer
<folder>/questions.f32    float32: questions of tests/sets, and then paraphrases of rows as questions
<folder>/nearest.f32      float32: the cosines of the 10 vectors nearest to each question, compared with all of them
<folder>/manifest.json    their shapes and SHA-256, the model, and how far paraphrases are from what they paraphrase
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import encoded, models
from tests.benchmarks.distance import Distance, measured, quantiles
from tests.benchmarks.processes import JSON

VECTORS, QUESTIONS, NEAREST, MANIFEST = "vectors.f16", "questions.f32", "nearest.f32", "manifest.json"
NEIGHBOURS = 10
BLOCK = 65_536

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]


def make(arguments: JSON) -> JSON:
    """Write all files for so many rows, from what `encoded.encode` has left, unless they are there (child)."""
    folder, source = Path(arguments["folder"]), Path(arguments["encoded"])
    wanted = {"rows": arguments["rows"], "asked": arguments["asked"], "encoded": encoded.manifest(source)}
    found = manifest(folder)
    if found and {key: found.get(key) for key in wanted} == wanted:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    manager, _ = models.counting()
    documents, questions, asked = measured(manager.get(str(arguments["model"])), arguments["pairs"])
    manager.close()
    random = np.random.default_rng(5)
    cosines = _extend(folder / VECTORS, encoded.load(source), 2 * arguments["rows"], documents, random)
    vectors = _mapped(folder / VECTORS, np.float16, asked.shape[1])
    _ask(folder, vectors, arguments["asked"], (questions, asked), random)
    told = {
        **wanted,
        "vectors": len(vectors),
        "dimension": vectors.shape[1],
        "quantiles": [0.05, 0.25, 0.5, 0.75, 0.95],
        "cosines, paraphrases of tests/sets": quantiles(documents.cosines),
        "cosines, made paraphrases": quantiles(cosines),
        "cosines, questions of tests/sets": quantiles(questions.cosines),
        "sha256": {name: _digest(folder / name) for name in (VECTORS, QUESTIONS, NEAREST)},
    }
    (folder / MANIFEST).write_text(json.dumps(told, indent=1), encoding="utf-8")
    return told


def manifest(folder: Path) -> JSON | None:
    """Return what the folder says of itself; None if its files are not complete."""
    path = folder / MANIFEST
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else None


def load(folder: Path) -> tuple[Halves, Floats, Floats]:
    """Map the vectors, the questions and the cosines of what is nearest to them."""
    told = json.loads((folder / MANIFEST).read_text("utf-8"))
    dimension = told["dimension"]
    return (
        _mapped(folder / VECTORS, np.float16, dimension),
        _mapped(folder / QUESTIONS, np.float32, dimension),
        _mapped(folder / NEAREST, np.float32, NEIGHBOURS),
    )


def blocks(count: int) -> Iterator[slice]:
    """Yield slices that cover so many rows."""
    return (slice(at, min(at + BLOCK, count)) for at in range(0, count, BLOCK))


def _extend(file: Path, real: Halves, count: int, distance: Distance, random: np.random.Generator) -> Floats:
    """Write `count` vectors, the real ones first; return the cosine of each other one with what it paraphrases."""
    known = real.astype(np.float32)
    mean = known.mean(axis=0)
    cosines = []
    with file.open("wb") as out:
        out.write(real[:count].tobytes())
        for part in blocks(max(count - len(real), 0)):
            originals = known[np.arange(part.start, part.stop) % len(known)]
            made = distance.paraphrase(originals, mean, random)
            cosines.append((made * originals).sum(axis=1))
            out.write(made.astype(np.float16).tobytes())
    return np.concatenate(cosines) if cosines else np.ones(1, np.float32)


def _ask(folder: Path, vectors: Halves, count: int, real: tuple[Distance, Floats], random: np.random.Generator) -> None:
    """Write questions, half of them real, and the cosines of what is nearest to each."""
    distance, asked = real
    sample = vectors[np.sort(random.choice(len(vectors), min(BLOCK, len(vectors)), replace=False))].astype(np.float32)
    rows = vectors[2 * random.choice(len(vectors) // 2, count // 2, replace=False)].astype(np.float32)
    some = asked[random.choice(len(asked), min(count // 2, len(asked)), replace=False)]
    questions = np.concatenate([some, distance.paraphrase(rows, sample.mean(axis=0), random)]).astype(np.float32)
    questions.tofile(folder / QUESTIONS)
    nearest(vectors, questions).tofile(folder / NEAREST)


def nearest(vectors: Halves, questions: Floats) -> Floats:
    """Return the cosines of the NEIGHBOURS nearest vectors of each question, ascending: every one is compared."""
    best = np.empty((len(questions), 0), np.float32)
    for part in blocks(len(vectors)):
        scores = np.hstack([best, questions @ vectors[part].astype(np.float32).T])
        best = np.sort(np.partition(scores, scores.shape[1] - NEIGHBOURS, axis=1)[:, -NEIGHBOURS:], axis=1)
    return best


def _mapped(file: Path, kind: Any, columns: int) -> NDArray[Any]:
    return np.memmap(file, kind, "r").reshape(-1, columns)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
