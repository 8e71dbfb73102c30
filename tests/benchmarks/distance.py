"""How far apart two ways to ask the same thing are, measured on tests/sets, and vectors that are as far from others.

A vector is the mean of all plus a rest; the rests of paraphrases have a cosine that is measured, and their differences
a direction: most lie in some seventy of 384. A made paraphrase has a cosine drawn from the measured ones, in a
direction that is a random mixture of the measured differences. Random vectors would have neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexes.confidence.evaluation import read_queries
from indexes.encoder import Encoder
from indexes.records import read_records
from indexes.text import normalize
from tests.sets.finding import sets

SETS = Path(__file__).parents[1] / "sets"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Distance:
    """What was measured between texts and their paraphrases."""

    cosines: Floats
    """Of the whole vectors, ascending; to be shown."""
    rests: Floats
    """Of what is left without the mean, ascending."""
    differences: Floats
    """A random mixture of the lines is spread as the differences between the rests are."""
    shift: Floats
    """From the mean of the texts to that of the paraphrases; a model may encode questions in another way."""

    @classmethod
    def between(cls, texts: Floats, paraphrases: Floats) -> Self:
        """Compare line by line."""
        shift = paraphrases.mean(axis=0) - texts.mean(axis=0)
        one, other = _unit(texts - texts.mean(axis=0)), _unit(paraphrases - paraphrases.mean(axis=0))
        _, differences = np.linalg.qr(other - one)  # as many lines as columns, and the same covariance
        return cls(np.sort((texts * paraphrases).sum(axis=1)), np.sort((one * other).sum(axis=1)), differences, shift)

    def paraphrase(self, vectors: Floats, mean: Floats, random: np.random.Generator) -> Floats:
        """Return a unit vector at paraphrase distance from each; `mean` is that of all vectors like these."""
        rests = vectors - mean
        lengths = np.linalg.norm(rests, axis=1, keepdims=True)
        units = rests / np.maximum(lengths, 1e-6)
        aside = random.standard_normal((len(vectors), len(self.differences)), dtype=np.float32) @ self.differences
        aside = _unit(aside - (aside * units).sum(axis=1, keepdims=True) * units)
        cosines = np.quantile(self.rests, random.random(len(vectors))).astype(np.float32)[:, None]
        made = cosines * units + np.sqrt(np.maximum(1 - cosines**2, 0)) * aside
        return _unit(mean + self.shift + lengths * made)


def asked_and_found() -> tuple[list[str], list[str]]:
    """Return the questions of tests/sets that have an answer, and the question of the record that answers each."""
    asked, found = [], []
    for _, base, queries in sets(SETS):
        by_id = {record.id: record.question for record in read_records(base).records}
        for query in read_queries(queries):
            question = next((by_id[each] for each in sorted(query.relevant) if by_id.get(each)), None)
            if question:
                asked.append(normalize(query.text))
                found.append(normalize(question))
    return asked, found


def measured(encoder: Encoder, most: int) -> tuple[Distance, Distance, Floats]:
    """Return the distance of paraphrases as documents and as questions, and the vectors of up to `most` questions."""
    asked, found = (texts[:: max(len(texts) // most, 1)] for texts in asked_and_found())
    documents, again = encoder.encode_documents(found), encoder.encode_documents(asked)
    questions = np.stack([encoder.encode_query(text) for text in asked])
    return Distance.between(documents, again), Distance.between(documents, questions), questions


def quantiles(values: Sequence[float] | Floats) -> list[float]:
    """Return QUANTILES of some values, rounded to three decimals."""
    return [round(float(value), 3) for value in np.quantile(np.asarray(values), QUANTILES)]


def _unit(rows: Floats) -> Floats:
    scaled: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled
