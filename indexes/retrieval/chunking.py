"""Long answers in parts that fit an encoder's window, so that what stands at the end is found too."""

import re

from indexes.text import is_japanese

_SENTENCE = re.compile(r".+?(?:[。！？]+|[.!?](?=\s)|\n+|$)", re.DOTALL)
_WIDTH = {True: 180, False: 500}
"""Characters that make about 110 tokens, of which many encoders see no more than 128; by whether it is Japanese."""
_MOST = 24


def chunks(answer: str) -> tuple[str, ...]:
    """Return the answer in parts of whole sentences, as written; a short answer is its only part.

    A sentence too long for a part is cut. At most 24 parts: what an answer says beyond that is found by its words only.
    """
    width = _WIDTH[is_japanese(answer)]
    if len(answer) <= width:
        return (answer,)
    packed = [""]
    for sentence in _SENTENCE.findall(answer):
        for piece in (sentence[at : at + width] for at in range(0, len(sentence), width)):
            if len(packed[-1]) + len(piece) > width and packed[-1].strip():
                packed.append("")
            if len(packed[-1]) <= width:  # what is longer is white space before the next part
                packed[-1] += piece
    return tuple(text for part in packed if (text := part.strip()))[:_MOST] or (answer,)
