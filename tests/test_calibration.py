from collections.abc import Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest

from indexes.builder import Source
from indexes.calibration import Example, calibrate, fit, learn, store_weights, stored_weights
from indexes.confidence import DENSE, Features, Weights, probability
from indexes.encoder import Vector, Vectors
from indexes.encoder.protocol import Progress
from indexes.records import Record
from indexes.registry import Registry
from indexes.synonyms import Synonyms
from tests.encoders import HashingModel, hashing_encoder

PRIOR = Weights(-1.0, Features(score=2.0, decision=4.0))


def drawn(truth: Weights, count: int) -> list[Example]:
    """Examples that behave exactly as the weights say, in expectation."""
    random = np.random.default_rng(5)
    examples = []
    for _ in range(count):
        seen = Features(score=float(random.random()), decision=float(random.random()) / 2)
        examples.append(Example(seen, bool(random.random() < probability(truth.logit(seen)))))
    return examples


def test_nothing_seen_is_nothing_learnt() -> None:
    assert fit([], PRIOR) == PRIOR


def test_a_few_examples_hardly_move_the_weights_and_many_find_the_truth() -> None:
    truth = Weights(-4.0, Features(score=6.0, decision=4.0))
    few, many = fit(drawn(truth, 5), PRIOR), fit(drawn(truth, 20_000), PRIOR, memory=10)
    assert few.constant == pytest.approx(PRIOR.constant, abs=0.5)
    assert few.factors.score == pytest.approx(PRIOR.factors.score, abs=0.7)
    assert many.constant == pytest.approx(truth.constant, abs=0.3)
    assert many.factors.score == pytest.approx(truth.factors.score, abs=0.4)
    assert many.factors.decision == pytest.approx(truth.factors.decision, abs=0.6)


def test_only_features_with_a_weight_get_one() -> None:
    fitted = fit(drawn(PRIOR, 100), PRIOR)
    assert fitted.factors.lift == fitted.factors.missing == 0


def test_examples_of_one_kind_do_not_run_away() -> None:
    wrong = [Example(Features(score=0.9, decision=0.1), right=False)] * 200
    assert -20 < fit(wrong, PRIOR).constant < PRIOR.constant


def test_feedback_needs_more_than_ten_clicks_to_swing() -> None:
    assert learn([]) == 0
    ten, many = learn([(0.9, False)] * 10), learn([(0.9, False)] * 1_000)
    assert probability(log(9) + ten) > 0.6
    assert probability(log(9) + many) < 0.3
    assert learn([(0.9, True)] * 10) > 0


def test_feedback_as_expected_changes_nothing() -> None:
    assert learn([(0.9, True)] * 9 + [(0.9, False)]) == pytest.approx(0, abs=1e-9)
    assert -1 < learn([(1.0, False), (0.0, True)]) < 1


class Hashing:
    """The small encoder of the tests, its cosines squeezed into the upper half as some models do."""

    def __init__(self, base: float) -> None:
        self._model = HashingModel()
        self._base = base
        self.name, self.revision, self.dimension = "squeezed", "1", self._model.dimension + 1

    @property
    def canaries(self) -> Vectors:
        return self.encode_documents(["canary"])

    def encode_query(self, text: str) -> Vector:
        return np.asarray(self.encode_documents([text])[0])

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        vectors = self._model.encode_documents(texts) * np.sqrt(1 - self._base)
        padded = np.column_stack([np.full(len(texts), np.sqrt(self._base)), vectors]).astype(np.float32)
        if progress:
            progress(len(texts), len(texts))
        return np.asarray(padded)


THINGS = ["printer", "laptop", "vpn", "payslip", "badge", "phone", "calendar", "monitor", "invoice", "holiday"]
VERBS = ["order", "return", "repair", "share", "find"]


def knowledge() -> list[Record]:
    return [
        Record(
            id=f"{verb}-{thing}",
            question=f"How do I {verb} a {thing}?",
            answer=f"See the {thing} page, section {verb}.",
            aliases=(f"{verb} my {thing}", f"{thing} {verb}"),
        )
        for verb in VERBS
        for thing in THINGS
    ]


def test_an_encoder_is_calibrated_on_aliases() -> None:
    plain = calibrate([(knowledge(), Synonyms())], Hashing(0.0))
    squeezed = calibrate([(knowledge(), Synonyms())], Hashing(0.6))
    assert plain != DENSE
    assert squeezed != plain


def test_without_aliases_the_shipped_weights_stay() -> None:
    bare = [replace(record, aliases=()) for record in knowledge()]
    assert calibrate([(bare, Synonyms())], Hashing(0.0)) is DENSE


def test_the_bot_fits_confidence_once_per_encoder_and_keeps_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "".join(f"設定{n}のやり方,手順{n}を参照,設定方法{n}|やり方{n}を知りたい\n" for n in range(40))
    (tmp_path / "kb.csv").write_text(f"質問,回答,言い換え\n{rows}", encoding="utf-8")
    encoder = hashing_encoder()

    def fitted() -> Weights:
        registry = Registry(lambda: [Source("kb", tmp_path / "kb.csv")], tmp_path / "data")
        registry.load().result()
        registry.use_encoder(encoder).result()
        registry.calibrate().result()
        registry.close()
        return registry.weights

    with caplog.at_level("INFO"):
        first = fitted()
        assert first != DENSE
        assert caplog.text.count("Confidence is fitted to hashing") == 1
        assert fitted() == first
        assert caplog.text.count("Confidence is fitted to hashing") == 1
    assert stored_weights(tmp_path / "data", encoder) == first
    (tmp_path / "data" / "calibration.json").write_text("{half", encoding="utf-8")
    assert stored_weights(tmp_path / "data", encoder) is None
    other = hashing_encoder(revision="2")
    store_weights(tmp_path / "data", encoder, first)
    assert stored_weights(tmp_path / "data", other) is None
    encoder.close()
    other.close()
