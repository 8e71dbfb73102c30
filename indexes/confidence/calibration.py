"""Fitting confidence on this machine: to another encoder, and to votes on replies.

Fitting to an encoder needs no labelled data: the aliases of a knowledge base are questions with known answers. Some
answers are removed, so that their aliases become questions without an answer, and the aliases of other knowledge bases
are questions about other subjects.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexes.atomic_file import replace_file
from indexes.confidence.confidence import DENSE, Features, Weights, features
from indexes.retrieval.dense import DenseIndex
from indexes.retrieval.index import Index, Question, passages
from indexes.storage.snapshot import EncoderStamp
from indexes.text import normalize

if TYPE_CHECKING:
    from indexes.encoder import Encoder, Vector
    from indexes.records import Record
    from indexes.retrieval.synonyms import Synonyms

log = logging.getLogger(__name__)

FITTED_WITH = "all-MiniLM-L6-v2"
"""The encoder that `confidence.DENSE` was fitted with; it needs no calibration."""

FILE = "calibration.json"

PRIOR_EXAMPLES = 100.0
"""The shipped weights count as much as this many examples: fewer examples hardly move them."""

REMOVED_SHARE = 0.3
"""Share of the answers that are removed."""

MAX_RECORDS = 500
"""Records used per knowledge base."""

MIN_ALIASES = 40
"""Fewest aliases that weights are fitted to."""

SHIFT_DEVIATION = 0.5
"""Standard deviation of the prior of what votes add to the log-odds of a knowledge base."""

_STEPS = 100
"""Most steps; about ten are needed, and about thirty if every example is extreme."""

_ENOUGH = 1e-10
"""Stop when a step changes no log-odds by more than this."""

_EXTREME = 1e-6
"""Confidences are moved at least this far from 0 and 1: a single vote must not outweigh all others."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judgement of a reply: its confidence, whether it was right, and the weight of the judgement."""

    confidence: float
    right: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Example:
    """A possible reply, and whether it would be right."""

    features: Features
    right: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights fitted to an encoder on this machine, and the questions they were fitted to."""

    weights: Weights
    aliases: int | None = None
    """How many there were; None if an earlier version, which didn't store it, fitted the weights."""
    knowledge_bases: tuple[str, ...] = ()
    content: str = ""
    """A digest of the files and their synonyms."""

    @property
    def moved(self) -> bool:
        """Return whether there were enough aliases to move the weights from the shipped ones."""
        return self.weights != DENSE


def calibrate(
    knowledge_bases: Sequence[tuple[Sequence["Record"], "Synonyms"]], encoder: "Encoder", prior: Weights = DENSE
) -> Weights:
    """Fit weights for an encoder to the aliases of some knowledge bases; return the prior if there are too few."""
    asked = [alias for records, _ in knowledge_bases for record in records for alias in record.aliases]
    if len(asked) < MIN_ALIASES:
        return prior
    vectors = {alias: encoder.encode_query(normalize(alias)) for alias in dict.fromkeys(asked)}
    examples = []
    for number, (records, synonyms) in enumerate(knowledge_bases):
        some = _sample(records, number)
        index = _without_aliases(some, synonyms, encoder, number)
        examples += _examples(index, some, _others(asked, some, number), vectors)
    return fit(examples, prior)


def stored_fit(folder: Path, encoder: "Encoder") -> Fit | None:
    """Return the fit stored for this encoder, or None if there is none or the file can't be read."""
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if kept["prior"] != asdict(DENSE) or not EncoderStamp(**kept["encoder"]).matches(encoder):
            return None
        weights = Weights(kept["weights"]["constant"], Features(**kept["weights"]["factors"]))
        names = tuple(kept.get("knowledge_bases", ()))
        return Fit(weights, kept.get("aliases"), names, kept.get("content", ""))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s can't be read (%s); confidence is fitted anew", folder / FILE, type(error).__name__)
        return None


def store_fit(folder: Path, encoder: "Encoder", fit: Fit) -> None:
    """Store a fit for the next start; raises OSError."""
    kept = {"encoder": asdict(EncoderStamp.of(encoder)), "prior": asdict(DENSE), **asdict(fit)}
    replace_file(folder / FILE, json.dumps(kept, indent=1).encode())


def _sample(records: Sequence["Record"], seed: int) -> list["Record"]:
    chosen = np.random.default_rng(seed).permutation(len(records))[:MAX_RECORDS]
    return [records[row] for row in sorted(chosen.tolist())]


def _without_aliases(records: Sequence["Record"], synonyms: "Synonyms", encoder: "Encoder", seed: int) -> Index:
    """Index the records without aliases, and without those of some answers."""
    answers = sorted({normalize(record.answer) or record.id for record in records})
    kept = np.random.default_rng(seed).random(len(answers)) >= REMOVED_SHARE
    left = {answer for answer, keep in zip(answers, kept.tolist(), strict=True) if keep}
    base = [replace(r, aliases=()) for r in records if (normalize(r.answer) or r.id) in left]
    texts = [(text, row) for row, record in enumerate(base) for text in passages(record, synonyms)]
    dense = DenseIndex.build(
        encoder.encode_documents([text for text, _ in texts]), np.array([row for _, row in texts], dtype=np.int32)
    )
    return Index("calibration", base, synonyms, dense)


