"""Whether a model in 8 bits may stand for its own float32 form: the rule, on figures that were measured."""

from dataclasses import dataclass
from enum import StrEnum
from math import comb, sqrt

QUESTIONS = 300
"""Questions that are asked in both forms, if there are as many."""
DIFFERENT = 3
"""Of QUESTIONS, at most so many may find something else first: 1%."""
FEWEST = 116
"""With fewer questions not even full agreement shows as much as DIFFERENT of QUESTIONS."""
MOVED = 0.02
"""The mean difference of confidences must be less."""
FASTER = 0.8
"""Most of the CPU time of float32 that a question may take to be worth it."""
GROWTH = 1.25
"""Knowledge that has grown or shrunk by more than this is measured again."""

_SURE = 0.95
_NORMAL = 1.645
"""One-sided, at 95%."""
_SHARE = 0.02565
"""With more than this share of questions that find something else, DIFFERENT or fewer of QUESTIONS are seen in 5% of
all samples: what passing with 300 questions rules out, and fewer questions must rule out too."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What `asked` questions found in both forms: `same` the same record first.

    `moved` is the mean difference of the first hit's confidence, `spread` its standard deviation. `cost` is the CPU
    time of a question in 8 bits, in that of float32. `rows` is how many rows the knowledge had.
    """

    rows: int
    asked: int
    same: int
    moved: float
    spread: float
    cost: float

    @property
    def is_close(self) -> bool:
        """Whether 8 bits find the same, as surely as QUESTIONS questions can show it.

        With fewer questions, fewer may differ (none of less than 184), and less than 116 never suffice.
        """
        return self._same_first and self._as_confident

    @property
    def is_faster(self) -> bool:
        """Whether a question is encoded so much faster that it is worth it."""
        return self.cost <= FASTER

    def is_of_about(self, rows: int) -> bool:
        """Return whether it still holds for so many rows."""
        return self.rows / GROWTH <= rows <= self.rows * GROWTH

    @property
    def _same_first(self) -> bool:
        different = self.asked - self.same
        return different <= DIFFERENT and _at_most(different, self.asked, _SHARE) <= 1 - _SURE

    @property
    def _as_confident(self) -> bool:
        less_sure = max(1 / sqrt(max(self.asked, 1)) - 1 / sqrt(QUESTIONS), 0.0)
        return self.moved + _NORMAL * self.spread * less_sure < MOVED


class Precision(StrEnum):
    """What ENCODER_PRECISION may say."""

    AUTO = "auto"
    FLOAT32 = "float32"
    INT8 = "int8"

    def accepts(self, agreement: Agreement) -> bool:
        """Return whether 8 bits are used: never unless they find the same, and by `auto` only if they are faster."""
        if self is Precision.FLOAT32 or not agreement.is_close:
            return False
        return self is Precision.INT8 or agreement.is_faster


def _at_most(count: int, of: int, share: float) -> float:
    """Return the probability of `count` or fewer, of so many questions, if this share of all questions counts."""
    return sum(comb(of, some) * share**some * (1 - share) ** (of - some) for some in range(count + 1))
