"""Confidence that a hit answers the question: a logistic function of a few features.

`DENSE` and `LEXICAL` were fitted on clinc150 (CC BY 3.0, Larson et al. 2019), hwu64 (CC BY 4.0, Liu et al. 2019),
covidsim (paraphrases of official COVID-19 FAQs, Apache 2.0) and the Python and Rust FAQs with the official translations
as questions (PSF-2.0; MIT / Apache-2.0), each whole, with 30% of the answers removed, and with one or three rows per
answer; each family has the same weight. Both also on hint3 (ODbL 1.0, Arora et al. 2020), JSQuAD (CC BY-SA 4.0,
Kurihara et al. 2022) and xSID (CC BY-SA 4.0, van der Goot et al. 2021); `LEXICAL` on our own sample knowledge bases
with the aliases as questions, too. `DENSE` with all-MiniLM-L6-v2 and multilingual-e5-small, on cosines on a scale
(`Scale`): it holds for any encoder. The constants are above the fits, of whose replies at a threshold of .9 more were
right: by .65 (precision .97) and by .3 (.95). `lost` lowers the log-odds where the encoder doesn't know the language.
docs/retrieval.md has the figures.
"""

import re
from dataclasses import dataclass, replace
from math import exp, log, log1p
from string import digits
from typing import TYPE_CHECKING

from indexes.records import has_answer
from indexes.text import normalize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexes.retrieval.index import Hit, Question

THRESHOLD = 0.9
"""Default confidence from which the bot replies by itself."""

DOUBTFUL = 0.5
"""Highest confidence of a hit whose record is about another code than the question, or has no answer."""

SURE = 3.0
"""Lowest log-odds, before votes, of a record that is found word for word, if no other answer is: 0.953."""

_DIGIT = re.compile(r"\d")
_CODE_RUN = re.compile(r"[\w.-]+", re.ASCII)
_CODE = re.compile(r"[a-z]+[\w.-]*|\d{3,}", re.ASCII)
"""Letters with digits (err-4012, e1107, k8s), or three digits and more (137, 2026), in a run of normalized text."""

MAX_MARGIN = 0.3
"""Larger margins count as this one."""


