"""What people's votes on replies add to confidence: a constant per knowledge base."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import copysign, log1p

import numpy as np
from numpy.typing import NDArray

SHIFT_DEVIATION = 0.5
"""Standard deviation of the prior of what votes add to the log-odds of a knowledge base."""

_STEPS = 100
"""Most steps; about ten are needed, and about thirty if every vote is extreme."""

_ENOUGH = 1e-10
"""Stop when a step changes no log-odds by more than this."""

_EXTREME = 1e-6
"""Confidences are moved at least this far from 0 and 1: a single vote must not outweigh all others."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judgement of a reply: its confidence, whether it was right, and the weight of the judgement."""

    confidence: float
    right: bool
    weight: float = 1.0


def confidence_shift(judged: Iterable[Judgement], deviation: float = SHIFT_DEVIATION) -> float:
    """Return what votes add to the log-odds of a knowledge base's answers.

    This is the most probable constant under a normal prior with mean 0 and standard deviation `deviation`: ten votes
    move it little. At that constant the prior's pull, constant / deviation ** 2, equals the sum of
    weight * (right - expected). Each of these terms is at most its weight, so that the constant is never further from 0
    than deviation ** 2 times the sum of the weights.
    """
    judgements = list(judged)
    if not judgements:
        return 0.0
    confidence = np.clip([each.confidence for each in judgements], _EXTREME, 1 - _EXTREME)
    right = np.array([each.right for each in judgements], dtype=np.float64)
    weight = np.array([each.weight for each in judgements], dtype=np.float64)
    return _most_probable(np.log(confidence / (1 - confidence)), right, weight, 1 / deviation**2)


def _most_probable(
    logits: NDArray[np.float64], right: NDArray[np.float64], weight: NDArray[np.float64], stiffness: float
) -> float:
    """Return the most probable constant to add to the logits under a normal prior with mean 0 and this precision.

    Newton's method on a strictly concave objective. A full step overshoots where the logistic is flat, and may then
    diverge. The third derivative of a logistic is at most its second, so that a step is always an improvement when it
    is shortened to ln(1 + step) (Bach 2010, "Self-concordant analysis for logistic regression"); close to the maximum
    that is a full step.
    """
    constant = 0.0
    for _ in range(_STEPS):
        expected = 1.0 / (1.0 + np.exp(-np.clip(logits + constant, -50, 50)))
        slope = float((weight * (right - expected)).sum()) - stiffness * constant
        step = slope / (float((weight * expected * (1 - expected)).sum()) + stiffness)
        constant += copysign(log1p(abs(step)), step)
        if abs(step) < _ENOUGH:
            break
    return constant
