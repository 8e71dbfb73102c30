"""The worker: unit vectors, order, priorities, failures; with real models where it matters."""

import json
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexes import FaissSearch
from indexes.encoder import EncoderWorker, load_sentence_transformer
from indexes.encoder.loading import SentenceTransformerModel, folder_digest
from indexes.encoder.protocol import INT8, unit_rows
from indexes.encoder.stopping import StoppedError, until_stopped
from indexes.encoder.worker import AHEAD, CANARIES, QUERY_BATCH, STEP_SECONDS, STEP_TOKENS, in_steps
from indexes.errors import EncodingError, ModelUnavailableError
from tests.encoders import (
    HashingModel,
    build_japanese_bert,
    build_static,
    build_twin,
    hashing_encoder,
    minilm_encoder,
    minilm_path,
    once,
)

QUESTIONS = [f"How do I change setting number {number}?" for number in range(40)]


class GatedModel(HashingModel):
    """A HashingModel that notes every call and, while `gate` is clear, holds up each one of a kind that is `held`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.threads: set[int] = set()
        self.held = {"queries", "documents"}
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        return self._note("queries", texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        return self._note("documents", texts)

    def _note(self, kind: str, texts: Sequence[str]) -> NDArray[Any]:
        self.calls.append((kind, tuple(texts)))
        self.threads.add(threading.get_ident())
        self.entered.set()
        assert kind not in self.held or self.gate.wait(60)
        return super().encode_queries(texts)


class BrokenModel(HashingModel):
    """Gives what a broken model gives for the texts "zero", "nan", "huge" and "crash"."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        if "crash" in texts:
            raise ZeroDivisionError("crash")
        rows = super().encode_queries(texts)
        for row, text in enumerate(texts):
            rows[row] *= {"zero": 0.0, "nan": np.nan, "huge": 1e30}.get(text, 1.0)
        return rows


@pytest.fixture(scope="session")
def twin(shared: Path) -> Path:
    return once(shared / "twin", build_twin)


@pytest.fixture
def gated() -> Iterator[tuple[GatedModel, EncoderWorker]]:
    model = GatedModel()
    worker = EncoderWorker("gated", lambda: model)
    worker.wait()
    model.calls.clear()
    model.entered.clear()
    model.gate.clear()
    yield model, worker
    model.gate.set()
    worker.close()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_vectors_are_those_derived_by_hand() -> None:
    worker = hashing_encoder()
    one, other = worker.encode_query("AB"), worker.encode_query("abc")
    assert one.dtype == np.float32
    assert one.shape == (worker.dimension,) == (256,)
    assert np.linalg.norm(one) == pytest.approx(1)
    model = HashingModel()
    buckets = {model.bucket(bigram) for bigram in (" a", "ab", "b ", "bc", "c ")}
    assert len(buckets) == 5
    assert one @ other == pytest.approx(2 / np.sqrt(3 * 4))
    worker.close()


def test_identity_and_canaries_come_from_the_model() -> None:
    worker = hashing_encoder("some/name", "abc", dimension=64)
    assert (worker.name, worker.revision, worker.dimension) == ("some/name", "abc", 64)
    assert np.array_equal(worker.canaries, HashingModel("some/name", "abc", 64).encode_documents(CANARIES))
    worker.close()


def test_documents_keep_their_order_and_report_progress() -> None:
    worker = hashing_encoder()
    texts = [f"{'long ' * (number * 7 % 5)}text {number}" for number in range(19)]
    seen: list[tuple[int, int]] = []
    vectors = worker.encode_documents(texts, lambda done, total: seen.append((done, total)))
    assert np.array_equal(vectors, HashingModel().encode_documents(texts))
    # Bigrams: 8 texts of at most 13, 5 of at most 18, 4 of 23 and 24, 2 of 28 and 29; no step has more than 128.
    sizes = [len(step) for step, _ in in_steps(HashingModel().count_tokens(texts))]
    assert seen == [(sum(sizes[: place + 1]), 19) for place in range(len(sizes))]
    assert len(seen) > 3
    assert worker.encode_documents([]).shape == (0, 256)
    worker.close()


