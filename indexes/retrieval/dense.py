"""Searching unit vectors by inner product, so that a score is a cosine. The only module that imports faiss.

The storage depends on the number of vectors:

- few ("flat"): float32, all compared;
- more ("half"): float16, all compared, in half the time and memory;
- very many: float16 on disk for scores, and an index that proposes candidates: of 1 bit per number, reading only the
  nearest cells ("cells"; 8 bits in earlier versions), or, if that misses too many, everything at 8 bits ("bytes"). Its
  recall is measured when it is built.
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
from indexes.retrieval.counting import expand_ranges

if TYPE_CHECKING:
    from indexes.encoder import Vector, Vectors

CANDIDATES = 50
"""Rows that the lexical and the vector search each propose; every one is scored by both."""

NEIGHBOURS = 10
FLOOR = 0.95
"""Least recall: the share of the `NEIGHBOURS` nearest vectors among the `CANDIDATES` that an index proposes."""

FILE, HALVES, MEAN = "vectors.faiss", "vectors.f16", "mean.f32"

_BATCH = 8_192
_SAMPLE = 65_536
"""Vectors that cells and 8-bit scales are trained on."""
_ASKED = 200
"""Vectors that recall is measured with: half as they are, half with noise, like a question in other words. The noise is
a mixture of other vectors: texts differ in few of all directions, and noise in all of them would be harder to find."""
_BLOCK = 512
_PIECE = 1 << 20
_NOISE = 1.73
"""Length of the noise, in that of what a vector has beside the mean of all: without the mean, the cosine with the
original is 0.5, which is about what paraphrases have (multilingual-e5-small: 0.43, all-MiniLM-L6-v2: 0.5)."""
_SAME = 1e-4
_PROPOSED = 8
"""Vectors that an index proposes for each one that is wanted, to be compared as float16. Of 2,000,000 vectors, one bit
per number then finds as many as eight bits do, in 12 ms instead of 81."""

Float16Vectors = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of vectors from which they are stored in another way, and the size of a batch."""

    half: int = 16_384
    """Float16 from this number on: cosines change by less than 0.001."""
    large: int = 262_144
    """An index proposes candidates from this number on: about 130,000 rows."""
    batch: int = 32_768
    """50 MB at 384 dimensions."""


SIZES = Sizes()


@dataclass(frozen=True, slots=True)
class IndexKind:
    """How vectors are searched, and the recall measured."""

    name: str
    recall: float = 1.0
    cells: int = 0
    probes: int = 0
    """Number of cells read per question."""


