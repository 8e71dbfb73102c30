"""Unit vectors, searched by inner product (so a score is a cosine). The only module that imports faiss.

How they are kept depends on how many there are:

- few ("flat"): float32, all of them compared;
- more ("half"): float16, all of them compared, in half the time and memory;
- very many: float16 on the disk, for scores, and an index of 8 bits per number that proposes candidates: by cells, of
  which only the nearest are read ("cells"), or if that misses too many, all ("bytes"). What it misses is measured.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from indexes.atomic_file import FileContent
from indexes.errors import SnapshotError
from indexes.retrieval.lexical import expand_ranges

if TYPE_CHECKING:
    from indexes.encoder import Vector, Vectors

CANDIDATES = 50
"""Rows that each half of a search proposes; all of them are scored by both halves."""

NEIGHBOURS = 10
FLOOR = 0.95
"""Least share of the `NEIGHBOURS` nearest vectors that must be among the `CANDIDATES` an index proposes."""

FILE, HALVES, MEAN = "vectors.faiss", "vectors.f16", "mean.f32"

_BATCH = 8_192
_SAMPLE = 65_536
"""Vectors that cells and scales are fitted to."""
_ASKED = 200
"""Vectors looked up to measure recall: half of them as they are, half with noise, as a question in other words."""
_BLOCK = 512
_PIECE = 1 << 20
_NOISE = 0.75
"""Length of the noise: the cosine with what was there is 0.8."""
_SAME = 1e-4

Float16Vectors = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many vectors it takes to keep them in another way, and how many are collected at a time."""

    half: int = 16_384
    """From here as float16: cosines are less than 0.001 off."""
    large: int = 262_144
    """From here an index proposes candidates: about 130,000 rows."""
    batch: int = 32_768
    """50 MB, at 384 numbers each."""


SIZES = Sizes()


@dataclass(frozen=True, slots=True)
class IndexKind:
    """How vectors are searched, and what share of the nearest is found."""

    name: str
    recall: float = 1.0
    cells: int = 0
    probes: int = 0
    """How many of the cells are read for a question."""