def test_waiting_queries_go_first_and_together(gated: tuple[GatedModel, EncoderWorker]) -> None:
    model, worker = gated
    documents = [f"document {number:04}" for number in range(24)]  # 14 bigrams each: 9 of them are 126 tokens
    with ThreadPoolExecutor(32) as pool:
        answers = [pool.submit(worker.encode_query, QUESTIONS[0])]
        eventually(lambda: len(model.calls) == 1)
        bulk = pool.submit(worker.encode_documents, documents)
        eventually(lambda: len(model.calls) == 2)
        answers += [pool.submit(worker.encode_query, question) for question in QUESTIONS[1:20]]
        eventually(lambda: len(worker._queries) == 19)
        model.gate.set()
        vectors = [answer.result(60) for answer in answers]
        assert bulk.result(60).shape == (24, 256)
    sizes = [len(texts) for kind, texts in model.calls if kind == "queries"]
    assert sorted(sizes) == [1, 3, *[QUERY_BATCH] * 4]
    kinds = [kind for kind, _ in model.calls]
    assert kinds.count("documents") == 3
    assert sorted(kinds[:2]) == ["documents", "queries"]
    assert kinds[2:6] == ["queries"] * 4  # the last questions may run beside the next documents
    assert np.array_equal(np.stack(vectors), HashingModel().encode_queries(QUESTIONS[:20]))
    assert len(model.threads) == 2
    assert threading.get_ident() not in model.threads


def test_no_question_waits_for_bulk_work(gated: tuple[GatedModel, EncoderWorker]) -> None:
    model, worker = gated
    model.held = {"documents"}
    with ThreadPoolExecutor(4) as pool:
        worker.encode_query("somebody asks")
        bulk = pool.submit(worker.encode_documents, QUESTIONS)
        eventually(lambda: len(model.calls) == 2)
        answers = [pool.submit(worker.encode_query, question) for question in QUESTIONS[:3]]
        assert np.array_equal(
            np.stack([answer.result(60) for answer in answers]), HashingModel().encode_queries(QUESTIONS[:3])
        )
        assert not bulk.done()
        model.gate.set()
        assert bulk.result(60).shape == (40, 256)


@pytest.fixture
def stepped() -> Iterator[tuple["SteppedModel", EncoderWorker]]:
    model = SteppedModel()
    worker = EncoderWorker("stepped", lambda: model, quiet=3600)
    worker.wait()
    model.documents.clear()
    model.began.clear()
    model.waits = True
    yield model, worker
    model.waits = False
    model.allowed.release(10_000)
    worker.close()


