"""Explaining the score and the confidence of a hit, for `kotae search --explain`."""

from typing import Any

import numpy as np

from indexes.confidence.confidence import SURE, features
from indexes.confidence.confidence import explain as explain_confidence
from indexes.retrieval.index import DENSE_WEIGHT, Hit, Index, Question, passages
from indexes.retrieval.lexical import VIEWS
from indexes.text import normalize

PASSAGE = 60
"""Characters of a passage that are shown."""


def explain(index: Index, question: Question, hit: Hit) -> dict[str, Any]:
    """Return the parts of the score and the confidence of a hit of this index; JSON types only.

    `confidence.terms` add up to the log-odds, unless a hit of another knowledge base reduced the margin, votes shifted
    them or the hit is verbatim.
    """
    row = index.row_of(hit.record)
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
            "verbatim": hit.evidence.verbatim,
            "features": {name: getattr(features(hit), name) for name in features(hit).__slots__},
            "terms": explain_confidence(hit),
        },
    }


def format_explanation(explained: dict[str, Any]) -> str:
    """Format an explanation as text."""
    lines = []
    if explained["synonyms"]:
        lines.append("synonyms: " + ", ".join(f"{old} → {new}" for old, new in explained["synonyms"]))
    if explained["dense"]:
        best = max(explained["dense"]["passages"], key=lambda passage: passage["cosine"])
        lines.append(f"by meaning, weight {explained['dense']['weight']:.1f}: cosine {best['cosine']:.3f}")
        lines += [
            f"  {passage['cosine']:.3f}  {passage['text'][:PASSAGE]!r}" for passage in explained["dense"]["passages"]
        ]
    lexical = explained["lexical"]
    lines.append(f"by words, weight {lexical['weight']:.1f}: {lexical['total']:.3f}")
    lines += [
        f"  {view}: cosine {scores['cosine']:.3f}, coverage {scores['coverage']:.3f}"
        for view, scores in lexical["views"].items()
    ]
    for title, terms in (("shared", lexical["matched"]), ("not there", lexical["missing"])):
        if terms:
            lines.append(f"  {title}: " + ", ".join(f"{each['term']} ({each['idf']:.1f})" for each in terms))
    confidence = explained["confidence"]
    added = " ".join(f"{value:+.2f} {name}" for name, value in confidence["terms"].items())
    if confidence["verbatim"]:
        lines.append(f"asked word for word: log-odds of at least {SURE}, unless another answer is too")
    lines.append(f"confidence {confidence['value']:.3f}, log-odds: {added}")
    return "\n".join(lines)


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
        "passages": [
            {"text": text, "cosine": cosine}
            for text, cosine in zip(texts[: len(cosines)], cosines, strict=True)  # the question's alone, at first
        ],
    }


def _lexical(index: Index, question: Question, row: int) -> dict[str, Any]:
    scores = index.lexical.query(question.normalized).score(np.array([row]))
    parts = zip(VIEWS, scores.cosines[:, 0].tolist(), scores.coverages[:, 0].tolist(), strict=True)
    words = index.lexical.shared_words(question.normalized, row)
    return {
        "weight": 1.0 if index.dense is None or question.vector is None else 1 - DENSE_WEIGHT,
        "total": float(scores.total[0]),
        "views": {name: {"cosine": cosine, "coverage": coverage} for name, cosine, coverage in parts},
        "matched": [{"term": term, "idf": idf} for term, idf, has in words if has],
        "missing": [{"term": term, "idf": idf} for term, idf, has in words if not has],
    }
