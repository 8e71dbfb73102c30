"""Eight bits: made of the compiled model, measured on the team's own knowledge, used only if they find the same."""

import json
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from bot.compilation import Compilation
from indexes import FaissSearch
from indexes.checked_json import render
from indexes.comparison import StoppedEarly, compare, questions
from indexes.encoder import EncoderWorker, ModelManager, Vectors, load_model
from indexes.encoder.agreement import QUESTIONS, Agreement, Precision
from indexes.encoder.compiled import AGREEMENT, MANIFEST, CompiledModels
from indexes.encoder.compiler import compile_model, form_of
from indexes.encoder.fast import ReducedModel
from indexes.encoder.protocol import INT8
from indexes.encoder.weights_file import NETWORK, WEIGHTS
from indexes.encoder.worker import CANARIES
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from tests.compiled import TEXTS, eight_bits_minilm
from tests.encoders import HashingModel, minilm_encoder, minilm_path
from tests.test_compiled import child_of_this_process, worst

pytestmark = pytest.mark.long("compiles models")

LIBRARY = Path(__file__).parent / "sets" / "library-en" / "kb.csv"


class ReducedHashing(HashingModel):
    """A hashing model that stands for another; with `noise`, for one that finds something else."""

    variant = INT8

    def __init__(self, noise: float = 0.0) -> None:
        super().__init__()
        self._noise = noise
        self.canaries: Vectors = np.stack([HashingModel().encode_one(text) for text in CANARIES])

    def encode_one(self, text: str) -> Vectors:
        random = np.random.default_rng(len(text))
        row = super().encode_one(text) + self._noise * random.standard_normal(self.dimension).astype(np.float32)
        unit: Vectors = (row / np.linalg.norm(row)).astype(np.float32)
        return unit


@pytest.fixture(scope="session")
def made(shared: Path) -> Path:
    """The compiled all-MiniLM-L6-v2, also in 8 bits; nobody may change it."""
    return eight_bits_minilm(shared)


@pytest.fixture
def models(made: Path, tmp_path: Path) -> CompiledModels:
    """A copy that a test may spoil."""
    shutil.copytree(made, tmp_path / "data" / "compiled")
    return CompiledModels(tmp_path / "data" / "compiled")


@pytest.fixture
def hashing() -> Iterator[EncoderWorker]:
    worker = EncoderWorker("hashing", HashingModel)
    yield worker
    worker.close()


def reduced_folder(models: CompiledModels) -> Path:
    found = models.find(str(minilm_path()), None, INT8)
    assert found
    return models.folder / found.key


def maintained(csv: Path, data: Path, encoder: EncoderWorker) -> Maintenance:
    maintenance = Maintenance(Registry(lambda: [Source(csv.stem, csv)]), data)
    maintenance.load().result()
    maintenance.use_encoder(encoder).result()
    return maintenance


def faq(folder: Path, rows: int) -> Path:
    csv = folder / "faq.csv"
    lines = (f"{n},Where do I find the form number {n} of office {n % 7}?,In drawer {n}\n" for n in range(rows))
    csv.write_text("id,question,answer\n" + "".join(lines), "utf-8")
    return csv


@pytest.mark.parametrize(
    ("asked", "same", "moved", "spread", "close"),
    [
        (300, 300, 0.0, 0.0, True),
        (300, 297, 0.0199, 0.1, True),
        (300, 296, 0.0, 0.0, False),
        (300, 300, 0.02, 0.0, False),
        (184, 183, 0.0, 0.0, True),
        (183, 182, 0.0, 0.0, False),
        (116, 116, 0.0, 0.0, True),
        (115, 115, 0.0, 0.0, False),
        (116, 116, 0.019, 0.1, False),
        (0, 0, 0.0, 0.0, False),
    ],
)
def test_fewer_questions_must_agree_the_better(
    asked: int, same: int, moved: float, spread: float, *, close: bool
) -> None:
    agreement = Agreement(100, asked, same, moved, spread, 0.5)
    assert agreement.is_close is close
    assert Precision.AUTO.accepts(agreement) is Precision.INT8.accepts(agreement) is close
    assert not Precision.FLOAT32.accepts(agreement)
    assert Precision.AUTO.accepts(replace(agreement, cost=0.9)) is False