class SteppedModel(HashingModel):
    """Notes which thread encodes what, and lets a step of documents end only when it is allowed to."""

    def __init__(self) -> None:
        super().__init__("stepped")
        self.allowed = threading.Semaphore(0)
        self.waits = False
        self.works = 0.0  # seconds of CPU time per step
        self.documents: list[tuple[str, tuple[str, ...]]] = []
        self.began: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        self.began.append("query")
        return super().encode_queries(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        self.documents.append((threading.current_thread().name, tuple(texts)))
        self.began.append("documents")
        assert not self.waits or self.allowed.acquire(timeout=60)
        until = time.thread_time() + self.works
        while time.thread_time() < until:
            pass
        return super().encode_queries(texts)


DOCUMENTS = [f"{'a' * 80} {number:02}" for number in range(40)]
"""84 bigrams each: one is a step."""


def test_both_threads_do_bulk_work_while_nobody_asks(stepped: tuple[SteppedModel, EncoderWorker]) -> None:
    model, worker = stepped
    with ThreadPoolExecutor(1) as pool:
        bulk = pool.submit(worker.encode_documents, DOCUMENTS)
        eventually(lambda: len(model.documents) == 2)
        assert {name for name, _ in model.documents} == {"encoder", "encoder-bulk"}
        model.allowed.release(40)
        assert np.array_equal(bulk.result(60), HashingModel("stepped").encode_documents(DOCUMENTS))
    assert [texts for _, texts in model.documents[:2]] == [(DOCUMENTS[0],), (DOCUMENTS[1],)]
    assert len(model.documents) == 40


def test_who_asks_has_a_thread_within_one_step_and_keeps_it(stepped: tuple[SteppedModel, EncoderWorker]) -> None:
    model, worker = stepped
    with ThreadPoolExecutor(3) as pool:
        bulk = pool.submit(worker.encode_documents, DOCUMENTS)
        eventually(lambda: len(model.documents) == 2)
        asked = pool.submit(worker.encode_query, "hello")
        eventually(lambda: len(worker._queries) == 1)
        model.allowed.release()  # one step of one thread ends
        asked.result(60)
        assert model.began[:3] == ["documents", "documents", "query"]
        # A thread is still in its step, or has ended it and begun the next; the first one now waits for questions.
        model.allowed.release(40)
        bulk.result(60)
        begun = model.began.index("query")
        assert {name for name, _ in model.documents[begun + 1 :]} == {"encoder-bulk"}


def test_the_first_thread_helps_again_when_nobody_has_asked_for_a_while() -> None:
    model = SteppedModel()
    worker = EncoderWorker("stepped", lambda: model, quiet=0.05)
    worker.encode_query("hello")
    model.documents.clear()
    model.waits = True
    with ThreadPoolExecutor(1) as pool:
        bulk = pool.submit(worker.encode_documents, DOCUMENTS)
        eventually(lambda: {name for name, _ in model.documents} == {"encoder", "encoder-bulk"})
        model.allowed.release(40)
        bulk.result(60)
    worker.close()


def test_many_questions_that_nobody_waits_for_are_bulk_work_and_remembered(
    stepped: tuple[SteppedModel, EncoderWorker],
) -> None:
    model, worker = stepped
    asked = [*DOCUMENTS[:5], "hello", DOCUMENTS[0]]
    vectors = worker.encode_queries(asked)
    assert np.array_equal(vectors, HashingModel("stepped").encode_queries(asked))
    assert model.began == ["query"] * 6  # each document is a step
    assert np.array_equal(worker.encode_query("hello"), vectors[5])
    assert np.array_equal(worker.encode_queries(asked[:1]), vectors[:1])
    assert worker.encode_queries([]).shape == (0, 256)
    assert len(model.began) == 6
    with ThreadPoolExecutor(1) as pool:  # nobody has asked: the first thread may still help
        bulk = pool.submit(worker.encode_documents, DOCUMENTS)
        eventually(lambda: {name for name, _ in model.documents} == {"encoder", "encoder-bulk"})
        model.allowed.release(40)
        bulk.result(60)


LONG = [f"{'a' * 165} {number:02}" for number in range(20)]
"""169 bigrams each, twice as many as in one of DOCUMENTS."""


def test_only_short_steps_are_for_the_thread_that_must_soon_be_back(
    stepped: tuple[SteppedModel, EncoderWorker],
) -> None:
    model, worker = stepped
    model.waits, model.works = False, STEP_SECONDS
    worker.encode_documents([*LONG[:5], *DOCUMENTS[:10]])
    assert {name for name, texts in model.documents if texts[0] in LONG} == {"encoder-bulk"}
    assert sorted(texts for _, texts in model.documents if texts[0] in LONG) == [(text,) for text in LONG[:5]]


def test_a_long_text_that_takes_no_longer_than_a_short_step_is_for_both_threads(
    stepped: tuple[SteppedModel, EncoderWorker],
) -> None:
    model, worker = stepped
    model.waits = False
    worker.encode_documents(DOCUMENTS)
    model.documents.clear()
    model.waits = True
    with ThreadPoolExecutor(1) as pool:
        bulk = pool.submit(worker.encode_documents, LONG)
        eventually(lambda: {name for name, _ in model.documents} == {"encoder", "encoder-bulk"})
        model.allowed.release(40)
        bulk.result(60)


def test_both_threads_have_work_to_the_end_when_half_of_the_tokens_are_in_long_texts(
    stepped: tuple[SteppedModel, EncoderWorker],
) -> None:
    model, worker = stepped
    texts = [*DOCUMENTS[:20], *LONG[:10]]
    model.works = STEP_SECONDS
    with ThreadPoolExecutor(1) as pool:
        bulk = pool.submit(worker.encode_documents, texts)
        for begun in range(2, len(texts) + 1):
            eventually(lambda: len(model.documents) == begun)  # noqa: B023 - called at once
            model.allowed.release()  # of the step that has lasted longest
        model.allowed.release()
        assert np.array_equal(bulk.result(60), HashingModel("stepped").encode_documents(texts))
    assert {name for name, texts in model.documents if texts[0] in LONG} == {"encoder-bulk"}


@given(st.lists(st.integers(1, 2 * STEP_TOKENS), max_size=60))
def test_steps_are_short_and_in_the_order_of_their_tokens(tokens: list[int]) -> None:
    steps = list(in_steps(tokens))
    assert sorted(number for step, _ in steps for number in step) == list(range(len(tokens)))
    short = [step for step, padded in steps if padded <= STEP_TOKENS]
    for kind in (short, [step for step, padded in steps if padded > STEP_TOKENS]):
        counts = [tokens[number] for step in kind for number in step]
        assert counts == sorted(counts)
    for step, padded in steps:
        assert padded == len(step) * max(tokens[number] for number in step)
        assert padded <= STEP_TOKENS or len(step) == 1
    for step, following in pairwise(short):
        assert (len(step) + 1) * tokens[following[0]] > STEP_TOKENS


@given(st.lists(st.integers(1, 2 * STEP_TOKENS), max_size=60))
def test_long_texts_are_spread_over_the_short_steps(tokens: list[int]) -> None:
    steps = [padded for _, padded in in_steps(tokens)]
    ahead = 0
    for place, padded in enumerate(steps):
        is_short, rest = padded <= STEP_TOKENS, steps[place + 1 :]
        ahead += -padded if is_short else padded
        if rest and min(rest) <= STEP_TOKENS < max(rest):
            assert -STEP_TOKENS < ahead <= 2 * STEP_TOKENS


def test_bulk_work_that_is_stopped_leaves_nothing_in_the_queue(stepped: tuple[SteppedModel, EncoderWorker]) -> None:
    model, worker = stepped
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        bulk = pool.submit(worker.encode_documents, DOCUMENTS, until_stopped(stop))
        eventually(lambda: len(model.documents) == 2 and len(worker._bulk) == AHEAD - 2)
        stop.set()
        model.allowed.release()
        with pytest.raises(StoppedError):
            bulk.result(60)
        assert not worker._bulk
        model.allowed.release(40)
    assert len(model.documents) <= 4


def test_many_questions_are_worked_on_by_both_threads(gated: tuple[GatedModel, EncoderWorker]) -> None:
    model, worker = gated
    model.threads.clear()
    first = worker.begin_query(QUESTIONS[0])
    eventually(lambda: len(model.threads) == 1)  # two that come at once may be one batch
    second = worker.begin_query(QUESTIONS[1])
    eventually(lambda: len(model.threads) == 2)
    model.gate.set()
    assert [answer.result(60).shape for answer in (first, second)] == [(256,), (256,)]


@pytest.mark.parametrize(("count", "batches"), [(1, [1]), (2, [1, 1]), (3, [1, 2]), (5, [2, 3]), (12, [4, 4])])
def test_questions_that_come_at_once_are_shared_by_the_threads_that_are_free(
    gated: tuple[GatedModel, EncoderWorker], count: int, batches: list[int]
) -> None:
    model, worker = gated
    eventually(lambda: worker._idle == 2)
    with worker._changed:  # neither thread looks before all have come
        asked = [worker.begin_query(question) for question in QUESTIONS[:count]]
    eventually(lambda: sum(len(texts) for _, texts in model.calls) == sum(batches))
    assert sorted(len(texts) for _, texts in model.calls) == batches
    model.gate.set()
    assert np.array_equal([each.result(60) for each in asked], HashingModel().encode_queries(QUESTIONS[:count]))


def test_a_question_asked_again_does_not_wait_for_the_model(gated: tuple[GatedModel, EncoderWorker]) -> None:
    model, worker = gated
    model.gate.set()
    first = worker.encode_query("hello")
    expected = first.copy()
    model.gate.clear()
    first[:] = 0  # the caller's own copy
    with ThreadPoolExecutor(2) as pool:
        bulk = pool.submit(worker.encode_documents, ["a document"])
        eventually(lambda: len(model.calls) == 2)
        assert np.array_equal(worker.encode_query("hello"), expected)
        asked = pool.submit(worker.encode_query, "Hello")
        eventually(lambda: len(model.calls) == 3)
        model.gate.set()
        assert np.array_equal(asked.result(60), expected)  # HashingModel folds the case
        bulk.result(60)
    assert [texts for _, texts in model.calls] == [("hello",), ("a document",), ("Hello",)]
    worker.close()
    with pytest.raises(ModelUnavailableError, match="was closed"):
        worker.encode_query("hello")


def test_what_the_former_form_of_a_model_still_encodes_is_not_remembered(
    gated: tuple[GatedModel, EncoderWorker],
) -> None:
    model, worker = gated

    class Other(HashingModel):
        variant, canaries = INT8, worker.canaries

    asked = worker.begin_query("hello")
    eventually(lambda: len(model.calls) == 1)
    assert worker.swap(Other())
    model.gate.set()
    assert np.array_equal(asked.result(60), HashingModel().encode_one("hello"))
    assert not worker._recent


def test_only_the_most_recent_questions_are_remembered() -> None:
    model = GatedModel()
    worker = EncoderWorker("gated", lambda: model, recent=2)
    for question in ("one", "two", "one", "three", "one", "two"):
        worker.encode_query(question)
    # "three" pushed out "two", since "one" had been asked again in between.
    assert [texts[0] for kind, texts in model.calls if kind == "queries"] == ["one", "two", "three", "two"]
    worker.close()


def test_a_question_that_failed_is_not_remembered() -> None:
    worker = EncoderWorker("broken", BrokenModel)
    for _ in range(2):
        with pytest.raises(EncodingError):
            worker.encode_query("crash")
    assert not worker._recent
    worker.close()


def test_a_text_that_breaks_the_model_fails_alone() -> None:
    worker = EncoderWorker("broken", BrokenModel)
    with ThreadPoolExecutor(16) as pool:
        texts = [*QUESTIONS[:12], "crash"]
        answers = [pool.submit(worker.encode_query, text) for text in texts]
        good = np.stack([answer.result(60) for answer in answers[:-1]])
        with pytest.raises(EncodingError, match="ZeroDivisionError"):
            answers[-1].result(60)
    assert np.array_equal(good, HashingModel().encode_queries(QUESTIONS[:12]))
    worker.close()


@pytest.mark.parametrize(("text", "length"), [("zero", "0"), ("nan", "nan"), ("huge", "1e[+]30")])
def test_only_unit_vectors_get_through(text: str, length: str) -> None:
    worker = EncoderWorker("broken", BrokenModel)
    with pytest.raises(EncodingError, match=f"vector of length {length} instead of 1"):
        worker.encode_query(text)
    for encode in (worker.encode_documents, worker.encode_queries):
        vectors = encode(["fine", text, "as well"])
        assert np.array_equal(vectors[[0, 2]], HashingModel().encode_queries(["fine", "as well"]))
        assert not vectors[1].any()
    with pytest.raises(EncodingError, match="instead of 1"):
        worker.encode_query(text)  # it was not remembered
    worker.close()


def test_a_text_that_can_not_even_be_tokenized_harms_no_other() -> None:
    class Picky(HashingModel):
        def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
            "".join(texts).encode()  # half of a pair of surrogates can't be
            return super().count_tokens(texts)

        def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
            self.count_tokens(texts)
            return super().encode_queries(texts)

    worker = EncoderWorker("picky", Picky)
    vectors = worker.encode_documents(["fine", "half \ud83d", "as well"])
    assert np.array_equal(vectors[[0, 2]], HashingModel().encode_queries(["fine", "as well"]))
    assert not vectors[1].any()
    worker.close()


def test_a_model_without_a_vector_for_some_of_the_fixed_texts_is_usable() -> None:
    class EnglishModel(HashingModel):
        def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
            return super().encode_documents(texts) * [[text.isascii()] for text in texts]

    worker = EncoderWorker("english", EnglishModel)
    assert worker.canaries.any(axis=1).tolist() == [text.isascii() for text in CANARIES]
    assert worker.swap(EnglishModel())
    assert not worker.swap(HashingModel(dimension=64))
    worker.close()


def test_a_model_that_returns_too_few_rows_is_refused() -> None:
    with pytest.raises(EncodingError, match=r"shape \(1, 2\) for 2 texts"):
        unit_rows(np.array([[1.0, 0.0]]), 2)


def test_a_model_whose_canaries_are_no_unit_vectors_is_unavailable() -> None:
    class Unnormalised(HashingModel):
        def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
            return super().encode_documents(texts) * 3

    worker = EncoderWorker("some/name", Unnormalised)
    with pytest.raises(ModelUnavailableError, match=r"The model some/name can't be used: .* length 3 "):
        worker.encode_query("hello")


def test_closing_fails_what_waits_and_cancels_bulk_work(gated: tuple[GatedModel, EncoderWorker]) -> None:
    model, worker = gated
    with ThreadPoolExecutor(4) as pool:
        begun = pool.submit(worker.encode_query, "begun")
        assert model.entered.wait(60)
        bulk = pool.submit(worker.encode_documents, QUESTIONS)
        eventually(lambda: len(model.calls) == 2)
        waiting = pool.submit(worker.encode_query, "hello")
        eventually(lambda: len(worker._queries) == 1)
        worker.close(timeout=0)
        with pytest.raises(ModelUnavailableError, match="The model gated was closed"):
            waiting.result(60)
        model.gate.set()
        assert np.array_equal(begun.result(60), HashingModel().encode_one("begun"))
        with pytest.raises(ModelUnavailableError, match="was closed"):
            bulk.result(60)
    assert [kind for kind, _ in model.calls] == ["queries", "documents"]
    for thread in worker._threads:
        thread.join(60)
        assert not thread.is_alive()
    with pytest.raises(ModelUnavailableError, match="was closed"):
        worker.encode_query("hello")


def test_closing_while_loading_releases_those_who_wait() -> None:
    gate = threading.Event()

    def load() -> HashingModel:
        assert gate.wait(60)
        return HashingModel()

    worker = EncoderWorker("slow", load)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(worker.encode_query, "hello")
        worker.close(timeout=0)
        with pytest.raises(ModelUnavailableError, match="The model slow was closed"):
            waiting.result(60)
    gate.set()
    for thread in worker._threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in worker._threads)


