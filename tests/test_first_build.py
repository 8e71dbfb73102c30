"""The first build: questions first, searchable meanwhile, and continued after a kill."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.builder import SOON_DONE, Builder
from indexes.encoder import EncoderWorker, ModelManager
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import EncodingProgress, Registry
from indexes.retrieval.dense import DenseIndex, Sizes
from indexes.retrieval.synonyms import Synonyms
from indexes.storage.leftovers import UNFINISHED_SECONDS, sweep_data
from indexes.storage.unfinished import PATTERN, Unfinished
from indexes.storage.vector_cache import SLICE
from tests.encoders import CountingModel, HashingModel, hashing_encoder
from tests.processes import run

ROWS = SOON_DONE + 44


def write(path: Path, rows: int, word: str = "setting") -> Source:
    lines = [f"{n},How do I change {word} {n}?,Answer: press {n * 7}.\n" for n in range(rows)]
    path.write_text("id,question,answer\n" + "".join(lines), "utf-8")
    return Source(path.stem, path)


class HeldModel(CountingModel):
    """Waits before it encodes an answer; fails at a text with `refused`."""

    def __init__(self) -> None:
        super().__init__("held")
        self.gate = threading.Event()
        self.refused = "\0"

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        assert not any("answer:" in text for text in texts) or self.gate.wait(60)
        if any(self.refused in text for text in texts):
            raise ZeroDivisionError
        return super().encode_documents(texts)


class World:
    """Knowledge bases of these sizes, with a model that waits."""

    def __init__(self, folder: Path, sizes: dict[str, int]) -> None:
        self.model = HeldModel()
        self.folder = folder
        sources = [write(folder / f"{name}.csv", rows, name) for name, rows in sizes.items()]
        self.registry = Registry(lambda: sources, None)
        self.maintenance = Maintenance(self.registry, folder / "data")
        self.manager = ModelManager(lambda _, __: self.model)
        self.maintenance.load().result(60)
        self.model.gate.set()
        self.encoder: EncoderWorker = self.manager.get("held")
        self.model.gate.clear()
        self.model.encoded.clear()

    def vectors(self, name: str) -> NDArray[np.float32]:
        dense = self.registry.loaded[name].index.dense
        assert dense is not None
        return dense.vectors(np.arange(len(dense)))

    def close(self) -> None:
        self.model.gate.set()
        self.maintenance.close()
        self.manager.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    opened: list[World] = []

    def make(**sizes: int) -> World:
        opened.append(World(tmp_path, sizes))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def alone(folder: Path, source: Source) -> NDArray[np.float32]:
    """The vectors of a build in one go."""
    model = HashingModel("held")
    encoder, builder = EncoderWorker("held", lambda: model), Builder(folder)
    loaded, data = builder.read(source, Synonyms(), None)
    dense = builder.with_vectors(loaded, encoder, (), None, data).loaded.index.dense
    encoder.close()
    assert dense is not None
    return dense.vectors(np.arange(len(dense)))


def test_the_questions_can_be_searched_by_meaning_while_the_answers_are_encoded(
    world: Callable[..., World], tmp_path: Path
) -> None:
    here = world(large=ROWS)
    steps: list[tuple[int, int]] = []
    building = here.maintenance.use_encoder(here.encoder, lambda done, total: steps.append((done, total)))
    eventually(lambda: here.registry.loaded["large"].by_questions)
    loaded = here.registry.loaded["large"]
    assert isinstance(loaded.index.dense, DenseIndex)
    assert loaded.index.dense.owners.tolist() == list(range(ROWS))
    assert loaded.index.scale is not None
    assert loaded.index.scale.rows == ROWS
    assert here.registry.encoding == {"large": EncodingProgress(ROWS, 2 * ROWS)}
    asked = "How do I change the large 123"
    answer = here.registry.search(asked, ["large"])
    assert (answer.encoder, answer.hits[0].record.id) == ("held", "123")
    assert answer.hits[0].dense is not None
    assert not list(here.folder.glob("data/snapshots/*/*/vectors.faiss"))
    here.model.gate.set()
    counts = building.result(60)
    assert (counts.encoded, counts.reused, here.registry.encoding) == (2 * ROWS, 0, {})
    assert not here.registry.loaded["large"].by_questions
    assert [("answer:" in text) for text in here.model.encoded] == [False] * ROWS + [True] * ROWS
    assert steps == sorted(steps)
    assert steps[-1] == (2 * ROWS, 2 * ROWS)
    assert np.array_equal(here.vectors("large"), alone(tmp_path / "other", loaded.source))
    assert not list(here.folder.glob(f"data/snapshots/*/{PATTERN}"))


def test_small_knowledge_bases_are_ready_first_then_all_questions_then_the_rest(world: Callable[..., World]) -> None:
    here = world(big=ROWS, huge=2 * ROWS, tiny=20)
    here.model.gate.set()
    here.maintenance.use_encoder(here.encoder).result(60)
    kinds = [(text.split()[4].strip(), "answer:" in text) for text in here.model.encoded]
    order = list(dict.fromkeys((name, answers) for name, answers in kinds))
    assert [each for each in order if each[0] != "tiny"] == [
        ("big", False),
        ("huge", False),
        ("big", True),
        ("huge", True),
    ]
    assert order.index(("tiny", True)) < order.index(("big", True))
    assert all(not loaded.by_questions for loaded in here.registry.loaded.values())


def test_a_new_file_is_searched_by_its_questions_while_its_reload_goes_on(world: Callable[..., World]) -> None:
    here = world(one=10, two=10)
    here.model.gate.set()
    here.maintenance.use_encoder(here.encoder).result(60)
    here.maintenance.remove("two", "someone").result(60)
    here.model.gate.clear()
    write(here.folder / "two.csv", ROWS, "two")
    reloading = here.maintenance.reload("two")
    eventually(lambda: "two" in here.registry.loaded and here.registry.loaded["two"].by_questions)
    assert here.registry.search("change two 77", ["two"]).hits[0].record.id == "77"
    here.model.gate.set()
    report = reloading.result(60)
    assert (report.error, report.added, report.encoded) == (None, ROWS, 2 * ROWS)
    # What answers already is not replaced by less than all.
    here.model.gate.clear()
    before = here.registry.loaded["two"]
    write(here.folder / "two.csv", 2 * ROWS, "renamed two")
    reloading = here.maintenance.reload("two")
    eventually(lambda: here.registry.encoding.get("two", EncodingProgress(0, 1)).done >= 100)
    assert here.registry.loaded["two"] is before
    here.model.gate.set()
    assert reloading.result(60).error is None
    assert len(here.vectors("two")) == 4 * ROWS


def test_an_answer_that_can_not_be_encoded_is_tried_again_in_the_next_reload(world: Callable[..., World]) -> None:
    here = world(large=ROWS)
    here.model.refused = "press 49."
    here.model.gate.set()
    here.maintenance.use_encoder(here.encoder).result(60)
    loaded = here.registry.loaded["large"]
    assert (loaded.by_questions, loaded.trouble, here.registry.encoding) == (False, None, {})
    assert np.flatnonzero(~here.vectors("large").any(axis=1)).tolist() == [2 * 7 + 1]
    assert here.registry.search("change large 7", ["large"]).hits[0].dense is not None
    [said] = here.maintenance.reload("large").result(60).warnings
    assert str(said).startswith("large.csv:9: texts that the model can't encode: 1, ")
    here.model.refused = "\0"
    here.model.encoded.clear()
    assert here.maintenance.reload("large").result(60).warnings == ()
    assert here.model.encoded == ["how do i change large 7? answer: press 49."]
    assert here.vectors("large").any(axis=1).all()


KILLED = """
import os, signal, sys
from pathlib import Path
from indexes.encoder import ModelManager
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from tests.encoders import CountingModel