def test_the_vectors_are_nearly_the_same_in_less_space_and_time(made: Path) -> None:
    models = CompiledModels(made)
    exact, reduced = (models.open(str(minilm_path()), None, variant) for variant in ("", INT8))
    assert exact
    assert isinstance(reduced, ReducedModel)
    assert worst(reduced.encode_queries(TEXTS), exact.encode_queries(TEXTS)) > 0.98
    assert worst(reduced.canaries, exact.encode_documents(CANARIES)) > 0.99999
    sizes = [models.size(found) for found in sorted(models.all(), key=lambda found: found.variant)]
    assert sizes[1] < 0.4 * sizes[0]
    seconds = []
    for model in (exact, reduced):
        started = time.thread_time()
        for _ in range(20):
            model.encode_queries(TEXTS[:4])
        seconds.append(time.thread_time() - started)
    assert seconds[1] < 0.8 * seconds[0]


def test_measured_on_the_knowledge_and_then_used(models: CompiledModels) -> None:
    """The whole way: measured, swapped in, opened at the next start, and by scripts; the snapshot stays."""
    data, name = models.folder.parent, str(minilm_path())
    manager = ModelManager(load_model)
    encoder = manager.get(name, None, lambda: models.open(name))
    maintenance = maintained(LIBRARY, data, encoder)
    before = sorted((data / "snapshots").rglob("manifest.json"))
    compilation, stop = (
        Compilation(models, name, None, Precision.INT8, idle_seconds=0.01, look_seconds=0.01),
        threading.Event(),
    )
    assert compilation.open() is not None
    running = threading.Thread(target=compilation.run, args=(encoder, maintenance, stop))
    running.start()
    until = time.monotonic() + 400
    while compilation.form.key != "form.eight_bits" and time.monotonic() < until:
        time.sleep(0.1)
    stop.set()
    running.join()
    assert compilation.form.key == "form.eight_bits"
    assert "of 300 questions about your own knowledge find the same entry first" in str(compilation.form)
    assert encoder.variant == INT8
    maintenance.close()
    manager.close()
    for precision, variant in ((Precision.AUTO, INT8), (Precision.INT8, INT8), (Precision.FLOAT32, "")):
        again = ModelManager(load_model)
        with FaissSearch(LIBRARY, name, data_dir=data, manager=again, precision=precision) as search:
            assert search.encoder
            assert search.encoder.variant == variant
            assert search.search("How many books can I borrow?")
        again.close()
    assert sorted((data / "snapshots").rglob("manifest.json")) == before


def test_what_finds_something_else_is_not_used(hashing: EncoderWorker, tmp_path: Path) -> None:
    maintenance = maintained(faq(tmp_path, 80), tmp_path / "data", hashing)
    state = maintenance.registry.state
    same = compare(state, HashingModel(), ReducedHashing(), lambda: True)
    assert (same.rows, same.asked, same.same) == (80, QUESTIONS, QUESTIONS)
    assert same.moved < 1e-6
    other = compare(state, HashingModel(), ReducedHashing(noise=0.2), lambda: True)
    assert other.moved > 0.02
    assert not other.is_close
    assert form_of(other, Precision.INT8).key == "form.full_precision"
    with pytest.raises(StoppedEarly):
        compare(state, HashingModel(), ReducedHashing(), lambda: False)
    maintenance.close()


def test_a_text_that_can_not_be_encoded_does_not_stop_the_comparison(hashing: EncoderWorker, tmp_path: Path) -> None:
    class Failing(HashingModel):
        def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
            if any("7" in text for text in texts):
                raise MemoryError
            return super().encode_queries(texts)

    maintenance = maintained(faq(tmp_path, 80), tmp_path / "data", hashing)
    found = compare(maintenance.registry.state, Failing(), Failing(), lambda: True)
    assert (found.asked, found.same) == (QUESTIONS, QUESTIONS)
    maintenance.close()


def test_no_question_is_in_the_file(hashing: EncoderWorker, tmp_path: Path) -> None:
    maintenance = maintained(faq(tmp_path, 10), tmp_path / "data", hashing)
    asked = questions(maintenance.registry.state)
    index = maintenance.registry.loaded["faq"].index
    assert 30 < len(asked) <= 60
    assert not any(index.lexical.verbatim(each.text).size for each in asked)
    maintenance.close()


