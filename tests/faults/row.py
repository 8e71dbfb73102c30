"""One row of the table that `make soak` prints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What came of a script that breaks something many times.

    `trials` are those really made, `failures` those after which something was lost, leaked, doubled or frozen; `worst`
    is the worst case in a few words, which a row without failures has too.
    """

    name: str
    trials: int
    failures: int
    worst: str
