"""How close the best rows are, and whether they are among the closest of what was asked lately.

A score says little about another encoder's scores, or those in another knowledge base. So nothing is put back from
a fixed closeness on, but the share of questions whose best rows are closest where they are asked. `python -m
tests.sets.asking` measures what that is worth; docs/asking.md has the figures.
"""

from collections.abc import Sequence

SHARE = 0.22
"""The share of the questions that is answered by one back: what is asked varies, and it is to stay below a quarter."""
REMEMBERED = 200
"""Earlier questions that a question is compared with."""
FEW = 20
"""Earlier questions from which on they alone are what a question is compared with."""
DISCOUNT = 0.7
"""How much the first score counts against the second. Fitted to whether the right row is among the next four, on the
public sets of docs/asking.md with two encoders and without: .73, and .67 to .78 without the sets of any one family."""
NOT_CLOSE = -1.0
"""The closeness of a sure answer, and where there is only one: it is never put back."""
USUAL = (
    *(NOT_CLOSE, NOT_CLOSE, NOT_CLOSE, NOT_CLOSE, -0.061, -0.021, -0.001, 0.014, 0.019, 0.028),
    *(0.036, 0.04, 0.045, 0.05, 0.057, 0.063, 0.071, 0.082, 0.107, 0.139),
)
"""Closeness of questions in place of earlier ones while those are FEW: the median set's quantiles, ascending."""


def closeness(first: float, second: float) -> float:
    """Return how close the second score is to the first, and both to the question: scores are 0 to 1."""
    return second - DISCOUNT * first if first > 0 else NOT_CLOSE


def is_among_closest(close: float, recent: Sequence[float], usual: Sequence[float] = USUAL) -> bool:
    """Return whether a question is among the SHARE of the closest; `recent` are earlier ones, newest first.

    One that is asked again is as close as before, and is answered in the same way.
    """
    earlier = [*recent[:REMEMBERED], *(usual if len(recent) < FEW else ())]
    closer = sum(other > close for other in earlier)
    return close > NOT_CLOSE and closer < SHARE * len(earlier)