@pytest.mark.long("loads torch")
def test_meaning_not_words() -> None:
    encoder = minilm_encoder()
    reset, room = encoder.encode_documents(["How to reset your password", "How to book a meeting room"])
    asked = encoder.encode_query("I can't log in")
    assert asked @ reset > asked @ room + 0.1
    assert encoder.dimension == 384


@pytest.mark.long("loads torch")
def test_sixteen_threads_during_a_bulk_job_get_the_vectors_of_one() -> None:
    encoder = minilm_encoder()
    # Padding to the longest text of a batch changes the order of float32 additions: the last bits may differ.
    tolerance = 1e-5
    texts = [f"{'Please, ' * (number * 7 % 30)}{question}" for number, question in enumerate(QUESTIONS)]
    alone = np.vstack([encoder.encode_documents([text]) for text in texts])
    # To this model, upper case is the same text; to the memory of recent questions it is another.
    asked = [*texts, *(text.upper() for text in texts)]
    with ThreadPoolExecutor(17) as pool:
        bulk = pool.submit(encoder.encode_documents, texts * 3)
        together = np.stack(list(pool.map(encoder.encode_query, asked)))
        documents = bulk.result(60)
    assert np.allclose(together, np.vstack([alone] * 2), rtol=0, atol=tolerance)
    assert np.allclose(documents, np.vstack([alone] * 3), rtol=0, atol=tolerance)