class DenseIndex:
    """Unit vectors and the row each belongs to. With `halves`, those give the scores and `index` only candidates.

    `mean` is the mean vector, if known: computing it would read a whole memory-mapped file.
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
        ascending = bool((owners[1:] >= owners[:-1]).all())
        self._order = None if ascending else np.argsort(owners, kind="stable")
        self._sorted = owners if self._order is None else owners[self._order]
        self._mean = self._average() if mean is None else mean

    @classmethod
    def build(cls, vectors: "Vectors | Float16Vectors", owners: NDArray[np.int32], sizes: Sizes = SIZES) -> Self:
        """Index unit vectors, which may be memory-mapped; `owners[i]` is the row of vector i."""
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
        """Memory-map an index and the float16 vectors beside it, whose checksums must have been verified.

        Raises SnapshotError.
        """
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
        """Return the files that `open` maps, by name. FAISS's own writer reports success on a full disk."""
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
        """Return the mean cosine with all vectors."""
        return float(self._mean @ vector)

    def nearest(self, vector: "Vector", count: int) -> NDArray[np.int64]:
        """Return the rows of the `count` nearest passages, each once; fewer rows, if some have several passages."""
        with _one_thread():
            numbers = _nearest(self._index, self._halves, vector, min(count, len(self)))
        return np.unique(self.owners[numbers]).astype(np.int64)

    def of_row(self, row: int) -> "Vectors":
        """Return a row's vectors, in the order of its passages."""
        first, last = self._spans(np.array([row]))
        return self.vectors(self._numbers(np.arange(first[0], last[0])))

    def cosines(self, vector: "Vector", rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return each row's best cosine; 0 for a row without vectors."""
        first, last = self._spans(rows)
        places, starts = expand_ranges(first, last)
        best = np.zeros(len(rows))
        has = last > first
        if has.any():
            values = self.vectors(self._numbers(places)) @ vector
            best[has] = np.maximum.reduceat(values, starts[has])
        return best

    def _spans(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the vectors of rows begin and end, in the order of their owners."""
        wanted = rows.astype(self._sorted.dtype)  # searchsorted would copy all owners for another type
        return self._sorted.searchsorted(wanted), self._sorted.searchsorted(wanted, side="right")

    def _numbers(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the vectors at these places in the order of their owners."""
        return places if self._order is None else self._order[places]

    def _average(self) -> "Vector":
        """Return the mean vector; of very many, the mean of evenly spread blocks, to avoid reading them all."""
        step = _BLOCK * max(len(self) // SIZES.large, 1)
        blocks = [np.arange(at, min(at + _BLOCK, len(self))) for at in range(0, len(self), step)]
        total = np.zeros(self.dimension, dtype=np.float64)
        for block in blocks:
            total += self.vectors(block).sum(axis=0)
        return (total / max(sum(map(len, blocks)), 1)).astype(np.float32)

    def _write_index(self, put: Callable[[bytes], object]) -> None:
        faiss.write_index(self._index, faiss.PyCallbackIOWriter(put, _PIECE))  # type: ignore[attr-defined]  # missing in its stubs

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
    """Return an index with about as many cells as vectors per cell; training is deterministic."""
    cells = 2 ** round(log2(count**0.5))
    index = faiss.IndexIVFRaBitQ(faiss.IndexFlatIP(dimension), dimension, cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = 1
    return index


def _nearest(index: Any, halves: Float16Vectors | None, vector: "Vector", count: int) -> NDArray[np.int64]:
    """Return the numbers of the `count` nearest vectors; with `halves`, those decide which of the proposed ones are."""
    wanted = count if halves is None else min(_PROPOSED * count, int(index.ntotal))
    _, proposed = index.search(vector[np.newaxis], wanted)
    numbers: NDArray[np.int64] = np.sort(proposed[0][proposed[0] >= 0])
    if halves is None or len(numbers) <= count:
        return numbers
    return numbers[np.argpartition(-(halves[numbers].astype(np.float32) @ vector), count - 1)[:count]]


def _fill(index: Any, vectors: "Vectors | Float16Vectors") -> None:
    if (
        vectors.dtype == np.float16 and index.code_size == 2 * index.d
    ):  # copied at once: adding would grow the codes again and again
        faiss.copy_array_to_vector(vectors.view(np.uint8).ravel(), index.codes)
        index.ntotal = len(vectors)
        return
    for batch in _batches(vectors):
        index.add(np.ascontiguousarray(batch, dtype=np.float32))


def _batches(vectors: Any) -> Iterator[Any]:
    return (vectors[at : at + _BATCH] for at in range(0, len(vectors), _BATCH))


def _candidate_index(halves: Float16Vectors) -> tuple[faiss.Index, IndexKind]:
    """Return the fastest index whose recall reaches FLOOR, or the last one tried."""
    sample = halves[_sample(len(halves), _SAMPLE)].astype(np.float32)
    measure = _Recall(halves)
    index = _cell_index(halves.shape[1], len(halves))
    index.train(sample)
    _fill(index, halves)
    for part in (64, 32, 16, 8, 4, 2):
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
    """Measures the recall of an index; vectors that are equally near are interchangeable."""

    def __init__(self, halves: Float16Vectors) -> None:
        random = np.random.default_rng(2)
        asked = halves[_sample(len(halves), _ASKED)].astype(np.float32)
        rests = asked - asked.mean(axis=0)
        mixture = random.standard_normal((len(asked), len(asked)), dtype=np.float32) @ rests / len(asked) ** 0.5
        asked[::2] += _NOISE * mixture[::2]
        self._asked = asked / np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), _SAME)
        self._halves = halves
        best = np.full((len(asked), 0), 0, dtype=np.float32)
        for batch in _batches(halves):
            scores = np.hstack([best, self._asked @ batch.astype(np.float32).T])
            kept = min(NEIGHBOURS, scores.shape[1])
            best = np.partition(scores, scores.shape[1] - kept, axis=1)[:, -kept:]
        self._worst = best.min(axis=1) - _SAME
        self._kept = best.shape[1]

    def __call__(self, index: faiss.Index) -> float:
        found = np.array(
            [
                (
                    self._halves[_nearest(index, self._halves, vector, CANDIDATES)].astype(np.float32) @ vector >= least
                ).sum()
                for vector, least in zip(self._asked, self._worst, strict=True)
            ]
        )
        return float(np.minimum(found / self._kept, 1).mean())


def _sample(count: int, most: int) -> NDArray[np.int64]:
    """Return up to `most` different numbers below `count`, ascending and always the same."""
    return np.sort(np.random.default_rng(1).choice(count, min(most, count), replace=False))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Make FAISS use one thread, which is faster for one search. The OpenMP setting belongs to the calling thread."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
