"""Measuring how well questions are answered, and how well confidence predicts it, for `kotae eval` and the tests.

Pure functions of `Outcome`s; the caller does the searching.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.errors import UnusableFileError
from indexes.messages import reason

ANSWERABLE, NEAR, FAR, PARTIAL = "answerable", "near", "far", "partial"
"""Kinds of query: answered by the knowledge base; about its subject but not answered; about another subject;
answered in part only, so that neither a reply nor silence is wrong: these are left out of the measures."""

DEPTH = 10
"""Hits evaluated per query."""

PRECISIONS = (0.80, 0.90, 0.95)

_QUERY_HEADERS = ("query", "question", "質問", "問い合わせ")
_RELEVANT_HEADERS = ("relevant", "id", "ids", "正解")
_KIND_HEADERS = ("kind", "種類")
_GRADE_HEADERS = ("grade", "評価")


@dataclass(frozen=True, slots=True)
class Query:
    """A question and the ids of the records that answer it; without any it should get no reply."""

    text: str
    relevant: frozenset[str] = frozenset()
    kind: str = ANSWERABLE


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a query: rank of the first right record (from 0; None if it was not found) and confidence.

    `silent`: the bot doesn't reply unasked, however high the confidence, because the first hit has no answer to post.
    """

    query: Query
    rank: int | None
    confidence: float
    silent: bool = False

    @property
    def right(self) -> bool:
        """Return whether the first hit answers the query."""
        return self.rank == 0


def rank_of(relevant: Iterable[str], found: Sequence[str]) -> int | None:
    """Return the position of the first relevant id among the first `DEPTH` found, or None."""
    wanted = set(relevant)
    return next((place for place, name in enumerate(found[:DEPTH]) if name in wanted), None)


def evaluate(outcomes: Sequence[Outcome], threshold: float) -> dict[str, Any]:
    """Return the measures, as `kotae eval --json` prints them.

    recall_at_k, mrr_at_10: of answerable queries. average_precision: the mean over answerable queries of the precision
    of all replies with at least this confidence, or 0 for a wrong answer. auroc: the probability that an answerable
    query has a higher confidence than one that isn't (a tie counts half); None if one kind is missing. partial: the
    queries that are left out.
    coverage_at_precision: the largest share of answerable queries answered correctly at a threshold with this
    precision. shipped: the measures at `threshold`; precision is 1 if there are no replies.
    """
    partial = sum(outcome.query.kind == PARTIAL for outcome in outcomes)
    outcomes = scored(outcomes)
    answerable = [outcome for outcome in outcomes if outcome.query.kind == ANSWERABLE]
    return {
        "queries": len(outcomes),
        "answerable": len(answerable),
        "partial": partial,
        "recall_at_1": _recall(answerable, 1),
        "recall_at_3": _recall(answerable, 3),
        "mrr_at_10": _mean([0.0 if outcome.rank is None else 1 / (1 + outcome.rank) for outcome in answerable]),
        "average_precision": average_precision(outcomes),
        "auroc": auroc(outcomes, (NEAR, FAR)),
        "auroc_near": auroc(outcomes, (NEAR,)),
        "auroc_far": auroc(outcomes, (FAR,)),
        "coverage_at_precision": {f"{p:.2f}": coverage_at_precision(outcomes, p) for p in PRECISIONS},
        "shipped": at_threshold(outcomes, threshold),
    }


