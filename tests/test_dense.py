"""Vectors in whatever way their number asks for: what is near is found, and what is said of it is true."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.builder import Builder
from indexes.encoder import EncoderWorker
from indexes.errors import SnapshotError
from indexes.records import Source
from indexes.retrieval.dense import CANDIDATES, FILE, FLOOR, HALVES, MEAN, DenseIndex, IndexKind, Sizes
from indexes.retrieval.synonyms import Synonyms
from indexes.storage.snapshot import EncoderStamp, SnapshotFolder, StoredVectors
from tests.encoders import HashingModel, hashing_encoder
from tests.snapshots import as_earlier, snapshot_of

COUNT, DIMENSION = 3000, 32
ROWS = np.arange(COUNT, dtype=np.int32)


def units(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def noise(seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """Vectors without any order: what is near is spread over all cells."""
    return units(np.random.default_rng(seed).standard_normal((COUNT, dimension), dtype=np.float32))


def topics(seed: int = 0) -> NDArray[np.float32]:
    """Vectors about 60 topics, as texts are."""
    random = np.random.default_rng(seed)
    return units(noise(seed)[random.integers(0, 60, COUNT)] + 0.5 * noise(seed + 1))


def write(dense: DenseIndex, folder: Path) -> Path:
    for name, pour in dense.files().items():
        with (folder / name).open("wb") as file:
            pour(file.write)
    return folder / FILE


@pytest.mark.parametrize(
    ("sizes", "name", "files"),
    [
        (Sizes(), "flat", {FILE, MEAN}),
        (Sizes(COUNT + 1, COUNT + 2), "flat", {FILE, MEAN}),
        (Sizes(COUNT, COUNT + 1), "half", {FILE, MEAN}),
        (Sizes(1, COUNT), "cells", {FILE, MEAN, HALVES}),
    ],
)
def test_the_kind_goes_by_how_many_there_are(tmp_path: Path, sizes: Sizes, name: str, files: set[str]) -> None:
    vectors = topics()
    dense = DenseIndex.build(vectors, ROWS, sizes)
    assert dense.kind.name == name
    opened = DenseIndex.open(write(dense, tmp_path), ROWS, dense.kind)
    assert {path.name for path in tmp_path.iterdir()} == files
    assert opened.kind == dense.kind
    assert opened.cosines(vectors[7], ROWS[:50].astype(np.int64)) == pytest.approx(vectors[:50] @ vectors[7], abs=1e-3)
    assert opened.background(vectors[7]) == pytest.approx(float(vectors.mean(axis=0) @ vectors[7]), abs=1e-4)
    assert all(row in opened.nearest(vectors[row], CANDIDATES) for row in range(0, COUNT, 100))


def test_the_recall_is_that_of_questions_asked() -> None:
    vectors = topics()
    dense = DenseIndex.build(vectors, ROWS, Sizes(1, COUNT))
    rests = vectors - vectors.mean(axis=0)
    mixture = np.random.default_rng(9).standard_normal((100, COUNT), dtype=np.float32) @ rests / COUNT**0.5
    asked = units(vectors[5::30] + 1.73 * mixture)
    found = []
    for vector in np.concatenate([asked, vectors[11::30]]):
        best = np.argsort(-(vectors @ vector))[:10]
        found.append(np.isin(best, dense.nearest(vector, CANDIDATES)).mean())
    assert FLOOR <= dense.kind.recall <= 1
    assert np.mean(found) == pytest.approx(dense.kind.recall, abs=0.03)
    assert 0 < dense.kind.probes < dense.kind.cells


@pytest.mark.long("indexes many rows")
def test_all_are_read_when_cells_would_miss_too_many() -> None:
    dense = DenseIndex.build(noise(dimension=256), ROWS, Sizes(1, COUNT))
    assert dense.kind.name == "bytes"
    assert dense.kind.recall > 0.99


def test_cells_take_a_bit_for_each_number(tmp_path: Path) -> None:
    path = write(DenseIndex.build(topics(), ROWS, Sizes(1, COUNT)), tmp_path)
    assert path.stat().st_size < COUNT * (DIMENSION / 8 + 8 + 8) + 64 * DIMENSION * 4 + DIMENSION * DIMENSION * 4 + 4096


def test_cells_of_earlier_versions_with_eight_bits_still_answer(tmp_path: Path) -> None:
    vectors = topics()
    index: Any = faiss.index_factory(DIMENSION, "IVF64,SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    index.nprobe = 16
    faiss.write_index(index, str(tmp_path / FILE))
    vectors.astype(np.float16).tofile(tmp_path / HALVES)
    vectors.mean(axis=0).tofile(tmp_path / MEAN)
    dense = DenseIndex.open(tmp_path / FILE, ROWS, IndexKind("cells", 0.97, 64, 16))
    assert all(row in dense.nearest(vectors[row], 5) for row in range(0, COUNT, 100))


def test_what_is_opened_in_file_order_copies_nothing_for_each_vector(tmp_path: Path) -> None:
    count = 200_000
    vectors = np.tile(np.eye(4, dtype=np.float32), (count // 4, 1))
    path = write(DenseIndex.build(vectors, np.arange(count, dtype=np.int32) // 2, Sizes(1)), tmp_path)
    (np.arange(count, dtype=np.int32) // 2).tofile(tmp_path / "owners")
    owners = np.memmap(tmp_path / "owners", np.int32, "r")
    tracemalloc.start()
    dense = DenseIndex.open(path, owners, IndexKind("half"))
    assert dense.cosines(vectors[3], np.array([1, 99_999])).tolist() == [1, 1]
    assert dense.of_row(1).tolist() == vectors[2:4].tolist()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * count


def test_rows_may_have_their_vectors_in_any_order() -> None:
    vectors, owners = noise()[:6], np.array([2, 0, 1, 0, 2, 2], dtype=np.int32)
    dense = DenseIndex.build(vectors, owners)
    assert dense.of_row(2) == pytest.approx(vectors[[0, 4, 5]])
    assert dense.cosines(vectors[3], np.array([0, 1])) == pytest.approx([1, vectors[2] @ vectors[3]])


def test_a_handful_of_vectors_can_be_kept_the_way_of_very_many() -> None:
    vectors = noise()[:3]
    dense = DenseIndex.build(vectors, ROWS[:3], Sizes(1, 2))
    assert dense.kind.recall == 1
    assert dense.nearest(vectors[2], CANDIDATES).tolist() == [0, 1, 2]


def test_the_same_vectors_give_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        path = write(DenseIndex.build(topics(), ROWS, Sizes(1, COUNT)), tmp_path / name)
        written.append((path.read_bytes(), path.with_name(HALVES).read_bytes()))
    assert written[0] == written[1]


def test_halves_must_match_their_passages(tmp_path: Path) -> None:
    path = write(DenseIndex.build(topics(), ROWS, Sizes(1, COUNT)), tmp_path)
    path.with_name(HALVES).write_bytes(b"\0" * 2 * DIMENSION)
    with pytest.raises(SnapshotError, match=f"{COUNT} vectors, 1 halves for {COUNT} passages"):
        DenseIndex.open(path, ROWS)


class Topics(HashingModel):
    """Encodes a text by the number in it: one of 60 topics, and a little of its own. Counts the texts."""

    def __init__(self) -> None:
        super().__init__(dimension=DIMENSION)
        self.encoded = 0
        self._vectors = topics()

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        numbers = [int("0" + "".join(filter(str.isdigit, text))[:4]) % COUNT for text in texts]
        return self._vectors[numbers]

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += len(texts)
        return self.encode_queries(texts)


@pytest.fixture
def model() -> Topics:
    return Topics()


@pytest.fixture
def encoder(model: Topics) -> Iterator[EncoderWorker]:
    worker = EncoderWorker("topics", lambda: model)
    yield worker
    worker.close()


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "large.csv"
    lines = [f"question {n},answer {n}\n" for n in range(COUNT)]
    path.write_text("question,answer\n" + "".join(lines), "utf-8")
    return Source("large", path)


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path / "data", Sizes(half=100, large=1000))


def test_a_large_base_is_kept_and_mapped_and_its_recall_is_in_the_manifest(
    builder: Builder, source: Source, encoder: EncoderWorker, model: Topics
) -> None:
    loaded, data = builder.read(source, Synonyms(), None)
    built = builder.with_vectors(loaded, encoder, (), None, data)
    assert (built.encoded, built.trouble) == (2 * COUNT, None)
    snapshot = snapshot_of(builder.snapshots(source).load())
    said = json.loads((snapshot.folder / "manifest.json").read_text())["kind"]
    assert built.loaded.index.dense is not None
    assert IndexKind(**said) == snapshot.kind == built.loaded.index.dense.kind
    assert said["name"] in {"cells", "bytes"}
    assert said["recall"] >= FLOOR
    before = model.encoded
    again = builder.with_vectors(builder.load(source, Synonyms()).loaded, encoder, ())
    assert (again.encoded, again.reused, model.encoded) == (0, 2 * COUNT, before)
    assert again.loaded.index.dense is not None
    assert again.loaded.index.dense.kind == snapshot.kind
    assert [path for path in snapshot.folder.parents[2].iterdir() if path.is_file()] == []


def test_vectors_of_a_large_base_are_used_again_to_the_bit(
    builder: Builder, source: Source, encoder: EncoderWorker
) -> None:
    loaded, data = builder.read(source, Synonyms(), None)
    first = builder.with_vectors(loaded, encoder, (), None, data).loaded
    assert first.snapshot is not None
    assert first.index.dense is not None
    old = first.index.dense.vectors(np.arange(2 * COUNT))
    with source.path.open("a", encoding="utf-8") as file:
        file.write("one more 77,another\n")
    loaded, data = builder.read(source, Synonyms(), first.snapshot)
    second = builder.with_vectors(loaded, encoder, [first.snapshot], None, data)
    assert (second.encoded, second.reused) == (2, 2 * COUNT)
    assert second.loaded.index.dense is not None
    assert np.array_equal(second.loaded.index.dense.vectors(np.arange(2 * COUNT)), old)


@pytest.mark.parametrize("name", [FILE, HALVES])
def test_damage_to_a_large_base_is_noticed(builder: Builder, source: Source, encoder: EncoderWorker, name: str) -> None:
    loaded, data = builder.read(source, Synonyms(), None)
    built = builder.with_vectors(loaded, encoder, (), None, data)
    file = snapshot_of(built.loaded.snapshot).folder / name
    data = file.read_bytes()
    file.unlink()  # what is mapped keeps its own
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    found = builder.snapshots(source).load()
    assert found is None or found.name != file.parent.name


def test_a_text_that_comes_back_much_later_is_encoded_once(
    tmp_path: Path, encoder: EncoderWorker, model: Topics
) -> None:
    builder = Builder(tmp_path / "data", Sizes(batch=100))
    path = tmp_path / "twice.csv"
    lines = [f"question {n % 300},answer {n}\n" for n in range(600)]
    path.write_text("question,answer\n" + "".join(lines), "utf-8")
    loaded, data = builder.read(Source("twice", path), Synonyms(), None)
    steps: list[tuple[int, int]] = []
    encoder.wait()
    before = model.encoded
    built = builder.with_vectors(loaded, encoder, (), lambda done, total: steps.append((done, total)), data)
    assert (built.encoded, model.encoded - before) == (900, 900)
    assert steps[-1] == (900, 900)
    assert steps == sorted(steps)
    dense = built.loaded.index.dense
    assert dense is not None
    assert np.array_equal(dense.of_row(7)[0], dense.of_row(307)[0])


OPENING = """
import sys
from pathlib import Path
from typing import Any
import numpy as np, psutil
from indexes.retrieval.dense import DenseIndex, IndexKind
path, count, dimension = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
resident = lambda: psutil.Process().memory_info().rss
owners = np.arange(count, dtype=np.int32)
before = resident()
dense = DenseIndex.open(path, owners, IndexKind("flat"))
opened = resident()
dense.nearest(np.eye(1, dimension, dtype=np.float32)[0], 3)
print((opened - before) / path.stat().st_size, (resident() - before) / path.stat().st_size)
"""


def test_what_nobody_asks_stays_on_the_disk(tmp_path: Path) -> None:
    vectors = np.tile(noise(dimension=512), (2, 1))
    path = write(DenseIndex.build(vectors, np.arange(len(vectors), dtype=np.int32)), tmp_path)
    arguments = [sys.executable, "-c", OPENING, str(path), str(len(vectors)), "512"]
    opened, asked = map(float, subprocess.check_output(arguments, text=True).split())
    assert opened < 0.3
    assert asked > 0.9


def test_a_snapshot_from_before_there_were_kinds_still_opens(tmp_path: Path) -> None:
    encoder = hashing_encoder(dimension=DIMENSION)
    for sizes, name in ((Sizes(), "flat"), (Sizes(half=1), "half")):
        dense = DenseIndex.build(topics(), ROWS, sizes)
        folder = SnapshotFolder(tmp_path / name)
        vectors = StoredVectors(EncoderStamp.of(encoder), b"x" * 16 * COUNT, dense.files(), dense.kind)
        kept = folder.save(b"question\n", vectors=vectors)
        (kept.folder / MEAN).unlink()
        as_earlier(kept.folder, kind=None)
        loaded = folder.load()
        assert loaded is not None
        assert DenseIndex.open(loaded.vectors, ROWS, loaded.kind).kind == IndexKind(name)
    encoder.close()


BOUNDED = """
import resource, sys
from pathlib import Path
from typing import Any
import numpy as np
from indexes.builder import Builder
from indexes.records import Source
from indexes.retrieval.dense import Sizes
from indexes.encoder import EncoderWorker
from indexes.retrieval.synonyms import Synonyms

