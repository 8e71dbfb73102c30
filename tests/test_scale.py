"""Cosines on a scale: an encoder whose cosines are all higher answers alike, and as surely."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexes.builder import Builder
from indexes.confidence.confidence import with_confidence
from indexes.confidence.evaluation import read_queries
from indexes.encoder import Encoder, EncoderWorker
from indexes.errors import EncodingError
from indexes.loaded import LoadedKnowledgeBase
from indexes.records import Source
from indexes.retrieval.index import Question
from indexes.retrieval.scale import NARROWEST, SAMPLE, Scale
from indexes.retrieval.synonyms import Synonyms
from indexes.text import normalize
from tests.encoders import CountingModel, HashingModel, hashing_encoder
from tests.remembered import RememberedMiniLM, remembered_minilm
from tests.snapshots import as_earlier, manifest_of, snapshot_of

SETS = Path(__file__).parent / "sets"
SAMPLES = Path(__file__).parents[1] / "bot" / "samples"
SQUEEZED = (0.4, 0.76, 0.95)
"""Cosines become a + (1 - a) * cosine: .76 is what unrelated texts have with multilingual-e5-small."""


class SqueezedModel:
    """all-MiniLM-L6-v2 with one more number in each vector, the same for all texts."""

    def __init__(self, shared: Path, lowest: float) -> None:
        self._model = RememberedMiniLM(shared)
        self._lowest = lowest
        self.name, self.revision = f"squeezed-{lowest}", "1"

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        return self._squeezed(self._model.encode_queries(texts))

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        return self._squeezed(self._model.encode_documents(texts))

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return self._model.count_tokens(texts)

    def _squeezed(self, vectors: NDArray[Any]) -> NDArray[Any]:
        return np.hstack([vectors * (1 - self._lowest) ** 0.5, np.full((len(vectors), 1), self._lowest**0.5)])


def build(folder: Path, path: Path, encoder: Encoder) -> LoadedKnowledgeBase:
    builder = Builder(folder)
    loaded, data = builder.read(Source(path.stem, path), Synonyms(), None)
    return builder.with_vectors(loaded, encoder, (), data=data).loaded


def answers(loaded: LoadedKnowledgeBase, encoder: Encoder, texts: Sequence[str]) -> list[tuple[list[str], float]]:
    """The first three records for each question, and the confidence of the first."""
    found = []
    for text in texts:
        question = Question(text, normalize(text), encoder.encode_query(normalize(text)))
        hits = with_confidence(question, loaded.index.search(question, 10))
        found.append(([hit.record.id for hit in hits[:3]], hits[0].confidence))
    return found


@pytest.mark.long("loads torch")
def test_a_squeezed_encoder_ranks_alike_and_is_as_sure(tmp_path: Path, shared: Path) -> None:
    asked = [query.text for query in read_queries(SETS / "library-en" / "queries.jsonl")][:80]
    expected: list[tuple[list[str], float]] = []
    for lowest in (0.0, *SQUEEZED):
        with_worker = EncoderWorker(f"squeezed-{lowest}", partial(SqueezedModel, shared, lowest))
        try:
            loaded = build(tmp_path / str(lowest), SETS / "library-en" / "kb.csv", with_worker)
            found = answers(loaded, with_worker, asked)
        finally:
            with_worker.close()
        expected = expected or found
        assert [ids for ids, _ in found] == [ids for ids, _ in expected]
        assert max(abs(one - other) for (_, one), (_, other) in zip(found, expected, strict=True)) < 0.02
    assert len({round(confidence, 2) for _, confidence in expected}) > 20, "all alike would prove nothing"


@given(st.floats(0, 0.98), st.floats(-0.2, 0.6), st.lists(st.floats(-1, 1), min_size=1, max_size=9))
def test_similarity_does_not_change_when_all_cosines_are_squeezed(
    lowest: float, background: float, cosines: list[float]
) -> None:
    def squeezed(cosine: float) -> float:
        return lowest + (1 - lowest) * cosine

    plain = Scale(0.1, 1.0).similarity(np.array(cosines), background)
    scale = Scale(squeezed(0.1), squeezed(1.0))
    same = scale.similarity(np.array([squeezed(cosine) for cosine in cosines]), squeezed(background))
    if (1 - lowest) * (1 - (0.1 + background) / 2) > NARROWEST:  # a narrower range is left as it is
        np.testing.assert_allclose(same, plain, atol=1e-6)


def test_a_question_itself_is_at_one_and_the_average_of_other_rows_at_zero() -> None:
    scale = Scale(0.8, 0.95)
    assert scale.similarity(np.array([0.95, 0.8]), 0.8) == pytest.approx([1.0, 0.0])
    assert scale.similarity(np.array([0.95, 0.75]), 0.7) == pytest.approx([1.0, 0.0])


@pytest.fixture
def counting() -> Iterator[tuple[CountingModel, EncoderWorker]]:
    model = CountingModel()
    worker = EncoderWorker("counting", lambda: model)
    yield model, worker
    worker.close()


def questions(count: int) -> str:
    return "id,question,answer\n" + "".join(f"{n},question number {n} of {count}?,answer {n}\n" for n in range(count))


def test_it_is_measured_once_kept_with_the_snapshot_and_measured_again_when_the_file_has_grown(
    tmp_path: Path, counting: tuple[CountingModel, EncoderWorker]
) -> None:
    _, worker = counting
    asked: list[str] = []

    class Asking:
        """The worker, which notes what is encoded as a question."""

        name, revision, dimension, canaries = worker.name, worker.revision, worker.dimension, worker.canaries
        variant = worker.variant
        encode_documents, encode_query, begin_query = worker.encode_documents, worker.encode_query, worker.begin_query

        def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
            asked.extend(texts)
            return worker.encode_queries(texts)

    path, builder, encoder = tmp_path / "it.csv", Builder(tmp_path / "data"), Asking()
    source = Source("it", path)

    def built(count: int) -> LoadedKnowledgeBase:
        asked.clear()
        path.write_text(questions(count), "utf-8")
        loaded, data = builder.read(source, Synonyms(), builder.snapshots(source).load())
        return builder.with_vectors(loaded, encoder, (), data=data).loaded

    first = built(20)
    assert len(asked) == 2 * 20 + 4
    assert first.index.scale is not None
    assert first.index.scale.rows == 20
    grown = built(22)
    assert (asked, grown.index.scale) == ([], first.index.scale)
    restarted = built(22)
    assert (asked, restarted.index.scale) == ([], first.index.scale)
    large = built(500)
    assert len(asked) == 2 * SAMPLE + 4
    assert large.index.scale is not None
    assert large.index.scale.rows == 500


@pytest.mark.parametrize("earlier", [lambda _: None, lambda scale: {"zero": 0.5, "one": 1.0, "rows": scale["rows"]}])
def test_a_snapshot_of_an_earlier_version_gets_its_scale_and_nothing_is_encoded_again(
    tmp_path: Path, counting: tuple[CountingModel, EncoderWorker], earlier: Callable[[dict[str, Any]], Any]
) -> None:
    model, worker = counting
    path, builder = tmp_path / "it.csv", Builder(tmp_path / "data")
    path.write_text(questions(10), "utf-8")
    source = Source("it", path)
    built = build(tmp_path / "data", path, worker)
    folder = snapshot_of(built.snapshot).folder
    as_earlier(folder, scale=earlier(manifest_of(folder)["scale"]))
    model.encoded.clear()
    for _ in range(2):
        loaded, data = builder.read(source, Synonyms(), builder.snapshots(source).load())
        again = builder.with_vectors(loaded, worker, (), data=data)
        assert again.loaded.index.scale == built.index.scale
        assert again.loaded.snapshot is not None
        assert again.loaded.snapshot.scale == built.index.scale
    assert model.encoded == []


def test_a_knowledge_base_of_one_row_has_the_scale_of_the_fixed_texts(tmp_path: Path) -> None:
    worker = hashing_encoder()
    path = tmp_path / "one.csv"
    path.write_text("question,answer\nWhere is the printer?,Upstairs.\n", "utf-8")
    try:
        scale = build(tmp_path / "data", path, worker).index.scale
        texts = worker.canaries @ worker.canaries.T
    finally:
        worker.close()
    assert scale is not None
    assert scale.one == pytest.approx(1.0)
    assert scale.zero == pytest.approx(texts[~np.eye(len(texts), dtype=np.bool_)].mean(), abs=1e-6)


@pytest.mark.long("loads torch")
def test_an_encoder_that_does_not_know_the_language_is_less_sure(tmp_path: Path, shared: Path) -> None:
    """all-MiniLM-L6-v2 has no pieces for most kanji: it can tell few Japanese questions apart by their words alone."""
    worker = remembered_minilm(shared)
    japanese, english = (
        build(tmp_path / name, SETS / name / "kb.csv", worker).index for name in ("clinic-ja", "library-en")
    )
    assert english.scale is not None
    assert japanese.scale is not None
    assert english.scale.lost < 0.02
    assert japanese.scale.lost > 0.3
    text = normalize(japanese.records[0].question)
    question = Question(text, text, worker.encode_query(text))
    hits = [replace(hit, evidence=replace(hit.evidence, verbatim=False)) for hit in japanese.search(question)]
    trusted = [replace(hit, evidence=replace(hit.evidence, lost=0.0)) for hit in hits]
    assert with_confidence(question, hits)[0].confidence < with_confidence(question, trusted)[0].confidence


class FailingModel(HashingModel):
    """Fails at this share of all questions, always the same ones, and at no document."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        if any(zlib.crc32(text.encode()) % 100 < 100 * self._share for text in texts):
            raise MemoryError
        return super().encode_queries(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        return super().encode_queries(texts)


def scale_of(folder: Path, model: HashingModel) -> Scale | None:
    worker, path = EncoderWorker("hashing", lambda: model), folder / "it.csv"
    folder.mkdir()
    path.write_text(questions(60), "utf-8")
    try:
        return build(folder / "data", path, worker).index.scale
    finally:
        worker.close()


def test_questions_that_can_not_be_encoded_leave_the_scale_about_as_it_is(tmp_path: Path) -> None:
    expected, found = scale_of(tmp_path / "all", HashingModel()), scale_of(tmp_path / "some", FailingModel(0.3))
    assert expected
    assert found
    assert (found.zero, found.one, found.lost) == pytest.approx((expected.zero, expected.one, expected.lost), abs=0.06)
    with pytest.raises(EncodingError, match="can encode none of the texts"):
        scale_of(tmp_path / "none", FailingModel(1.0))
