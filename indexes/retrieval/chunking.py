"""Splitting long answers into chunks that fit an encoder's window, so that the end is found too."""

import re

from indexes.text import is_japanese

_SENTENCE = re.compile(r".+?(?:[。！？]+|[.!?](?=\s)|\n+|$)", re.DOTALL)
_WIDTH = {True: 180, False: 500}
"""Characters per chunk, for Japanese and for other text: about 110 tokens. Many encoders read at most 128."""
_MAX_CHUNKS = 24


def chunks(answer: str) -> tuple[str, ...]:
    """Split an answer into chunks of whole sentences, as written; a short answer is one chunk.

    A sentence that is too long for a chunk is cut. At most 24 chunks: the rest is found by its words only.
    """
    width = _WIDTH[is_japanese(answer)]
    if len(answer) <= width:
        return (answer,)
    packed = [""]
    for sentence in _SENTENCE.findall(answer):
        for piece in (sentence[at : at + width] for at in range(0, len(sentence), width)):
            if len(packed[-1]) + len(piece) > width and packed[-1].strip():
                packed.append("")
            if len(packed[-1]) <= width:  # what is longer is white space before the next chunk
                packed[-1] += piece
    return tuple(text for chunk in packed if (text := chunk.strip()))[:_MAX_CHUNKS] or (answer,)
