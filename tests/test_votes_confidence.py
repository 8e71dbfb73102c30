"""What votes add to confidence."""

from dataclasses import replace
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.confidence.confidence import probability
from indexes.confidence.votes import SHIFT_DEVIATION, Judgement, confidence_shift

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
