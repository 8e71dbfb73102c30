"""Why a hit was found and how sure the bot is: what `kotae search --explain` shows."""

from typing import Any

import numpy as np

from indexes.confidence import DENSE, Weights, features
from indexes.confidence import explain as explain_confidence
from indexes.index import DENSE_WEIGHT, Hit, Index, Question, passages
from indexes.lexical import VIEWS
from indexes.text import normalize


def explain(index: Index, question: Question, hit: Hit, weights: Weights = DENSE) -> dict[str, Any]:
    """Return the parts of a hit's score and confidence, for a hit of this index; JSON types only.

    `weights` are those the hit was judged with. `confidence.terms` add up to the log-odds, unless a hit of another
    knowledge base had a smaller margin or feedback has shifted them.
    """
    row = next(place for place, record in enumerate(index.records) if record == hit.record)
    return {
        "record": hit.record.id,
        "knowledge_base": index.name,
        "score": hit.score,
        "support": _support(hit),
        "synonyms": [list(pair) for pair in index.synonyms.applied(normalize(question.text))],
        "dense": _dense(index, question, row) if hit.dense is not None else None,
        "lexical": _lexical(index, question, row),
        "confidence": {
            "value": hit.confidence,
            "features": {name: getattr(features(hit), name) for name in features(hit).__slots__},
            "terms": explain_confidence(hit, weights),
        },
    }


def _support(hit: Hit) -> float:
    alone = hit.lexical if hit.dense is None else DENSE_WEIGHT * hit.dense + (1 - DENSE_WEIGHT) * hit.lexical
    return max(hit.evidence.score - alone, 0.0)


def _dense(index: Index, question: Question, row: int) -> dict[str, Any] | None:
    if index.dense is None or question.vector is None:
        return None
    cosines = (index.dense.of_row(row) @ question.vector).tolist()
    texts = passages(index.records[row], index.synonyms)
    return {
        "weight": DENSE_WEIGHT,
        "passages": [{"text": text, "cosine": cosine} for text, cosine in zip(texts, cosines, strict=True)],
    }


def _lexical(index: Index, question: Question, row: int) -> dict[str, Any]:
    scores = index.lexical.ask(question.normalized).score(np.array([row]))
    parts = zip(VIEWS, scores.cosines[:, 0].tolist(), scores.coverages[:, 0].tolist(), strict=True)
    words = index.lexical.shared_words(question.normalized, row)
    return {
        "weight": 1.0 if index.dense is None or question.vector is None else 1 - DENSE_WEIGHT,
        "total": float(scores.total[0]),
        "views": {name: {"cosine": cosine, "coverage": coverage} for name, cosine, coverage in parts},
        "matched": [{"term": term, "idf": idf} for term, idf, has in words if has],
        "missing": [{"term": term, "idf": idf} for term, idf, has in words if not has],
    }
