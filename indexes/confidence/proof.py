"""Whether judged replies prove a precision: a lower bound that may be looked at after every judgement.

A bound for a fixed number of judgements is too high too often when it is looked at every day until it is high enough.
This one holds at all times together. For a precision p, the beta-binomial mixture divided by the likelihood of p is a
martingale that starts at 1 if p is true; it ever reaches 1 / ERROR with a probability of at most ERROR (Ville's
inequality), and the bound is the lowest p for which it has not. See Howard, Ramdas, McAuliffe and Sekhon,
"Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021), and Waudby-Smith and
Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024).
"""

from dataclasses import dataclass
from math import lgamma, log, log1p

PROMISE = 0.8
"""Default precision that is to be proved before the bot replies unasked."""

ERROR = 0.05
"""Probability that the bound is ever above the true precision."""

PRIOR_RIGHT, PRIOR_WRONG = 120.0, 1.0
"""The mixture's beta distribution: knowledge bases worth proving are nearly always right.

With it, a promise of .80 takes 14 judgements without a wrong one, 31 with one and 46 with two. A distribution further
from 1 takes more of the first and fewer of the last: (50, 1) takes 15, 29 and 41.
"""

STEPS = 50
"""Halvings of the interval in which the bound is looked for."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What judgements say of the replies of a knowledge base. A promise of 0 asks for no proof."""

    right: int
    wrong: int
    promise: float = PROMISE

    @property
    def judged(self) -> int:
        """How many replies were judged."""
        return self.right + self.wrong

    @property
    def is_proved(self) -> bool:
        """Whether the lower bound of the precision is above the promise."""
        return self.promise <= 0 or exceeds(self.right, self.wrong, self.promise)

    @property
    def bound(self) -> float:
        """The lower bound of the precision."""
        return lower_bound(self.right, self.wrong)

    @property
    def missing(self) -> int:
        """How many more right replies, and no wrong one, would prove it."""
        return 0 if self.is_proved else needed(self.right, self.wrong, self.promise)


def exceeds(right: int, wrong: int, precision: float) -> bool:
    """Return whether the lower bound is above a precision, which is above 0 and below 1."""
    return right > precision * (right + wrong) and _evidence(right, wrong, precision) >= -log(ERROR)


def lower_bound(right: int, wrong: int) -> float:
    """Return the lower bound of the precision, from 0 to 1; 0 before anything was right."""
    low, high = 0.0, right / (right + wrong) if right else 0.0
    for _ in range(STEPS if right else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if exceeds(right, wrong, middle) else (low, middle)
    return low


def needed(right: int, wrong: int, precision: float) -> int:
    """Return how many more right replies in a row bring the bound above a precision: the fewest, by halving."""
    enough = 1
    while not exceeds(right + enough, wrong, precision):
        enough *= 2
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if exceeds(right + middle, wrong, precision) else (middle, enough)
    return enough


def _evidence(right: int, wrong: int, precision: float) -> float:
    """Return the logarithm of the mixture's likelihood, divided by that of the precision."""
    mixture = _log_beta(right + PRIOR_RIGHT, wrong + PRIOR_WRONG) - _log_beta(PRIOR_RIGHT, PRIOR_WRONG)
    return mixture - right * log(precision) - wrong * log1p(-precision)


def _log_beta(right: float, wrong: float) -> float:
    return lgamma(right) + lgamma(wrong) - lgamma(right + wrong)