class Killed(CountingModel):
    def encode_documents(self, texts):
        if len(self.encoded) > int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode_documents(texts)

folder = Path(sys.argv[1])
registry = Registry(lambda: [Source("large", folder / "large.csv")], None)
maintenance = Maintenance(registry, folder / "data")
maintenance.load().result()
maintenance.use_encoder(ModelManager(lambda _, __: Killed("held")).get("held")).result()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("slices", [1, 3])
def test_a_build_that_was_killed_continues_where_it_was(
    world: Callable[..., World], tmp_path: Path, slices: int
) -> None:
    """Killed within the second slice of the questions, and among the answers."""
    rows = SLICE + 200
    source = write(tmp_path / "large.csv", rows, "large")
    encoded = [0, SLICE, rows, rows + SLICE, 2 * rows][slices]
    done = run("-c", KILLED, str(tmp_path), str(encoded + 100))
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(tmp_path.glob(f"data/snapshots/*/{PATTERN}"))
    here = world(large=rows)
    here.model.gate.set()
    steps: list[int] = []
    here.maintenance.use_encoder(here.encoder, lambda done, _: steps.append(done)).result(60)
    assert len(here.model.encoded) == len(set(here.model.encoded)) == 2 * rows - encoded
    assert encoded < steps[0] <= encoded + 20
    assert np.array_equal(here.vectors("large"), alone(tmp_path / "other", source))
    assert not list(tmp_path.glob(f"data/snapshots/*/{PATTERN}"))


