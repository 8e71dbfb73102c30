"""How near what was typed is to the beginning of a text, or to a part of it, by the edits between them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.inverted import Floats

COMPARED = 32
"""Letters of what was typed that are compared: by then there are hardly two questions that begin alike."""
WITHIN = 96
"""Letters of a text within which a part is looked for."""
NEAR = 0.6
"""The share of right letters from which on the rest are typos: one in three letters, two in five."""
INSIDE = 0.8
"""What a part inside of a text counts, compared with its beginning."""
_EDITS = 3
"""How many more letters than were typed the beginning of a text may have."""


def nearness(typed: str, texts: Sequence[str]) -> Floats:
    """Return how near each text is: 1 if it begins with what was typed, 0 from 40% of mistyped letters on.

    Mistyped is a letter that is wrong, missing or superfluous, or two that are swapped. Takes folded letters.
    """
    typed = typed[:COMPARED]
    if not typed or not texts:
        return np.zeros(len(texts))
    at_beginning = _edits(typed, texts, len(typed) + _EDITS, anywhere=False)
    inside = _edits(typed, texts, WITHIN, anywhere=True)
    return np.maximum(_near(at_beginning, len(typed)), INSIDE * _near(inside, len(typed)))


def _near(edits: NDArray[np.int16], length: int) -> Floats:
    return np.clip((1.0 - edits / length - NEAR) / (1.0 - NEAR), 0.0, 1.0)


def _edits(typed: str, texts: Sequence[str], width: int, *, anywhere: bool) -> NDArray[np.int16]:
    """Return the fewest edits from what was typed to any beginning of each text, or to any part of it.

    Only the first `width` letters of a text count. One letter typed after the other, for all texts and ends at once.
    """
    letters = _code_points(texts, width)
    ends = np.arange(width + 1, dtype=np.int16)
    before_last = last = np.tile(np.zeros_like(ends) if anywhere else ends, (len(texts), 1))
    is_last = is_this = np.zeros(letters.shape, dtype=np.bool_)
    for number, letter in enumerate(typed, start=1):
        is_last, is_this = is_this, letters == ord(letter)
        edits = np.empty_like(last)
        edits[:, 0] = number
        np.minimum(last[:, :-1] + ~is_this, last[:, 1:] + 1, out=edits[:, 1:])
        if number > 1:
            is_swapped = is_this[:, :-1] & is_last[:, 1:]
            edits[:, 2:] = np.where(is_swapped, np.minimum(edits[:, 2:], before_last[:, :-2] + 1), edits[:, 2:])
        edits = np.minimum.accumulate(edits - ends, axis=1) + ends
        before_last, last = last, edits
    return np.asarray(last.min(axis=1))


def _code_points(texts: Sequence[str], width: int) -> NDArray[np.uint32]:
    """Return the first code points of each text, of shape (texts, width), with zeros behind a shorter one."""
    points = np.zeros((len(texts), width), dtype=np.uint32)
    for row, text in enumerate(texts):
        encoded = text[:width].encode("utf-32-le", "surrogatepass")
        points[row, : len(encoded) // 4] = np.frombuffer(encoded, dtype=np.uint32)
    return points