@pytest.mark.long("loads torch")
@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="packing is for x86")
def test_packed_weights_give_the_vectors_of_plain_ones(twin: Path) -> None:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  takes seconds
    from torch.nn import Linear  # noqa: PLC0415

    for folder in (minilm_path(), twin):
        model = load_sentence_transformer(str(folder))
        assert isinstance(model, SentenceTransformerModel)
        assert not [layer for layer in model._transformer.modules() if isinstance(layer, Linear)]
        plain = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        for texts in (QUESTIONS[:1], [*QUESTIONS[:3], "long " * 90]):
            expected = plain.encode_query(texts, normalize_embeddings=True)
            assert model.encode_queries(texts) == pytest.approx(expected, abs=1e-5)


@pytest.mark.long("loads torch")
def test_only_one_thread_at_a_time_tokenizes() -> None:
    model = load_sentence_transformer(str(minilm_path()))
    assert isinstance(model, SentenceTransformerModel)
    tokenizing: Any = model._transformer[0]
    preprocess = tokenizing.preprocess
    inside, most = [0], [0]

    def watched(*texts: Any, **options: Any) -> Any:
        inside[0] += 1
        time.sleep(0.01)
        most[0] = max(most[0], inside[0])
        features = preprocess(*texts, **options)
        inside[0] -= 1
        return features

    tokenizing.preprocess = watched
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda text: model.encode_queries([text])[0], QUESTIONS[:12]))
    assert np.stack(rows) == pytest.approx(model.encode_documents(QUESTIONS[:12]), abs=1e-5)
    assert most == [1]


