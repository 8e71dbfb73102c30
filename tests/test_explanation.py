import json

import numpy as np
import pytest

from indexes.confidence.confidence import with_confidence
from indexes.confidence.explanation import explain
from indexes.records import Record
from indexes.retrieval.dense import DenseIndex
from indexes.retrieval.index import DENSE_WEIGHT, Index, Question
from indexes.retrieval.synonyms import Synonyms

ROWS = [
    Record(id="1", question="reset password", answer="Use the portal.", aliases=("forgot password",)),
    Record(id="2", question="printer jam", answer="Open the tray."),
]
VECTORS = np.array([[1, 0], [0.6, 0.8], [0.8, 0.6], [0, 1], [0, 1]], dtype=np.float32)
EAST = np.array([1, 0], dtype=np.float32)


def test_the_parts_add_up_to_score_and_confidence() -> None:
    owners = np.array([0, 0, 0, 1, 1], dtype=np.int32)
    index = Index("it", ROWS, Synonyms(), DenseIndex.build(VECTORS, owners))
    question = Question("Reset password now", "reset password now", EAST)
    hit = with_confidence(question, index.search(question))[0]
    why = explain(index, question, hit)
    json.dumps(why)
    cosines = [passage["cosine"] for passage in why["dense"]["passages"]]
    assert cosines == pytest.approx([1, 0.6, 0.8])
    assert why["lexical"]["total"] == pytest.approx(hit.lexical)
    assert why["dense"]["weight"] == DENSE_WEIGHT
    assert why["score"] == pytest.approx(DENSE_WEIGHT * 1 + (1 - DENSE_WEIGHT) * hit.lexical + why["support"])
    logit = sum(why["confidence"]["terms"].values())
    assert why["confidence"]["value"] == pytest.approx(1 / (1 + np.exp(-logit)))


def test_terms_are_spelled_and_sorted_by_rarity() -> None:
    index = Index("it", ROWS, Synonyms())
    question = Question("reset the printer", "reset the printer")
    hit = next(hit for hit in index.search(question) if hit.record.id == "1")
    why = explain(index, question, hit)
    assert why["dense"] is None
    assert [term["term"] for term in why["lexical"]["matched"]] == ["reset", "the"]
    assert [term["term"] for term in why["lexical"]["missing"]] == ["printer"]
    assert why["lexical"]["weight"] == 1