@dataclass(frozen=True, slots=True)
class Features:
    """The features that confidence is computed from.

    `score` (fused, with support) and `lexical` are the hit's own. `decision` is the margin over the best different
    answer; without vectors it is multiplied by coverage * ln(1 + words), since sharing much of a long question is no
    coincidence. `lift` is the similarity minus the question's mean similarity with the knowledge base, `missing` the
    share of the question that other records have and this one lacks, `agreement` the share of the best rows that have
    this answer. `lost` is how much of the knowledge base's words the encoder doesn't know (`Scale.lost`).
    """

    score: float = 0.0
    lexical: float = 0.0
    decision: float = 0.0
    lift: float = 0.0
    missing: float = 0.0
    agreement: float = 0.0
    lost: float = 0.0


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a logistic function, fitted for search by words or by meaning."""

    constant: float
    factors: Features

    def logit(self, features: Features) -> float:
        """Return the log-odds."""
        return self.constant + sum(self.terms(features).values())

    def terms(self, features: Features) -> "Mapping[str, float]":
        """Return what each feature adds to the log-odds, without features of weight 0."""
        factors = {name: getattr(self.factors, name) for name in Features.__slots__}
        return {name: factor * getattr(features, name) for name, factor in factors.items() if factor}


DENSE = Weights(-2.584, Features(score=3.684, decision=13.08, lift=1.238, missing=-1.163, lost=-8.0))
LEXICAL = Weights(-3.115, Features(lexical=4.44, decision=9.142, agreement=1.972))


def with_confidence(
    question: "Question",
    hits: "Sequence[Hit]",
    shifts: "Mapping[str, float] | None" = None,
    wanted: "Sequence[Hit] | None" = None,
) -> "list[Hit]":
    """Return the hits, in the same order, with their confidence. They may come from several indexes, merged by score.

    With `wanted`, only those of the hits are returned; the others are their rivals.

    `shifts` is what votes have added to the log-odds, by knowledge base (votes.confidence_shift). The margin of a hit
    is over the best different answer in its own index or among the other hits, whichever is higher. The log-odds are at
    least SURE, before votes, if the record alone is found word for word. For a question without letters and digits,
    confidence is 0. It is at most DOUBTFUL if the question has digits only, or if the record has no answer or is about
    another code than the question.
    """
    if not any(letter.isalnum() for letter in question.normalized):
        return [replace(hit, confidence=0.0) for hit in (hits if wanted is None else wanted)]
    answers = [normalize(hit.record.answer) for hit in hits]
    judged = []
    for hit, answer in zip(hits, answers, strict=True):
        if wanted is not None and not any(hit is each for each in wanted):
            continue
        others = [
            other
            for other, theirs in zip(hits, answers, strict=True)
            if other is not hit and (theirs != answer or not answer)
        ]
        logit = weights_for(hit).logit(features(hit, max((other.evidence.score for other in others), default=0.0)))
        if hit.evidence.verbatim and not any(other.evidence.verbatim for other in others):
            logit = max(logit, SURE)
        shift = shifts.get(hit.knowledge_base, 0.0) if shifts else 0.0
        ceiling = DOUBTFUL if _is_doubtful(question, hit) else 1.0
        judged.append(replace(hit, confidence=min(probability(logit + shift), ceiling)))
    return judged


def confident(hits: "Sequence[Hit]", min_confidence: float = 0.0, min_k: int = 0) -> "list[Hit]":
    """Return the hits that are at least so sure, in their order.

    If these are fewer than `min_k`, the best of the others make up the number, as far as there are any. Raises
    ValueError for a confidence that is no probability.
    """
    if not 0.0 <= min_confidence <= 1.0:
        raise ValueError(f"min_confidence = {min_confidence}: must be a probability, 0 to 1")
    sure = [place for place, hit in enumerate(hits) if hit.confidence >= min_confidence]
    others = [place for place, hit in enumerate(hits) if hit.confidence < min_confidence]
    return [hits[place] for place in sorted([*sure, *others[: max(min_k - len(sure), 0)]])]


def _is_doubtful(question: "Question", hit: "Hit") -> bool:
    return not has_answer(hit.record) or has_digits_only(question, hit) or names_another_code(question, hit)


def has_digits_only(question: "Question", hit: "Hit") -> bool:
    """Return whether the question has no letter, and isn't the record's own: "2?" is about no address that has a 2."""
    return not hit.evidence.verbatim and not any(letter.isalpha() for letter in question.normalized)


def names_another_code(question: "Question", hit: "Hit") -> bool:
    """Return whether the record is about another code of the same form: 137 doesn't answer a question about 139."""
    asked = _codes(question.normalized)
    if not asked:
        return False
    record = hit.record
    shapes = {_DIGIT.sub("0", code) for code in _codes(normalize(" ".join([record.question, *record.aliases])))}
    alike = [code for code in asked if _DIGIT.sub("0", code) in shapes]
    if not alike:
        return False
    said = normalize(" ".join([record.question, record.answer, *record.aliases, *record.keywords]))
    return any(code not in said for code in alike)


def _codes(text: str) -> set[str]:
    found: set[str] = set()
    for run in _CODE_RUN.findall(text):
        last_digit = max(map(run.rfind, digits))
        found.update(code[0].rstrip(".-") for code in _CODE.finditer(run) if code.start() <= last_digit)
    return found


def weights_for(hit: "Hit") -> Weights:
    """Return the weights for a hit: DENSE if it was compared by meaning, else LEXICAL."""
    return LEXICAL if hit.dense is None else DENSE


def features(hit: "Hit", rival: float = 0.0) -> Features:
    """Return the features of a hit; `rival` is the score of the best different answer outside its own index."""
    evidence = hit.evidence
    margin = min(evidence.score - max(evidence.rival, rival), MAX_MARGIN)
    return Features(
        score=evidence.score,
        lexical=hit.lexical,
        decision=margin * (hit.coverage * log1p(evidence.words) if hit.dense is None else 1.0),
        lift=0.0 if hit.dense is None else hit.dense - evidence.background,
        missing=evidence.missing,
        agreement=evidence.agreement,
        lost=evidence.lost,
    )


def explain(hit: "Hit", rival: float = 0.0) -> dict[str, float]:
    """Return the terms of the log-odds of a hit by feature, the constant first."""
    weights = weights_for(hit)
    return {"constant": weights.constant, **weights.terms(features(hit, rival))}


def probability(logit: float) -> float:
    """Return 1 / (1 + exp(-logit)), without overflow."""
    return 1.0 / (1.0 + exp(-max(min(logit, 50.0), -50.0)))


def unshifted(confidence: float, shift: float) -> float:
    """Return the confidence without a shift of its log-odds."""
    within = min(max(confidence, 1e-9), 1 - 1e-9)
    return probability(log(within / (1 - within)) - shift) if shift else confidence