def test_snapshots_tell_the_two_apart(hashing: EncoderWorker, tmp_path: Path) -> None:
    """Vectors of the model's own weights serve both; those of 8 bits are encoded again once these aren't used."""
    csv, data = faq(tmp_path, 20), tmp_path / "data"

    def encoded(encoder: EncoderWorker) -> tuple[int, str]:
        maintenance = Maintenance(Registry(lambda: [Source("faq", csv)]), data)
        maintenance.load().result()
        counts = maintenance.use_encoder(encoder).result()
        snapshot = maintenance.registry.loaded["faq"].snapshot
        maintenance.close()
        assert snapshot
        assert snapshot.encoder
        return counts.encoded, snapshot.encoder.variant

    reduced = EncoderWorker("hashing", ReducedHashing)
    assert encoded(hashing) == (40, "")
    manifest = max((data / "snapshots").rglob(MANIFEST))
    assert "variant" not in json.loads(manifest.read_bytes())["encoder"]
    assert encoded(reduced) == (0, "")
    csv.write_text(csv.read_text("utf-8") + "new,A new question?,A new answer\n", "utf-8")
    assert encoded(reduced) == (2, INT8)
    assert encoded(reduced) == (0, INT8)
    assert encoded(hashing)[1] == ""
    reduced.close()


def test_swapped_in_and_out_between_two_changes(hashing: EncoderWorker, tmp_path: Path) -> None:
    maintenance = maintained(faq(tmp_path, 5), tmp_path / "data", hashing)
    hashing.encode_query("remembered")
    assert maintenance.swap_model(hashing, ReducedHashing(noise=0.1)).result()
    assert hashing.variant == INT8
    assert not np.array_equal(hashing.encode_query("remembered"), HashingModel().encode_one("remembered"))
    assert maintenance.swap_model(hashing, HashingModel()).result()
    assert hashing.variant == ""
    stranger = ReducedHashing()
    stranger.canaries = -stranger.canaries
    assert not maintenance.swap_model(hashing, stranger).result()
    maintenance.close()


@pytest.mark.parametrize("moment", [0.0, 1.0, 2.0, 4.0])
def test_killed_while_it_is_made(models: CompiledModels, moment: float) -> None:
    shutil.rmtree(reduced_folder(models))
    working = threading.Thread(target=compile_model, args=(models, minilm_encoder(), TEXTS, threading.Event(), INT8))
    working.start()
    child = child_of_this_process()
    time.sleep(moment)
    with suppress(psutil.NoSuchProcess):
        child.kill()
    working.join(30)
    is_whole = models.open(str(minilm_path()), None, INT8) is not None
    assert len(list(models.folder.iterdir())) == 1 + is_whole  # a quick machine is done before it is killed
    assert models.open_best(str(minilm_path()), None, Precision.AUTO) is not None


@pytest.mark.parametrize("file", [NETWORK, WEIGHTS, "tokenizer.json", MANIFEST, AGREEMENT])
def test_damaged_it_is_not_used_and_the_compiled_model_is(models: CompiledModels, file: str) -> None:
    folder, name = reduced_folder(models), str(minilm_path())
    found = models.find(name, None, INT8)
    assert found
    models.note(found, Agreement(100, 300, 300, 0.0, 0.0, 0.5))
    assert isinstance(models.open_best(name, None, Precision.AUTO), ReducedModel)
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2 if file != AGREEMENT else 0] ^= 4
    (folder / file).write_bytes(data)
    opened = models.open_best(name, None, Precision.AUTO)
    assert opened is not None
    assert not isinstance(opened, ReducedModel)


def test_what_can_not_be_stored_is_not_measured_again_and_again(
    models: CompiledModels, hashing: EncoderWorker, tmp_path: Path
) -> None:
    maintenance = maintained(faq(tmp_path, 80), tmp_path / "other", hashing)
    (reduced_folder(models) / AGREEMENT).unlink(missing_ok=True)
    (reduced_folder(models) / AGREEMENT).mkdir()  # no file can take its place
    compilation = Compilation(models, str(minilm_path()), None, Precision.AUTO)
    found = models.find(str(minilm_path()), None, INT8)
    assert found
    assert not compilation._is_measured(maintenance.registry)
    compilation._note(found, Agreement(80, 300, 300, 0.0, 0.0, 0.5))
    assert compilation._is_measured(maintenance.registry)
    maintenance.close()


def test_measured_again_when_another_processor_gives_other_vectors(models: CompiledModels) -> None:
    folder, name = reduced_folder(models), str(minilm_path())
    manifest = json.loads((folder / MANIFEST).read_bytes())
    exact, reduced = manifest["canaries"]
    manifest["canaries"] = [exact, reduced[::-1]]
    (folder / MANIFEST).write_bytes(render(manifest))
    assert models.open(name, None, INT8) is None
    assert not folder.exists()
    assert models.open(name) is not None
