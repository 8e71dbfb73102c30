import json
from collections.abc import Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.confidence.calibration import (
    PRIOR_EXAMPLES,
    SHIFT_DEVIATION,
    Example,
    Fit,
    Judgement,
    calibrate,
    confidence_shift,
    fit,
    store_fit,
    stored_fit,
)
from indexes.confidence.confidence import DENSE, Features, Weights, probability
from indexes.encoder import Vector, Vectors
from indexes.encoder.protocol import Progress
from indexes.maintenance import Maintenance
from indexes.records import Record, Source
from indexes.registry import Registry
from indexes.retrieval.synonyms import Synonyms
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
    few, many = fit(drawn(truth, 5), PRIOR), fit(drawn(truth, 20_000), PRIOR, prior_examples=10)
    assert few.constant == pytest.approx(PRIOR.constant, abs=0.5)
    assert few.factors.score == pytest.approx(PRIOR.factors.score, abs=0.7)
    assert many.constant == pytest.approx(truth.constant, abs=0.3)
    assert many.factors.score == pytest.approx(truth.factors.score, abs=0.4)
    assert many.factors.decision == pytest.approx(truth.factors.decision, abs=0.6)


def test_a_fit_that_cannot_be_kept_is_used_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = "".join(f"設定{n}のやり方,手順{n}を参照,設定方法{n}|やり方{n}を知りたい\n" for n in range(40))
    (tmp_path / "kb.csv").write_text(f"質問,回答,言い換え\n{rows}", encoding="utf-8")
    encoder = hashing_encoder()
    (tmp_path / "data" / "calibration.json").mkdir(parents=True)
    maintenance = Maintenance(Registry(lambda: [Source("kb", tmp_path / "kb.csv")]), tmp_path / "data")
    maintenance.load().result()
    maintenance.use_encoder(encoder).result()
    maintenance.calibrate().result()
    maintenance.close()
    assert maintenance.registry.weights != DENSE
    assert "is not kept for the next start" in caplog.text
    encoder.close()


def test_only_features_with_a_weight_get_one() -> None:
    fitted = fit(drawn(PRIOR, 100), PRIOR)
    assert fitted.factors.lift == fitted.factors.missing == 0


def test_examples_of_one_kind_do_not_run_away() -> None:
    wrong = [Example(Features(score=0.9, decision=0.1), right=False)] * 200
    assert -20 < fit(wrong, PRIOR).constant < PRIOR.constant


unhurried = settings(deadline=None)
CONFIDENCES = st.floats(0, 1)
VOTES = st.lists(
    st.builds(Judgement, CONFIDENCES, st.booleans(), st.sampled_from([0.25, 1.0, 40.0, 1_000.0])), max_size=30
)


def said(confidence: float, right: int = 0, wrong: int = 0) -> list[Judgement]:
    return [Judgement(confidence, right=True)] * right + [Judgement(confidence, right=False)] * wrong


def pull(judged: list[Judgement], shift: float) -> float:
    """The slope of what `learn` maximizes, computed one vote at a time."""
    slope = -shift / SHIFT_DEVIATION**2
    for each in judged:
        within = min(max(each.confidence, 1e-6), 1 - 1e-6)
        slope += each.weight * (each.right - probability(log(within / (1 - within)) + shift))
    return slope


def test_feedback_needs_more_than_ten_clicks_to_swing() -> None:
    assert confidence_shift([]) == 0
    ten, many = confidence_shift(said(0.9, wrong=10)), confidence_shift(said(0.9, wrong=1_000))
    assert probability(log(9) + ten) > 0.6
    assert probability(log(9) + many) < 0.3
    assert confidence_shift(said(0.9, right=10)) > 0


def test_feedback_as_expected_changes_nothing() -> None:
    assert confidence_shift(said(0.9, right=9, wrong=1)) == pytest.approx(0, abs=1e-9)
    assert -1 < confidence_shift([*said(1.0, wrong=1), *said(0.0, right=1)]) < 1


def test_much_feedback_against_great_confidence_lowers_it() -> None:
    shift = confidence_shift([*said(0.98, wrong=60), *said(0.90, right=40)])
    assert -4 < shift < -2


