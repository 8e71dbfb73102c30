"""Grouping questions that are nearly the same: by meaning with an encoder, by letters without."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from indexes.encoder import Encoder, Vector, Vectors
from indexes.errors import EncodingError
from indexes.records.checking import numbers, similar_pairs
from indexes.text import normalize

SAME_QUESTION = 0.75
"""Cosine, scaled so that the background is 0 and equality is 1, from which two questions count as one.

Chosen on seven sets of real questions together (docs/retrieval.md).
"""
REMEMBERED = 2000
"""Texts whose vectors are kept: 3 MB at 384 dimensions."""

Groups = list[list[int]]
"""Positions of texts. The first of each group is its leader; groups are in the order of their leaders."""


class QuestionVectors:
    """Keeps the vectors of the last questions, so that grouping them again needs no encoding. Thread-safe."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._known: OrderedDict[tuple[str, str, str], Vector] = OrderedDict()
        self._lock = threading.Lock()

    def vectors(self, texts: Sequence[str], encoder: Encoder) -> Vectors:
        """Return one vector per text. Encodes in bulk, so that questions go first.

        Raises EncodingError if none can be encoded, and what the encoder raises.
        """
        keys = [(encoder.name, encoder.revision, normalize(text)) for text in texts]
        with self._lock:
            known = {key: self._known[key] for key in keys if key in self._known}
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        known.update(zip(missing, encoder.encode_documents([key[-1] for key in missing]), strict=True))
        if not any(vector.any() for vector in known.values()):
            raise EncodingError("model.no_text")
        with self._lock:
            for key, vector in known.items():
                if vector.any():  # one that could not be encoded is tried again
                    self._known[key] = vector
                    self._known.move_to_end(key)
            while len(self._known) > self._remembered:
                self._known.popitem(last=False)
        return np.stack([known[key] for key in keys])


def group_by_meaning(texts: Sequence[str], vectors: Vectors, background: Callable[[Vector], float]) -> Groups:
    """Group by cosine; questions with different numbers are never in one group.

    `background` returns the cosine that a question has with any text. It differs between encoders, and is high in a
    language that an encoder hardly knows. A pair is judged by how far it is above the higher background of the two.
    """
    levels = np.array([min(background(vector), 1 - 1e-6) for vector in vectors])
    numbers_of = [numbers(text) for text in texts]
    groups: Groups = []
    leaders = np.empty_like(vectors)
    of_leaders = np.empty_like(levels)
    for place, (vector, level) in enumerate(zip(vectors, levels, strict=True)):
        led = len(groups)
        lift = _lift(leaders[:led] @ vector, np.maximum(of_leaders[:led], level))
        lift[[numbers_of[group[0]] != numbers_of[place] for group in groups]] = -1.0
        best = int(np.argmax(lift)) if led else 0
        if led and lift[best] >= SAME_QUESTION:
            groups[best].append(place)
        else:
            leaders[led], of_leaders[led] = vector, level
            groups.append([place])
    return groups


def group_by_letters(texts: Sequence[str]) -> Groups:
    """Group by shared character pairs, the way `kotae check` compares questions."""
    near: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for a, b, similarity in chain(*similar_pairs(texts)):
        near[max(a, b)].append((similarity, -min(a, b)))
    return _join_leaders(near, len(texts))


def _join_leaders(near: Mapping[int, list[tuple[float, int]]], count: int) -> Groups:
    """Add each text to the group of the most similar earlier leader; without one it becomes a leader."""
    groups: dict[int, list[int]] = {}
    for place in range(count):
        for _, leader in sorted(near.get(place, ()), reverse=True):
            if -leader in groups:
                groups[-leader].append(place)
                break
        else:
            groups[place] = [place]
    return list(groups.values())


def _lift(cosines: NDArray[np.float32], background: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((cosines - background) / (1 - background))