def _others(asked: Sequence[str], records: Sequence["Record"], seed: int) -> list[str]:
    """Return aliases of other knowledge bases, half as many as these records have."""
    own = {alias for record in records for alias in record.aliases}
    foreign = [alias for alias in dict.fromkeys(asked) if alias not in own]
    chosen = np.random.default_rng(seed).permutation(len(foreign))[: len(own) // 2]
    return [foreign[place] for place in chosen.tolist()]


def _examples(
    index: Index, records: Sequence["Record"], foreign: Sequence[str], vectors: Mapping[str, "Vector"]
) -> list[Example]:
    if not len(index):
        return []
    own = [(alias, normalize(record.answer) or record.id) for record in records for alias in record.aliases]
    examples = []
    for alias, answer in [*own, *((alias, None) for alias in foreign)]:
        question = Question(alias, index.synonyms.apply(normalize(alias)), vectors[alias])
        hit = index.search(question, 1)[0]
        found = normalize(hit.record.answer) or hit.record.id
        examples.append(Example(features(hit), found == answer))
    return examples


def fit(examples: Sequence[Example], prior: Weights, prior_examples: float = PRIOR_EXAMPLES) -> Weights:
    """Return the most probable weights given examples and a prior: a logistic regression that starts at the prior.

    The larger the standard deviation of a feature, the less its weight moves; `prior_examples` is how many examples
    the prior counts as.
    """
    names = [name for name in Features.__slots__ if getattr(prior.factors, name)]
    values = np.array([[getattr(example.features, name) for name in names] for example in examples])
    right = np.array([example.right for example in examples], dtype=np.float64)
    if not len(examples):
        return prior
    design = np.column_stack([np.ones(len(values)), values])
    start = np.array([prior.constant, *(getattr(prior.factors, name) for name in names)])
    deviations = np.maximum(np.concatenate([[1.0], values.std(axis=0)]), 1e-3)
    evidence = _Evidence(design, right, np.ones(len(right)), design @ start)
    fitted = start + _most_probable(evidence, prior_examples * deviations**2 / 4)
    factors = dict(zip(names, fitted[1:].tolist(), strict=True))
    return Weights(float(fitted[0]), Features(**factors))


def confidence_shift(judged: Iterable[Judgement], deviation: float = SHIFT_DEVIATION) -> float:
    """Return what votes add to the log-odds of a knowledge base's answers.

    This is the most probable constant under a normal prior with mean 0 and standard deviation `deviation`: ten votes
    move it little. At that constant the prior's pull, constant / deviation ** 2, equals the sum of
    weight * (right - expected). Each of these terms is at most its weight, so that the constant is never further from 0
    than deviation ** 2 times the sum of the weights.
    """
    judgements = list(judged)
    if not judgements:
        return 0.0
    confidence = np.clip([each.confidence for each in judgements], _EXTREME, 1 - _EXTREME)
    right = np.array([each.right for each in judgements], dtype=np.float64)
    weight = np.array([each.weight for each in judgements], dtype=np.float64)
    evidence = _Evidence(np.ones((len(right), 1)), right, weight, np.log(confidence / (1 - confidence)))
    return float(_most_probable(evidence, np.array([1 / deviation**2]))[0])


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Outcomes with log-odds `offset` + `design` @ change; `design` has one row per outcome."""

    design: NDArray[np.float64]
    right: NDArray[np.float64]
    weight: NDArray[np.float64]
    offset: NDArray[np.float64]

    def derivatives(self, change: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the gradient of the log-likelihood, and its negative second derivatives."""
        expected = _probabilities(self.offset + self.design @ change)
        curvature = self.weight * expected * (1 - expected)
        return self.design.T @ (self.weight * (self.right - expected)), (
            self.design * curvature[:, np.newaxis]
        ).T @ self.design


def _most_probable(evidence: _Evidence, stiffness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the most probable change under a normal prior with mean 0 and these precisions.

    Newton's method on a strictly concave objective. A full step overshoots where the logistic is flat, and may then
    diverge. The third derivative of a logistic is at most its second, so that a step which would change some log-odds
    by `reach` always improves the objective when it is shortened to ln(1 + reach) / reach (Bach 2010, "Self-concordant
    analysis for logistic regression"); close to the maximum that is a full step.
    """
    change = np.zeros(len(stiffness))
    for _ in range(_STEPS):
        slope, curvature = evidence.derivatives(change)
        step = np.linalg.solve(curvature + np.diag(stiffness), slope - stiffness * change)
        reach = float(np.abs(evidence.design @ step).max())
        change += step * (np.log1p(reach) / reach if reach else 0.0)
        if reach < _ENOUGH:
            break
    return change


def _probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50))))