class DenseIndex:
    """Unit vectors, and the row each belongs to. With `halves`, scores come from there and `index` only proposes.

    `mean` is their mean if it is known already: working it out would bring all of a mapped file into memory.
    """

    def __init__(
        self,
        index: faiss.Index,
        owners: NDArray[np.int32],
        kind: IndexKind,
        halves: Float16Vectors | None = None,
        mean: "Vector | None" = None,
    ) -> None:
        if index.ntotal != len(owners) or (halves is not None and len(halves) != len(owners)):
            counts = {"count": int(index.ntotal), "passages": len(owners)}
            if halves is None:
                raise SnapshotError("snapshot.count", **counts)
            raise SnapshotError("snapshot.halves", halves=len(halves), **counts)
        self.kind = kind
        self.owners = owners
        self._index = index
        self._halves = halves
        self._order = np.argsort(owners, kind="stable")
        self._sorted = owners[self._order]
        self._mean = self._average() if mean is None else mean

    @classmethod
    def build(cls, vectors: "Vectors | Float16Vectors", owners: NDArray[np.int32], sizes: Sizes = SIZES) -> Self:
        """Index unit vectors; `owners[i]` is the row of vector i. Very many may be mapped from a file."""
        if len(vectors) >= sizes.large:
            halves = vectors.astype(np.float16, copy=False)
            index, kind = _candidate_index(halves)
            return cls(index, owners, kind, halves)
        name = "flat" if len(vectors) < sizes.half else "half"
        index = _empty(name, vectors.shape[1])
        _fill(index, vectors)
        return cls(index, owners, IndexKind(name))

    @classmethod
    def open(cls, path: Path, owners: NDArray[np.int32], kind: IndexKind | None = None) -> Self:
        """Map an index, and the halves beside it, into memory; their bytes must have been verified."""
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise SnapshotError("snapshot.no_index", file=path.name) from error
        beside = path.with_name(HALVES)
        halves = np.memmap(beside, np.float16, "r").reshape(-1, index.d) if beside.exists() else None
        kept = path.with_name(MEAN)
        mean = np.fromfile(kept, np.float32) if kept.exists() else None
        return cls(
            index, owners, kind or IndexKind("flat" if isinstance(index, faiss.IndexFlat) else "half"), halves, mean
        )

    def files(self) -> Mapping[str, FileContent]:
        """Return what `open` maps, by name. FAISS's own writing would report success on a full disk."""
        halves = {} if self._halves is None else {HALVES: self._write_halves}
        return {FILE: self._write_index, MEAN: self._write_mean, **halves}

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._index.d)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def vectors(self, numbers: NDArray[np.int64]) -> "Vectors":
        """Return the vectors with these numbers, in that order."""
        if self._halves is not None:
            return self._halves[numbers].astype(np.float32)
        return np.asarray(self._index.reconstruct_batch(numbers), dtype=np.float32)

    def background(self, vector: "Vector") -> float:
        """Return the mean cosine with all vectors: what any question of this kind gets here."""
        return float(self._mean @ vector)

    def nearest(self, vector: "Vector", count: int) -> NDArray[np.int64]:
        """Return the rows of the `count` nearest passages, each once; a row may need several passages to be seen."""
        with _one_thread():
            _, numbers = self._index.search(vector[np.newaxis], min(count, len(self)))
        return np.unique(self.owners[numbers[0][numbers[0] >= 0]]).astype(np.int64)

    def of_row(self, row: int) -> "Vectors":
        """Return a row's vectors, in the order of its passages."""
        first, last = np.searchsorted(self._sorted, row), np.searchsorted(self._sorted, row, side="right")
        return self.vectors(self._order[first:last])

    def cosines(self, vector: "Vector", rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return each row's best cosine; 0 for a row without vectors."""
        first, last = np.searchsorted(self._sorted, rows), np.searchsorted(self._sorted, rows, side="right")
        places, starts = expand_ranges(first, last)
        best = np.zeros(len(rows))
        has = last > first
        if has.any():
            values = self.vectors(self._order[places]) @ vector
            best[has] = np.maximum.reduceat(values, starts[has])
        return best

    def _average(self) -> "Vector":
        """Return the mean vector; of very many, that of evenly spread blocks, or opening them would read them all."""
        step = _BLOCK * max(len(self) // SIZES.large, 1)
        blocks = [np.arange(at, min(at + _BLOCK, len(self))) for at in range(0, len(self), step)]
        total = np.zeros(self.dimension, dtype=np.float64)
        for block in blocks:
            total += self.vectors(block).sum(axis=0)
        return (total / max(sum(map(len, blocks)), 1)).astype(np.float32)

    def _write_index(self, put: Callable[[bytes], object]) -> None:
        faiss.write_index(self._index, faiss.PyCallbackIOWriter(put, _PIECE))  # type: ignore[attr-defined]  # unknown to its stubs

    def _write_mean(self, put: Callable[[bytes], object]) -> None:
        put(self._mean.tobytes())

    def _write_halves(self, put: Callable[[bytes], object]) -> None:
        for batch in _batches(self._halves):
            put(batch.tobytes())


def _empty(name: str, dimension: int) -> faiss.Index:
    if name == "flat":
        return faiss.IndexFlatIP(dimension)
    bits = faiss.ScalarQuantizer.QT_fp16 if name == "half" else faiss.ScalarQuantizer.QT_8bit
    return faiss.IndexScalarQuantizer(dimension, bits, faiss.METRIC_INNER_PRODUCT)


def _cell_index(dimension: int, count: int) -> Any:
    """Return an index with about as many cells as vectors in a cell; it is fitted the same way every time."""
    cells = 2 ** round(log2(count**0.5))
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dimension, cells, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed = 1
    return index


def _fill(index: Any, vectors: "Vectors | Float16Vectors") -> None:
    if vectors.dtype == np.float16 and index.code_size == 2 * index.d:  # its codes as they are, without growing pains
        faiss.copy_array_to_vector(vectors.view(np.uint8).ravel(), index.codes)
        index.ntotal = len(vectors)
        return
    for batch in _batches(vectors):
        index.add(np.ascontiguousarray(batch, dtype=np.float32))


def _batches(vectors: Any) -> Iterator[Any]:
    return (vectors[at : at + _BATCH] for at in range(0, len(vectors), _BATCH))


def _candidate_index(halves: Float16Vectors) -> tuple[faiss.Index, IndexKind]:
    """Return the quickest index that finds enough of what is nearest."""
    sample = halves[_sample(len(halves), _SAMPLE)].astype(np.float32)
    measure = _Recall(halves)
    index = _cell_index(halves.shape[1], len(halves))
    index.train(sample)
    _fill(index, halves)
    for part in (64, 32, 16, 8):
        index.nprobe = max(index.nlist // part, 1)
        recall = measure(index)
        if recall >= FLOOR:
            return index, IndexKind("cells", recall, index.nlist, index.nprobe)
    for name in ("bytes", "half"):
        index = _empty(name, halves.shape[1])
        index.train(sample)
        _fill(index, halves)
        recall = measure(index)
        if recall >= FLOOR:
            break
    return index, IndexKind(name, recall)


class _Recall:
    """Measures which share of the nearest vectors an index proposes; of vectors equally near, any will do."""

    def __init__(self, halves: Float16Vectors) -> None:
        random = np.random.default_rng(2)
        asked = halves[_sample(len(halves), _ASKED)].astype(np.float32)
        noise = random.standard_normal(asked.shape, dtype=np.float32)
        asked[::2] += _NOISE * (noise / np.linalg.norm(noise, axis=1, keepdims=True))[::2]
        self._asked = asked / np.linalg.norm(asked, axis=1, keepdims=True)
        self._halves = halves
        best = np.full((len(asked), 0), 0, dtype=np.float32)
        for batch in _batches(halves):
            scores = np.hstack([best, self._asked @ batch.astype(np.float32).T])
            kept = min(NEIGHBOURS, scores.shape[1])
            best = np.partition(scores, scores.shape[1] - kept, axis=1)[:, -kept:]
        self._worst = best.min(axis=1) - _SAME
        self._kept = best.shape[1]

    def __call__(self, index: faiss.Index) -> float:
        _, numbers = index.search(self._asked, CANDIDATES)
        found = np.array(
            [
                (self._halves[line[line >= 0]].astype(np.float32) @ vector >= least).sum()
                for vector, line, least in zip(self._asked, numbers, self._worst, strict=True)
            ]
        )
        return float(np.minimum(found / self._kept, 1).mean())


def _sample(count: int, most: int) -> NDArray[np.int64]:
    """Return up to `most` different numbers below `count`, ascending; the same every time."""
    return np.sort(np.random.default_rng(1).choice(count, min(most, count), replace=False))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep FAISS from sharing one search out to several threads: it is slower. OpenMP's setting is the caller's own."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
