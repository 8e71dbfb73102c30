"""The range of an encoder's cosines on a knowledge base, and how much of its words the encoder knows.

One encoder gives unrelated texts a cosine of .1, another .8. Scores, support and confidence need numbers that mean the
same for each, so cosines are put on a scale from 0 (as near as anything is) to 1 (as near as a text is to itself). The
scale needs no labelled data: a knowledge base has questions whose other rows are known to answer something else.

An encoder that wasn't made for a language reads its letters as unknown ones and is sure of the wrong row. It shows when
the knowledge base's own questions are asked by their words alone, without hiragana: some are no longer found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexes.encoder.worker import CANARIES
from indexes.errors import EncodingError
from indexes.retrieval.tokens import runs

if TYPE_CHECKING:
    from indexes.encoder import Encoder, Vector
    from indexes.retrieval.index import Index
    from indexes.retrieval.vector_index import VectorIndex

SAMPLE = 100
"""Questions of a knowledge base that are encoded, twice each, to measure its scale: the mean varies by under .01."""

FIXED_WEIGHT = 5.0
"""The fixed texts count as much as this many questions: the scale of a small knowledge base is mostly theirs."""

GROWTH = 1.25
"""A knowledge base that has grown or shrunk by more than this is measured again."""

NARROWEST = 0.01
"""Least distance between the two ends. Vectors in float16 change cosines by up to .001, a tenth of it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The cosines of questions with passages: `zero` of rows with another answer, `one` of a question with itself.

    `rows` is how many rows the knowledge base had when it was measured; `lost` the share of its questions that the
    encoder doesn't find by their words alone, of those that it finds as written.
    """

    zero: float
    one: float
    rows: int = 0
    lost: float = 0.0

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


def measure(index: "Index", dense: "VectorIndex", encoder: "Encoder") -> Scale:
    """Measure the scale of a knowledge base: up to SAMPLE of its questions are encoded as if somebody asked them.

    A small knowledge base says little: its scale is mostly that of a few fixed texts. Raises EncodingError if none of
    these can be encoded, and what the encoder raises.
    """
    rows = np.sort(np.random.default_rng(1).choice(len(index), min(SAMPLE, len(index)), replace=False))
    fixed = _fixed(encoder)
    zero, one = _mean(fixed[~np.eye(*fixed.shape, dtype=np.bool_)], 0.0), _mean(fixed.diagonal(), 1.0)
    lost = 0.0
    if len(rows):
        questions = encoder.encode_queries([index.passages(row)[0] for row in rows.tolist()])
        stored = np.array([dense.of_row(row)[0] for row in rows.tolist()])
        encoded = questions.any(axis=1) & stored.any(axis=1)
        rows, questions, stored = rows[encoded], questions[encoded], stored[encoded]
        found = [row for row, asked in zip(rows.tolist(), questions, strict=True) if _finds(index, dense, asked, row)]
        lost = _lost(index, dense, encoder, found)
        cosines = questions @ stored.T
        answers = index.answers[rows]
        zero = _shrunk(_mean(cosines[answers[:, np.newaxis] != answers], zero), len(rows), zero)
        one = _shrunk(_mean(cosines.diagonal(), one), len(rows), one)
    return Scale(zero, one, len(index), lost)


def _fixed(encoder: "Encoder") -> NDArray[np.float32]:
    """Return the cosines of the fixed texts as questions with them as passages; raises EncodingError without any."""
    asked, stored = encoder.encode_queries(CANARIES), encoder.canaries
    encoded = asked.any(axis=1) & stored.any(axis=1)
    if not encoded.any():
        raise EncodingError("model.no_text")
    return np.asarray(asked[encoded] @ stored[encoded].T)


def _lost(index: "Index", dense: "VectorIndex", encoder: "Encoder", rows: Sequence[int]) -> float:
    """Return the share of these questions, all found as written, that aren't found by their words alone."""
    texts = {row: index.passages(row)[0] for row in rows}
    words = {row: " ".join(text[start:end] for start, end in runs(text)) for row, text in texts.items()}
    asked = [row for row in rows if words[row] and words[row] != texts[row]]
    vectors = encoder.encode_queries([words[row] for row in asked])
    found = (_finds(index, dense, vector, row) or not vector.any() for row, vector in zip(asked, vectors, strict=True))
    return sum(not each for each in found) / (len(rows) + FIXED_WEIGHT)


def _finds(index: "Index", dense: "VectorIndex", vector: "Vector", row: int) -> bool:
    """Return whether the passage that is nearest to a question has the answer of this row."""
    return bool((index.answers[dense.nearest(vector, 1)] == index.answers[row]).any())


def _mean(values: NDArray[np.float32], otherwise: float) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else otherwise


def _shrunk(mean: float, count: int, fixed: float) -> float:
    return (count * mean + FIXED_WEIGHT * fixed) / (count + FIXED_WEIGHT)