KEYS = [bytes([number]) * 16 for number in range(30)]


def kept(folder: Path, encoder: EncoderWorker, *, half: bool = False) -> NDArray[np.float32]:
    vectors = encoder.encode_documents([f"text {number}" for number in range(30)])
    unfinished = Unfinished(folder, encoder, 30, half=half)
    for at in range(0, 30, 10):
        unfinished.keep(KEYS[at : at + 10], vectors[at : at + 10])
    unfinished.close()
    return vectors


@pytest.mark.parametrize("half", [False, True])
def test_what_was_not_written_completely_does_not_count(tmp_path: Path, *, half: bool) -> None:
    encoder = hashing_encoder(dimension=32)
    vectors = kept(tmp_path, encoder, half=half).astype(np.float16 if half else np.float32)
    [path] = tmp_path.glob(PATTERN)
    data = path.read_bytes()
    size = 8 + 10 * (16 + 32 * (2 if half else 4))
    first = len(data) - 3 * size
    assert data[first - 1] == ord("\n")
    for cut, whole in [(first - 1, 0), (first, 0), (first + size - 1, 0), (first + size, 10), (len(data) - 1, 20)]:
        path.write_bytes(data[:cut])
        again = Unfinished(tmp_path, encoder, 30, half=half)
        assert [key in again for key in KEYS] == [place < whole for place in range(30)]
        if whole:
            assert np.array_equal(again.vectors(KEYS[:whole]), vectors[:whole].astype(np.float32))
        again.close()
    for place in (first + 1, first + size + 5, first + size + 100, len(data) - 1):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        again = Unfinished(tmp_path, encoder, 30, half=half)
        right = [key for key in KEYS if key in again]
        assert right == KEYS[: (place - first) // size * 10]
        again.close()
    encoder.close()


def test_vectors_of_another_encoder_or_type_are_not_used_and_too_many_are_given_up(tmp_path: Path) -> None:
    encoder, other = hashing_encoder(dimension=32), hashing_encoder(revision="2", dimension=32)
    kept(tmp_path, encoder)
    for wanted, half, by, there in ((30, False, other, False), (30, True, encoder, False), (30, False, encoder, True)):
        unfinished = Unfinished(tmp_path, by, wanted, half=half)
        assert (KEYS[0] in unfinished) is there
        unfinished.close()
    unfinished = Unfinished(tmp_path, encoder, 14, half=False)
    assert KEYS[0] not in unfinished
    assert not list(tmp_path.glob(PATTERN))
    encoder.close()
    other.close()


def test_without_a_folder_to_write_to_the_build_goes_on_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    encoder = hashing_encoder(dimension=32)
    vectors = encoder.encode_documents(["one", "two"])
    unfinished = Unfinished(tmp_path / "file" / "folder", encoder, 2, half=False)
    unfinished.keep(KEYS[:1], vectors[:1])
    unfinished.keep(KEYS[1:2], vectors[1:])
    assert np.array_equal(unfinished.vectors(KEYS[1::-1]), vectors[::-1])
    assert caplog.text.count("the vectors are kept in memory") == 1
    unfinished.delete()
    encoder.close()


def test_a_build_that_nobody_continues_is_swept_away_after_a_week(tmp_path: Path) -> None:
    encoder = hashing_encoder(dimension=32)
    kept(tmp_path / "snapshots" / "kb", encoder)
    encoder.close()
    assert sweep_data(tmp_path, time.time() + UNFINISHED_SECONDS - 60) == 0
    assert sweep_data(tmp_path, time.time() + UNFINISHED_SECONDS + 60) == 1
    assert not list((tmp_path / "snapshots" / "kb").iterdir())


def test_a_large_build_has_the_same_halves_however_it_came_about(tmp_path: Path) -> None:
    source = write(tmp_path / "large.csv", ROWS)
    found = []
    for staged in (False, True):
        encoder, builder = hashing_encoder(), Builder(tmp_path / str(staged), Sizes(half=100))
        loaded, data = builder.read(source, Synonyms(), None)
        if staged:
            partial = builder.with_question_vectors(loaded, encoder, ())
            assert partial is not None
            assert partial.index.dense is not None
            assert (partial.by_questions, partial.index.dense.kind.name) == (True, "half")
            loaded = partial
        dense = builder.with_vectors(loaded, encoder, (), None, data).loaded.index.dense
        assert dense is not None
        found.append(dense.vectors(np.arange(len(dense))))
        encoder.close()
    assert np.array_equal(found[0], found[1])
