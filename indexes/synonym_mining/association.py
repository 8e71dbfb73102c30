"""How surely two things go together, by Dunning's log-likelihood ratio (Computational Linguistics 19, 1993)."""

from math import erfc, log, sqrt

SURE = 0.05
"""The probability, for all pairs looked at together, that chance alone makes one of them go together so well."""


def likelihood_ratio(both: int, first: int, second: int, neither: int) -> float:
    """Return the ratio (G squared) of a table of four counts; 0 if the two go together less than by chance.

    `first` and `second` count what has one of the two and not the other.
    """
    total = both + first + second + neither
    if both * total <= (both + first) * (both + second):
        return 0.0
    cells = (
        (both, both + first, both + second),
        (first, both + first, first + neither),
        (second, second + neither, both + second),
        (neither, second + neither, first + neither),
    )
    return 2 * sum(count * log(count * total / (row * column)) for count, row, column in cells if count)


def is_sure(ratio: float, looked_at: int) -> bool:
    """Return whether a ratio is too high for chance, given how many pairs were looked at (Bonferroni)."""
    return erfc(sqrt(ratio / 2)) * looked_at < SURE
