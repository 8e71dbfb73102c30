"""Questions that are nearly the same: by meaning, by letters, and how long it takes."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.encoder import EncoderWorker, Vector
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from indexes.retrieval.clustering import SAME_QUESTION, QuestionVectors, group_by_letters, group_by_meaning
from tests.encoders import CountingModel, hashing_encoder
from tests.remembered import remembered_minilm

CSV = """\
question,answer
How do I reset my password?,On the reset page.
Where is the office?,In Tokyo.
The printer does not print.,Check the paper.
How do I get into the building at night?,With your card.
When are the salaries paid?,On the 25th.
"""
ASKED = [
    "How can I book a meeting room?",
    "booking a meeting room",
    "Is there a canteen?",
    "How do I book a meeting room",
    "do we have a canteen in the office",
    "Which version of Windows 10 do we use?",
    "Which version of Windows 11 do we use?",
]


def unit(*values: float) -> Vector:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def silence(_: Vector) -> float:
    return 0.0


@pytest.fixture
def maintenance(tmp_path: Path) -> Maintenance:
    path = tmp_path / "it-help.csv"
    path.write_text(CSV)
    maintenance = Maintenance(Registry(lambda: [Source("it-help", path)]), tmp_path / "data")
    maintenance.load().result(60)
    return maintenance


def test_each_joins_the_nearest_leader_that_is_near_enough() -> None:
    texts = ["a", "b", "c", "d", "e"]
    just, under = SAME_QUESTION + 0.001, SAME_QUESTION - 0.001
    near_a = unit(just, 0.0, (1 - just**2) ** 0.5)
    far_from_a = unit(under, 0.0, -((1 - under**2) ** 0.5))
    vectors = np.stack([unit(1, 0, 0), near_a, unit(0, 1, 0), far_from_a, unit(0.1, 0.9, 0)])
    assert group_by_meaning(texts, vectors, silence) == [[0, 1], [2, 4], [3]]


def test_what_any_two_questions_share_does_not_bring_them_together() -> None:
    vectors = np.stack([unit(1, 0), unit(0.8, 0.6)])  # a cosine of 0.8
    assert group_by_meaning(["a", "b"], vectors, silence) == [[0, 1]]
    assert group_by_meaning(["a", "b"], vectors, lambda _: 0.19) == [[0, 1]]  # (0.8 - 0.19) / 0.81 = 0.753
    assert group_by_meaning(["a", "b"], vectors, lambda _: 0.21) == [[0], [1]]  # (0.8 - 0.21) / 0.79 = 0.747
    higher = iter([0.0, 0.21])
    assert group_by_meaning(["a", "b"], vectors, lambda _: next(higher)) == [[0], [1]]
    assert group_by_meaning(["a", "b"], vectors, lambda _: 1.0) == [[0], [1]]


def test_different_numbers_are_different_questions() -> None:
    vectors = np.stack([unit(1, 0)] * 3)
    assert group_by_meaning(["ERR-4012", "ERR-4013", "err-4012?"], vectors, silence) == [[0, 2], [1]]
    assert group_by_letters(["ERR-4012 とは何ですか", "ERR-4013 とは何ですか", "ERR-4012とは何ですか？"]) == [
        [0, 2],
        [1],
    ]


def test_by_letters() -> None:
    texts = ["会議室を予約したいです", "食堂はありますか", "会議室を予約したい", "???", "食堂はありますか？", "!"]
    assert group_by_letters(texts) == [[0, 2], [1, 4], [3], [5]]
    assert group_by_letters([]) == []


def test_without_an_encoder_by_letters(maintenance: Maintenance) -> None:
    assert maintenance.registry.group([]) == []
    assert maintenance.registry.group(ASKED) == [[0, 3], [1], [2], [4], [5], [6]]
    maintenance.close()


@pytest.mark.long("loads torch")
def test_with_an_encoder_by_meaning(maintenance: Maintenance, shared: Path) -> None:
    maintenance.use_encoder(remembered_minilm(shared)).result(60)
    assert maintenance.registry.group(ASKED) == [[0, 1, 3], [2, 4], [5], [6]]
    maintenance.close()


def test_a_text_is_encoded_once(maintenance: Maintenance) -> None:
    counting = CountingModel()
    encoder = EncoderWorker("hashing", lambda: counting)
    maintenance.use_encoder(encoder).result(60)
    counting.encoded.clear()
    maintenance.registry.group(["one", "two", "ONE"])
    maintenance.registry.group(["two", "three"])
    assert sorted(counting.encoded) == ["one", "three", "two"]
    maintenance.close()
    encoder.close()
    assert maintenance.registry.group(["one", "two"]) == [[0], [1]]  # known, though the model is gone
    assert maintenance.registry.group(["one", "new"]) == [[0], [1]]  # by letters


def test_a_question_that_can_not_be_encoded_stands_alone_and_is_tried_again(maintenance: Maintenance) -> None:
    class Failing(CountingModel):
        def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
            return super().encode_documents(texts) * [[text != refused] for text in texts]

    refused, counting = "how do i book a room", Failing()
    asked = ["Where is the canteen", "How do I book a room", "Where is the canteen?", "How do I book a room?"]
    encoder = EncoderWorker("hashing", lambda: counting)
    maintenance.use_encoder(encoder).result(60)
    assert maintenance.registry.group(asked) == [[0, 2], [1], [3]]
    refused = ""
    assert maintenance.registry.group(asked) == [[0, 2], [1, 3]]
    maintenance.close()
    encoder.close()


def test_only_so_many_vectors_are_kept() -> None:
    counting = CountingModel()
    encoder = EncoderWorker("hashing", lambda: counting)
    encoder.wait()
    comparison = QuestionVectors(remembered=2)
    counting.encoded.clear()
    for text in ("one", "two", "one", "three", "one", "two"):
        comparison.vectors([text], encoder)
    assert counting.encoded == ["one", "two", "three", "two"]
    encoder.close()


def test_a_thousand_are_grouped_in_a_moment(maintenance: Maintenance) -> None:
    encoder = hashing_encoder(dimension=384)
    maintenance.use_encoder(encoder).result(60)
    rng = np.random.default_rng(1)
    syllables = ["ka", "mi", "ro", "te", "shu", "no", "bel", "kor", "tan", "wi"]
    texts = [" ".join("".join(rng.choice(syllables, 3)) for _ in range(6)) for _ in range(1000)]
    maintenance.registry.group(texts)
    started = time.thread_time()
    groups = maintenance.registry.group(texts)
    by_meaning_took = time.thread_time() - started
    started = time.thread_time()
    group_by_letters(texts)
    by_letters_took = time.thread_time() - started
    assert sorted(place for group in groups for place in group) == list(range(1000))
    assert (by_meaning_took < 2, by_letters_took < 2) == (True, True)
    maintenance.close()
    encoder.close()