@unhurried
@given(VOTES)
def test_the_shift_is_where_votes_and_prior_balance(judged: list[Judgement]) -> None:
    weight = sum(each.weight for each in judged)
    shift = confidence_shift(judged)
    assert pull(judged, shift) == pytest.approx(0, abs=1e-8 * (1 + weight))
    assert abs(shift) <= SHIFT_DEVIATION**2 * weight


@unhurried
@given(VOTES, CONFIDENCES, st.integers(1, 1_000))
def test_another_vote_moves_confidence_its_own_way_only(judged: list[Judgement], confidence: float, times: int) -> None:
    before = confidence_shift(judged)
    assert confidence_shift([*judged, Judgement(confidence, right=False, weight=times)]) <= before + 1e-9
    assert confidence_shift([*judged, Judgement(confidence, right=True, weight=times)]) >= before - 1e-9


@unhurried
@given(st.data(), VOTES)
def test_the_order_of_votes_is_nothing_and_a_weight_is_as_many_votes(
    data: st.DataObject, judged: list[Judgement]
) -> None:
    shift = confidence_shift(judged)
    assert confidence_shift(data.draw(st.permutations(judged))) == pytest.approx(shift, abs=1e-9)
    twice = [replace(each, weight=each.weight / 2) for each in judged for _ in range(2)]
    assert confidence_shift(twice) == pytest.approx(shift, abs=1e-9)


SEEN = st.builds(Example, st.builds(Features, score=st.floats(-1, 3), decision=st.floats(-0.3, 0.3)), st.booleans())


@unhurried
@given(
    st.lists(SEEN, min_size=1, max_size=30),
    st.integers(1, 300),
    st.floats(-30, 30),
    st.floats(0.5, 40),
    st.floats(0.01, PRIOR_EXAMPLES),
)
def test_a_fit_ends_where_examples_and_prior_balance(
    examples: list[Example], times: int, constant: float, factor: float, memory: float
) -> None:
    """Separable examples included, and any prior: those are where an undamped Newton runs away."""
    prior = Weights(constant, Features(score=factor, decision=-factor))
    fitted = fit(examples * times, prior, memory)
    seen = np.array([[1.0, each.features.score, each.features.decision] for each in examples])
    expected = np.array([probability(fitted.logit(each.features)) for each in examples])
    right = np.array([each.right for each in examples])
    spread = np.maximum(np.concatenate([[1.0], seen[:, 1:].std(axis=0)]), 1e-3)
    moved = [fitted.constant - constant, fitted.factors.score - factor, fitted.factors.decision + factor]
    slope = times * seen.T @ (right - expected) - memory * spread**2 / 4 * moved
    assert np.abs(slope).max() < 1e-5 * times * len(examples)


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

    def fitted() -> Fit | None:
        maintenance = Maintenance(Registry(lambda: [Source("kb", tmp_path / "kb.csv")]), tmp_path / "data")
        maintenance.load().result()
        maintenance.use_encoder(encoder).result()
        maintenance.calibrate().result()
        maintenance.close()
        return maintenance.registry.fit

    with caplog.at_level("INFO"):
        first = fitted()
        assert first
        assert first.weights != DENSE
        assert (first.aliases, first.knowledge_bases, first.moved) == (80, ("kb",), True)
        assert caplog.text.count("Confidence is fitted to hashing") == 1
        assert fitted() == first
        assert caplog.text.count("Confidence is fitted to hashing") == 1
    file = tmp_path / "data" / "calibration.json"
    assert stored_fit(tmp_path / "data", encoder) == first
    kept = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({key: kept[key] for key in ("encoder", "prior", "weights")}), encoding="utf-8")
    assert stored_fit(tmp_path / "data", encoder) == Fit(first.weights), "as 0.1.0 stored it"
    file.write_text("{half", encoding="utf-8")
    assert stored_fit(tmp_path / "data", encoder) is None
    other = hashing_encoder(revision="2")
    store_fit(tmp_path / "data", encoder, first)
    assert stored_fit(tmp_path / "data", other) is None
    encoder.close()
    other.close()