def scored(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that count: not those of partial queries."""
    return [outcome for outcome in outcomes if outcome.query.kind != PARTIAL]


def average_precision(outcomes: Sequence[Outcome]) -> float:
    """Return the area under the curve of precision over the share of answerable queries answered correctly."""
    confidence, right = _sorted(outcomes)
    last_of_ties = np.searchsorted(-confidence, -confidence, side="right")
    precision = np.cumsum(right)[last_of_ties - 1] / last_of_ties if len(right) else np.zeros(0)
    return float((precision * right).sum()) / max(_answerable(outcomes), 1)


def auroc(outcomes: Sequence[Outcome], kinds: Sequence[str]) -> float | None:
    """Return the probability that an answerable query has a higher confidence than one of these kinds."""
    inside = np.array([outcome.confidence for outcome in outcomes if outcome.query.kind == ANSWERABLE])
    outside = np.sort([outcome.confidence for outcome in outcomes if outcome.query.kind in kinds])
    if not len(inside) or not len(outside):
        return None
    below = np.searchsorted(outside, inside, side="left") + np.searchsorted(outside, inside, side="right")
    return float(below.mean() / 2 / len(outside))


def coverage_at_precision(outcomes: Sequence[Outcome], precision: float) -> float:
    """Return the largest share of answerable queries answered correctly at a threshold with this precision."""
    confidence, right = _sorted(outcomes)
    cuts = np.searchsorted(-confidence, -np.unique(confidence), side="right")
    rightly = np.cumsum(right)[cuts - 1] if len(cuts) else np.zeros(0)
    good = rightly[rightly >= precision * cuts] if len(cuts) else rightly
    return float(good.max(initial=0)) / max(_answerable(outcomes), 1)


def at_threshold(outcomes: Sequence[Outcome], threshold: float) -> dict[str, float]:
    """Return the measures if the bot replies from this confidence on."""
    replies = [outcome for outcome in outcomes if _is_reply(outcome, threshold)]
    right = sum(outcome.right for outcome in replies)
    return {
        "threshold": threshold,
        "precision": right / len(replies) if replies else 1.0,
        "coverage": right / max(_answerable(outcomes), 1),
        "replies": len(replies),
        "far_reply_rate": _reply_rate(outcomes, FAR, threshold),
        "near_reply_rate": _reply_rate(outcomes, NEAR, threshold),
    }


def reliability(outcomes: Sequence[Outcome], bins: int = 10) -> list[tuple[float, float, int]]:
    """Return mean confidence, share of correct replies and count for each non-empty bin of confidence."""
    confidence, right = _sorted(outcomes)
    numbers = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    table = []
    for number in range(bins):
        chosen = numbers == number
        if chosen.any():
            table.append((float(confidence[chosen].mean()), float(right[chosen].mean()), int(chosen.sum())))
    return table


def hardest(outcomes: Sequence[Outcome], count: int = 20) -> list[Outcome]:
    """Return the mistakes with the highest confidence: wrong first hits, and replies where there is no answer."""
    wrong = [outcome for outcome in outcomes if not outcome.right]
    return sorted(wrong, key=lambda outcome: -outcome.confidence)[:count]


def read_queries(path: Path) -> list[Query]:
    """Read queries from .jsonl (query, relevant: ids, kind) or .csv (the same columns; several ids separated by |).

    Without a kind, a query with relevant ids is answerable and one without is near. The kind partial may also stand in
    `grade`, whose other values mean nothing here. Raises UnusableFileError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UnusableFileError("file.missing", file=path.name) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableFileError("queries.unreadable", file=path.name, reason=reason(error)) from error
    try:
        rows = _csv_rows(text, path) if path.suffix.lower() == ".csv" else _json_rows(text, path)
    except csv.Error as error:
        raise UnusableFileError("queries.unreadable", file=path.name, reason=str(error)) from error
    queries = [_query(row, path.name, line) for line, row in rows]
    if not queries:
        raise UnusableFileError("queries.none", file=path.name)
    return queries


def _json_rows(text: str, path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    rows: list[tuple[int, Mapping[str, Any]]] = []
    for line, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            row = json.loads(written)
        except json.JSONDecodeError as error:
            raise UnusableFileError("queries.not_json", file=path.name, line=line, reason=str(error)) from error
        if not isinstance(row, dict):
            raise UnusableFileError("queries.no_object", file=path.name, line=line)
        rows.append((line, row))
    return rows


def _csv_rows(text: str, path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip().casefold() for name in next(reader, [])]
    places = {
        role: next((header.index(name) for name in names if name in header), None)
        for role, names in (
            ("query", _QUERY_HEADERS),
            ("relevant", _RELEVANT_HEADERS),
            ("kind", _KIND_HEADERS),
            ("grade", _GRADE_HEADERS),
        )
    }
    if places["query"] is None:
        raise UnusableFileError("queries.no_column", file=path.name, names=_QUERY_HEADERS)
    rows: list[tuple[int, Mapping[str, Any]]] = []
    for cells in reader:
        row = {role: cells[place] for role, place in places.items() if place is not None and place < len(cells)}
        if any(cell.strip() for cell in cells):
            rows.append((reader.line_num, row))
    return rows


def _query(row: Mapping[str, Any], file: str, line: int) -> Query:
    text = row.get("query")
    if not isinstance(text, str) or not text.strip():
        raise UnusableFileError("queries.blank", file=file, line=line)
    ids = row.get("relevant") or []
    names = ids.split("|") if isinstance(ids, str) else ids
    if not isinstance(names, list):
        raise UnusableFileError("queries.no_list", file=file, line=line)
    relevant = frozenset(name for each in names if (name := str(each).strip()))
    kind = str(row.get("kind") or (ANSWERABLE if relevant else NEAR)).strip().casefold()
    if str(row.get("grade")).strip().casefold() == PARTIAL:
        kind = PARTIAL
    if kind not in (ANSWERABLE, NEAR, FAR, PARTIAL):
        raise UnusableFileError("queries.kind", file=file, line=line, kind=kind)
    return Query(text, relevant, kind)


def _sorted(outcomes: Sequence[Outcome]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the confidences, highest first, and whether each reply is right, in the same order."""
    confidence = np.array([outcome.confidence for outcome in outcomes], dtype=np.float64)
    right = np.array([outcome.right for outcome in outcomes], dtype=np.int64)
    order = np.argsort(-confidence, kind="stable")
    return confidence[order], right[order]


def _recall(answerable: Sequence[Outcome], depth: int) -> float:
    return _mean([float(outcome.rank is not None and outcome.rank < depth) for outcome in answerable])


def _reply_rate(outcomes: Sequence[Outcome], kind: str, threshold: float) -> float:
    return _mean([float(_is_reply(outcome, threshold)) for outcome in outcomes if outcome.query.kind == kind])


def _is_reply(outcome: Outcome, threshold: float) -> bool:
    return outcome.confidence >= threshold and not outcome.silent


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _answerable(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.query.kind == ANSWERABLE for outcome in outcomes)