@pytest.mark.long("loads torch")
def test_the_architecture_of_the_default_model(twin: Path) -> None:
    worker = EncoderWorker(str(twin), lambda: load_sentence_transformer(str(twin)))
    texts = ["パスワードを忘れました", "VPNにつながらない", "How do I reset my password?"]
    assert worker.dimension == 384
    assert worker.revision == folder_digest(twin)
    vectors = worker.encode_documents(texts)
    assert np.allclose(vectors @ worker.encode_query(texts[0]), vectors @ vectors[0], atol=1e-5)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3))
    assert np.all(vectors[1:] @ vectors[0] < 0.9999)
    worker.close()


@pytest.mark.long("loads torch")
def test_a_static_model_which_has_no_vector_for_other_scripts(tmp_path: Path) -> None:
    folder, csv = build_static(tmp_path / "static"), tmp_path / "it.csv"
    csv.write_text("question,answer\nreset,Press the button.\n経費の締め日,25日\nprinter,Upstairs.\n", "utf-8")
    model = load_sentence_transformer(str(folder))
    assert model.count_tokens(["reset", "締め日", "no"]) == [5, 0, 2]
    with FaissSearch(csv, folder, data_dir=tmp_path / "data", compiled=False) as search:
        assert search.search("rset")[0].dense == pytest.approx(1, abs=0.1)
        assert search.search("経費はいつ締めますか")[0].record.answer == "25日"
        assert [hit.record.question for hit in search.search("print")][:1] == ["printer"]


