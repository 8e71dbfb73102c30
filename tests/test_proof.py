"""What judged replies prove: never too much, however often somebody looks."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evaluate import run
from handlers.channel_rules import MOST_PROMISED
from indexes import FaissSearch
from indexes.confidence.evaluation import read_queries
from indexes.confidence.proof import ERROR, PROMISE, Proof, exceeds, lower_bound, needed
from tests.sets.finding import sets

SETS = Path(__file__).parent / "sets"
THRESHOLDS = (0.3, 0.5, 0.7, 0.9)
COUNTS = st.integers(0, 400)
PROMISES = st.floats(0.5, 0.99)
STREAMS, LENGTH = 4000, 400


def fewest(wrong: int, promise: float) -> int:
    """How many must be judged, with so many wrong ones among them."""
    return next(right + wrong for right in range(10_000) if Proof(right, wrong, promise).is_proved)


def test_how_many_it_takes() -> None:
    assert [fewest(wrong, 0.8) for wrong in range(4)] == [14, 31, 46, 59]
    assert [fewest(wrong, 0.9) for wrong in range(3)] == [31, 61, 87]
    assert [fewest(wrong, 0.95) for wrong in range(2)] == [68, 122]
    assert Proof(41, 0).bound == pytest.approx(0.9231, abs=0.0005)


def test_nothing_proves_nothing_and_a_promise_of_none_needs_no_proof() -> None:
    assert (Proof(0, 0).bound, Proof(0, 0).is_proved, Proof(0, 0).missing) == (0.0, False, 14)
    assert Proof(0, 5, promise=0.0).is_proved
    assert Proof(0, 5, promise=0.0).missing == 0


@given(COUNTS, COUNTS)
def test_a_right_one_raises_the_bound_and_a_wrong_one_lowers_it(right: int, wrong: int) -> None:
    bound = lower_bound(right, wrong)
    assert 0 <= bound < 1
    assert bound <= lower_bound(right + 1, wrong) + 1e-9
    assert bound >= lower_bound(right, wrong + 1) - 1e-9
    assert bound <= right / max(right + wrong, 1)


@given(COUNTS, COUNTS, PROMISES)
def test_the_bound_is_above_the_promise_exactly_when_it_is_proved(right: int, wrong: int, promise: float) -> None:
    bound = lower_bound(right, wrong)
    if abs(bound - promise) > 1e-9:
        assert exceeds(right, wrong, promise) == (bound > promise)


@given(COUNTS, COUNTS, PROMISES)
def test_as_many_more_as_it_says_prove_it_and_one_fewer_does_not(right: int, wrong: int, promise: float) -> None:
    more = needed(right, wrong, promise)
    if not exceeds(right, wrong, promise):
        assert exceeds(right + more, wrong, promise)
        assert not exceeds(right + more - 1, wrong, promise)


def share_ever_proved(outcomes: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]", promise: float) -> float:
    """Of streams of judgements (one a row), the share in which the proof stood after any of them."""
    rights = outcomes.cumsum(axis=1)
    wrongs = np.arange(1, outcomes.shape[1] + 1) - rights
    least = np.array([needed(0, wrong, promise) for wrong in range(int(wrongs.max()) + 1)])
    return float((rights >= least[wrongs]).any(axis=1).mean())


@pytest.mark.parametrize("promise", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("below", [0.0, 0.02, 0.1])
def test_looking_after_every_judgement_one_stream_in_twenty_is_proved_wrongly_at_most(
    promise: float, below: float
) -> None:
    streams = np.random.default_rng(11).random((STREAMS, LENGTH)) < promise - below
    noise = 2.6 * (ERROR * (1 - ERROR) / STREAMS) ** 0.5  # one in two hundred of such shares is further off by chance
    assert share_ever_proved(streams, promise) <= ERROR + noise


def test_what_is_better_than_the_promise_is_proved_soon() -> None:
    streams = np.random.default_rng(12).random((STREAMS, LENGTH)) < 0.97
    assert share_ever_proved(streams[:, :30], 0.8) > 0.6
    assert share_ever_proved(streams[:, :100], 0.8) > 0.98


@pytest.fixture(scope="module")
def replies(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, float], "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """Of each set, searched by words, and each threshold: whether each reply is right."""
    found = {}
    for name, knowledge_base, queries in sets(SETS):
        with FaissSearch(knowledge_base, data_dir=tmp_path_factory.mktemp(name)) as search:
            outcomes = run(search, read_queries(queries), PROMISE).outcomes
        for threshold in THRESHOLDS:
            found[name, threshold] = np.array(
                [each.right for each in outcomes if each.confidence >= threshold], np.bool_
            )
    return {key: right for key, right in found.items() if len(right)}


@pytest.mark.long("simulates thousands of knowledge bases")
def test_at_most_one_knowledge_base_in_twenty_is_ever_live_below_its_promise(
    replies: dict[tuple[str, float], "np.ndarray[tuple[int], np.dtype[np.bool_]]"],
) -> None:
    """Every set's replies, drawn again and again, as the judgements of a knowledge base that is as good as that set."""
    draw = np.random.default_rng(13)
    tried = 0
    for key, right in replies.items():
        for promise in {PROMISE, min(max(float(right.mean()), 0.01), MOST_PROMISED), MOST_PROMISED}:
            if right.mean() <= promise:
                tried += 1
                share = share_ever_proved(draw.choice(right, (1000, 300)), promise)
                assert share <= ERROR + 2.6 * (ERROR * (1 - ERROR) / 1000) ** 0.5, (key, promise)
    assert tried >= 20


@pytest.mark.long("tries many sets")
def test_a_set_that_is_nearly_always_right_is_proved(
    replies: dict[tuple[str, float], "np.ndarray[tuple[int], np.dtype[np.bool_]]"],
) -> None:
    draw = np.random.default_rng(14)
    good = [right for right in replies.values() if right.mean() >= 0.95]
    assert good
    assert all(share_ever_proved(draw.choice(right, (1000, 100)), PROMISE) > 0.9 for right in good)
