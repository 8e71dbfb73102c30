"""Splitting long texts into chunks that fit an encoder's window, so that the end is found too."""

import re

_SENTENCE = re.compile(r".+?(?:[。！？]+|[.!?](?=\s)|\n+|$)", re.DOTALL)
_WIDTH = {True: 180, False: 500}
"""Characters per chunk, for dense and for other text: about 110 tokens. Many encoders read at most 128."""
_DENSE = re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uff66-\uff9f\U00020000-\U0003ffff]")
"""Kana, kanji and Hangul: a token has one or two of these letters, and four or five of others."""
_MANY = 0.1
"""Share of such letters from which a text is dense: a name in Japanese makes no English text dense."""
_MAX_CHUNKS = 24


def chunks(text: str) -> tuple[str, ...]:
    """Split a text into chunks of whole sentences, as written; a short one is one chunk.

    A sentence that is too long for a chunk is cut. At most 24 chunks: the rest is found by its words only.
    """
    width = _WIDTH[len(_DENSE.findall(text)) > _MANY * len(text)]
    if len(text) <= width:
        return (text,)
    packed = [""]
    for sentence in _SENTENCE.findall(text):
        for piece in (sentence[at : at + width] for at in range(0, len(sentence), width)):
            if len(packed[-1]) + len(piece) > width and packed[-1].strip():
                packed.append("")
            if len(packed[-1]) <= width:  # what is longer is white space before the next chunk
                packed[-1] += piece
    return tuple(whole for chunk in packed if (whole := chunk.strip()))[:_MAX_CHUNKS] or (text,)
