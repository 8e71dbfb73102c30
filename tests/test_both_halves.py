"""A question is encoded while its words are searched, and finds what one half after the other finds."""

import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from numpy.typing import NDArray

from indexes.encoder import EncoderWorker, ModelManager
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import MERGED_HITS, Registry
from indexes.retrieval.index import Question
from indexes.text import normalize
from tests.encoders import HashingModel

NAMES = ("one", "two", "three")
QUESTIONS = ("How do I change setting 7?", "設定 12 を変えたい", "where is printer 3", "せっていをかえたい", "?", "VPN")


class WaitingModel(HashingModel):
    """While it is told to, a question's encoding begins with `entered` and ends only after `words_done`."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = False
        self.fails = False
        self.entered = threading.Event()
        self.words_done = threading.Event()
        self.threads: set[str] = set()

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        self.threads.add(threading.current_thread().name)
        if self.fails:
            raise ZeroDivisionError
        if self.waits:
            self.entered.set()
            assert self.words_done.wait(60), "the words were not searched meanwhile"
        return super().encode_queries(texts)


class Base:
    """Three knowledge bases with a waiting model."""

    def __init__(self, folder: Path) -> None:
        self.model = WaitingModel()
        for name in NAMES:
            rows = [f"{name}{n},How do I change setting {n}?,Press {n} of {name}.\n" for n in range(40)]
            rows += [f"{name}j{n},設定 {n} の変更,画面 {n} で変えます。\n" for n in range(40)]
            (folder / f"{name}.csv").write_text("id,question,answer\n" + "".join(rows), "utf-8")
        sources = [Source(name, folder / f"{name}.csv") for name in NAMES]
        self.manager = ModelManager(lambda _, __: self.model, recent=0)
        self.registry = Registry(lambda: sources, folder / "_synonyms.csv")
        self.maintenance = Maintenance(self.registry, folder / "data")
        self.maintenance.load().result(60)
        self.encoder: EncoderWorker = self.manager.get("waiting")
        self.maintenance.use_encoder(self.encoder).result(60)


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Base]:
    opened = Base(tmp_path)
    yield opened
    opened.model.words_done.set()
    opened.maintenance.close()
    opened.manager.close()


def test_the_words_of_every_knowledge_base_are_searched_while_the_question_is_encoded(base: Base) -> None:
    """Neither half ends without the other: encoding waits for the words, and the words for encoding to have begun."""
    model, searched = base.model, 0
    model.waits = True

    def watch(frame: FrameType, event: str, _: object) -> None:
        nonlocal searched
        if event == "return" and frame.f_code.co_qualname == "Index.match_words":
            assert model.entered.wait(60), "the words are searched before the encoding has begun"
            searched += 1
            if searched == len(NAMES):
                model.words_done.set()

    sys.setprofile(watch)
    try:
        answer = base.registry.search(QUESTIONS[0], NAMES)
    finally:
        sys.setprofile(None)
    assert (searched, answer.encoder) == (len(NAMES), "hashing")
    assert answer.question.vector is not None


@pytest.mark.parametrize("asked", QUESTIONS)
def test_both_at_once_find_the_very_same(base: Base, asked: str) -> None:
    normalized = normalize(asked)
    question = Question(asked, normalized, base.encoder.encode_query(normalized))
    for name in NAMES:
        index = base.registry.loaded[name].index
        words = index.match_words(normalized, MERGED_HITS)
        assert index.search(question, MERGED_HITS, words) == index.search(question, MERGED_HITS)
    alone = [
        (hit.record.id, hit.score, hit.dense, hit.lexical, hit.evidence)
        for name in NAMES
        for hit in base.registry.loaded[name].index.search(question, MERGED_HITS)
    ]
    found = base.registry.search(asked, NAMES)
    assert found.hits
    assert {(hit.record.id, hit.score, hit.dense, hit.lexical, hit.evidence) for hit in found.hits} <= set(alone)


def test_no_thread_is_started_for_a_question(base: Base) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: base.registry.search(text, NAMES), QUESTIONS * 5))
        asking = {thread.name for thread in threading.enumerate()}
    assert base.model.threads <= {"encoder", "encoder-bulk"}
    assert len([name for name in asking if name.startswith("encoder")]) == len(base.model.threads)


def test_a_question_that_can_not_be_encoded_is_searched_by_words(base: Base, caplog: pytest.LogCaptureFixture) -> None:
    base.model.fails = True
    answer = base.registry.search(QUESTIONS[0], NAMES)
    assert (answer.encoder, answer.hits[0].dense, answer.question.vector) == (None, None, None)
    assert answer.hits[0].record.question == QUESTIONS[0]
    assert "Searching lexically: " in caplog.text
    base.model.fails = False
    assert base.registry.search(QUESTIONS[0], NAMES).encoder == "hashing"
    base.manager.close()
    assert base.registry.search(QUESTIONS[0], NAMES).encoder is None


def test_a_model_that_takes_too_long_is_not_waited_for(base: Base, caplog: pytest.LogCaptureFixture) -> None:
    base.model.waits = True
    hasty = Registry(lambda: (), patience=0.02)
    hasty.swap(base.registry.state)
    answer = hasty.search(QUESTIONS[0], NAMES)
    assert (answer.encoder, answer.hits[0].record.question) == (None, QUESTIONS[0])
    assert "Searching lexically: the model has taken more than" in caplog.text
    base.model.words_done.set()
    assert base.registry.search(QUESTIONS[0], NAMES).encoder == "hashing"