@pytest.mark.long("loads torch")
def test_japanese_bert_needs_its_tokenizers_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build_japanese_bert(tmp_path)
    monkeypatch.setitem(sys.modules, "fugashi", None)  # as if it weren't installed
    with pytest.raises(ModelUnavailableError, match=r"needs fugashi, .* `pip install fugashi( unidic-lite)?`") as told:
        load_sentence_transformer(str(folder))
    assert str(folder) in str(told.value)
    assert "\n" not in str(told.value)


def test_japanese_bert(tmp_path: Path) -> None:
    for extra in ("fugashi", "unidic_lite"):
        pytest.importorskip(extra, reason="the extra kotae[ja] isn't installed")
    folder = build_japanese_bert(tmp_path)
    model = load_sentence_transformer(str(folder))
    same, other = model.encode_documents(["パスワードを忘れた", "会議室"])
    assert model.encode_queries(["パスワードを忘れた"])[0] @ same == pytest.approx(1, abs=1e-5)
    assert same @ other < 0.9999


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "it has no config.json"),
        ({"config.json": "{}"}, "it has no safetensors weights"),
        ({"config.json": "{}", "pytorch_model.bin": "x"}, "only a pickle, which Kotae never opens"),
        (
            {
                "config.json": "{}",
                "vocab.txt": "x",
                "model-00001.safetensors": "x",
                "model.safetensors.index.json": json.dumps(
                    {"weight_map": {"a": "model-00001.safetensors", "b": "model-00002.safetensors"}}
                ),
            },
            "it has no model-00002.safetensors",
        ),
        ({"modules.json": "[", "model.safetensors": "x"}, "list of files can't be read"),
        ({"config.json": "{}", "model.safetensors": "x"}, "it has no tokenizer"),
        ({"config.json": '{"model_type": "bert"}', "model.safetensors": "x", "vocab.txt": "x"}, "Error"),
        (
            {
                "config.json": '{"model_type": "new", "auto_map": {"AutoConfig": "a.B", "AutoModel": "a.C"}}',
                "model.safetensors": "x",
                "vocab.txt": "x",
            },
            "it needs Python code from its repository, which Kotae never runs",
        ),
    ],
)
def test_a_folder_that_is_no_usable_model(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(ModelUnavailableError, match=told) as error:
        load_sentence_transformer(str(tmp_path))
    assert f"The model {tmp_path} can't be used: " in str(error.value)
    assert "\n" not in str(error.value)


def test_the_digest_of_a_folder_changes_with_its_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", "utf-8")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(17 * 2**20))
    before = folder_digest(tmp_path)
    assert before == folder_digest(tmp_path)
    with weights.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    assert folder_digest(tmp_path) != before
    (tmp_path / "README.md").write_text("not part of the model", "utf-8")
    assert folder_digest(minilm_path()).startswith("local-")


class WastefulModel(HashingModel):
    """Leaves 100 MB of freed memory that glibc keeps, for there is something in use behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[bytearray] = []
        self.waste()

    def waste(self) -> None:
        blocks = [bytearray(10_000) for _ in range(10_000)]
        self.kept.append(blocks[-1])

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        if "waste" in texts:
            self.waste()
        return super().encode_documents(texts)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps freed memory, and can be told not to")
def test_memory_that_loading_and_bulk_encoding_freed_goes_back_to_the_system() -> None:
    before = resident()
    worker = EncoderWorker("wasteful", WastefulModel)
    worker.wait()
    assert resident() - before < 40
    worker.encode_documents(["waste", *(str(number) for number in range(10))])
    assert resident() - before < 40
    worker.close()


def resident() -> float:
    """Megabytes."""
    return float(psutil.Process().memory_info().rss) / 1e6