class Model:
    name, revision = "wide", "1"
    def encode_queries(self, texts):
        numbers = np.array([len(text) + sum(map(ord, text[-6:])) for text in texts])
        vectors = np.random.default_rng(1).standard_normal((4096, 1024), dtype=np.float32)[numbers % 4096]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    encode_documents = encode_queries
    def count_tokens(self, texts):
        return [len(text) for text in texts]

class Encoder(EncoderWorker):
    def encode_documents(self, texts, progress=None):
        return Model().encode_queries(texts)

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
encoder = Encoder("wide", Model)
builder = Builder(folder / "data", Sizes(batch=4096))
loaded, data = builder.read(Source("kb", folder / "kb.csv"), Synonyms(), None)
encoder.wait()
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + limit, used + limit))
built = builder.with_vectors(loaded, encoder, (), None, data)
print(len(built.loaded.index.dense), built.loaded.index.dense.kind.name, built.trouble)
encoder.close()
"""


@pytest.mark.long("indexes many rows")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_building_takes_no_more_memory_than_a_few_batches_and_the_index(tmp_path: Path) -> None:
    """80,000 vectors of 1,024 numbers are 330 MB as float32: all at once, stacked, and the index as bytes were 1 GB."""
    lines = [f"question {n},answer {n}\n" for n in range(40_000)]
    (tmp_path / "kb.csv").write_text("question,answer\n" + "".join(lines), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(tmp_path), str(400 << 20)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("80000 half None\n", "")
