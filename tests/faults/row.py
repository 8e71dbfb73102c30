"""One row of the table that `make soak` prints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What came of a script that breaks something many times, or of a part of it.

    `trials` are those really made, `failures` what was lost, leaked, doubled or frozen in them; `worst` is the worst
    case in a few words, which a row without failures has too, and `seconds` how long it took, if time is what counts.
    """

    trials: int
    failures: int
    worst: str
    seconds: float = 0.0

    def __add__(self, other: "Row") -> "Row":
        """Return what came of both parts, with the worse of the worst cases."""
        worse = max(self, other, key=lambda each: (each.failures > 0, each.seconds))
        return Row(self.trials + other.trials, self.failures + other.failures, worse.worst, worse.seconds)
