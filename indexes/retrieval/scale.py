"""The range of an encoder's cosines: what is far and what is the same differs between encoders and knowledge bases.

One encoder gives unrelated texts a cosine of .1, another .8. Scores, support and confidence need numbers that mean the
same for each, so cosines are put on a scale from 0 (as near as anything is) to 1 (as near as a text is to itself). The
scale needs no labelled data: a knowledge base has questions whose other rows are known to answer something else.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexes.encoder.worker import CANARIES

if TYPE_CHECKING:
    from indexes.encoder import Encoder
    from indexes.retrieval.dense import DenseIndex
    from indexes.retrieval.index import Index

SAMPLE = 100
"""Questions of a knowledge base that are encoded to measure its scale; the mean then varies by less than .01."""

FIXED_WEIGHT = 5.0
"""The fixed texts count as much as this many questions: the scale of a small knowledge base is mostly theirs."""

GROWTH = 1.25
"""A knowledge base that has grown or shrunk by more than this is measured again."""

NARROWEST = 0.05
"""Least distance between the two ends: an encoder with a narrower range can't tell texts apart."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The cosines of questions with passages: `zero` of rows with another answer, `one` of a question with itself.

    `rows` is how many rows the knowledge base had when it was measured.
    """

    zero: float
    one: float
    rows: int = 0

    def similarity(self, cosines: NDArray[np.float64], background: float) -> NDArray[np.float64]:
        """Put the cosines of one question on the scale; below `zero` the result is negative.

        `background` is the question's mean cosine with the knowledge base. It is low for a question in another language
        or about another subject, whose cosines are all lower: zero is half way between the two.
        """
        zero = (self.zero + background) / 2
        return (cosines - zero) / max(self.one - zero, NARROWEST)

    def is_of_about(self, rows: int) -> bool:
        """Return whether it still holds for so many rows: measuring it again takes as long as `SAMPLE` questions."""
        return self.rows / GROWTH <= rows <= self.rows * GROWTH


def measure(index: "Index", dense: "DenseIndex", encoder: "Encoder") -> Scale:
    """Measure the scale of a knowledge base: up to SAMPLE of its questions are encoded as if somebody asked them.

    A small knowledge base says little: its scale is mostly that of a few fixed texts. Raises what the encoder raises.
    """
    rows = np.sort(np.random.default_rng(1).choice(len(index), min(SAMPLE, len(index)), replace=False))
    fixed = np.array([encoder.encode_query(text) for text in CANARIES]) @ encoder.canaries.T
    zero, one = _mean(fixed[~np.eye(*fixed.shape, dtype=np.bool_)], 0.0), _mean(fixed.diagonal(), 1.0)
    if len(rows):
        questions = np.array([encoder.encode_query(index.passages(row)[0]) for row in rows.tolist()])
        cosines = questions @ np.array([dense.of_row(row)[0] for row in rows.tolist()]).T
        answers = index.answers[rows]
        zero = _shrunk(_mean(cosines[answers[:, np.newaxis] != answers], zero), len(rows), zero)
        one = _shrunk(_mean(cosines.diagonal(), one), len(rows), one)
    return Scale(zero, one, len(index))


def _mean(values: NDArray[np.float32], otherwise: float) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else otherwise


def _shrunk(mean: float, count: int, fixed: float) -> float:
    return (count * mean + FIXED_WEIGHT * fixed) / (count + FIXED_WEIGHT)
