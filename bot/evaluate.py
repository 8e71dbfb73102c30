"""`kotae eval`: asks every query of a file as the bot would be asked, and formats the results."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from indexes.clarification.measuring import measure
from indexes.confidence.confidence import probability
from indexes.confidence.evaluation import DEPTH, Outcome, Query, evaluate, hardest, rank_of, reliability, scored
from indexes.records import may_be_volunteered
from indexes.registry import Answer
from indexes.search import FaissSearch

ASKING_AT_ONCE = 16
"""Queries in flight: the size of the encoder's batches."""
MISSES = 10


@dataclass(frozen=True)
class Evaluation:
    """The measures, each query's outcome, and the title of its first hit."""

    measures: dict[str, Any]
    outcomes: Sequence[Outcome]
    found: dict[str, str]


def run(knowledge_base: FaissSearch, queries: Sequence[Query], threshold: float) -> Evaluation:
    """Ask all queries as the bot would be asked, and measure at the threshold the bot would use.

    To the measures of `evaluate`, this adds what questions back are worth (`asking_back`), the encoder (or
    "lexical"), the `scale` of its cosines, if any, and whether any row has an answer (`answers`). Without answers only
    the ranking counts: nothing is given unasked.
    """
    with ThreadPoolExecutor(ASKING_AT_ONCE) as pool:
        answers = list(pool.map(lambda query: knowledge_base.answer(query.text, DEPTH), queries))
    outcomes = [
        Outcome(query, _rank(query, answer), _confidence(knowledge_base, answer), _is_silent(answer))
        for query, answer in zip(queries, answers, strict=True)
    ]
    found = {
        query.text: answer.hits[0].record.title for query, answer in zip(queries, answers, strict=True) if answer.hits
    }
    encoder = knowledge_base.encoder.name if knowledge_base.encoder else "lexical"
    scale = asdict(knowledge_base.scale) if knowledge_base.scale else None
    about = {"encoder": encoder, "scale": scale, "answers": knowledge_base.has_answers}
    asking = measure(queries, answers, threshold).as_dict()
    measures = {**about, **evaluate(outcomes, threshold), "asking_back": asking}
    return Evaluation(measures, outcomes, found)


def format_evaluation(evaluation: Evaluation) -> str:
    """Format the measures and the most confident mistakes as text."""
    measures = evaluation.measures
    left_out = f"; partial, and left out: {measures['partial']}" if measures["partial"] else ""
    lines = [
        f"{measures['queries']} queries, {measures['answerable']} of them answerable{left_out}",
        *_weights(measures),
        "",
    ]
    lines += [
        f"  {name:<28}{_number(measures[key])}"
        for name, key in (
            ("right at first", "recall_at_1"),
            ("among the first three", "recall_at_3"),
            ("MRR@10", "mrr_at_10"),
            ("average precision", "average_precision"),
            ("AUROC", "auroc"),
            ("AUROC, near questions", "auroc_near"),
            ("AUROC, far questions", "auroc_far"),
        )
    ]
    if measures["answers"]:
        covered = measures["coverage_at_precision"].items()
        lines += [*(f"  coverage at {p} precision  {_number(share)}" for p, share in covered), ""]
        lines.append(_shipped(measures["shipped"]))
    else:
        lines += ["", "No row has an answer: nothing is given unasked, and only the ranking counts."]
    lines.append(_asking(measures["asking_back"]))
    worst = hardest(scored(evaluation.outcomes), MISSES)
    if worst:
        lines += ["", "Most confident mistakes:"]
    for outcome in worst:
        expected = ", ".join(sorted(outcome.query.relevant)[:3]) or f"no answer ({outcome.query.kind})"
        lines.append(f"  {outcome.confidence:.2f}  {outcome.query.text}")
        lines.append(f"        found: {evaluation.found.get(outcome.query.text, 'nothing')}; expected: {expected}")
    return "\n".join(lines)


def plot(evaluation: Evaluation, path: Path) -> None:
    """Draw confidence against the share that was right; raises ImportError without matplotlib."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import

    table = reliability(scored(evaluation.outcomes))
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share of right first hits")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="perfectly calibrated")
    sizes = [20 + 2 * count**0.5 * 5 for *_, count in table]
    axes.scatter([mean for mean, *_ in table], [share for _, share, _ in table], s=sizes, label="queries, in tenths")
    for mean, share, count in table:
        axes.annotate(str(count), (mean, share), textcoords="offset points", xytext=(6, -12), fontsize=8)
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=120)


def _rank(query: Query, answer: Answer) -> int | None:
    return rank_of(query.relevant, [hit.record.id for hit in answer.hits])


def _confidence(knowledge_base: FaissSearch, answer: Answer) -> float:
    """Return the confidence; without any answers, what it would be if the first hit had one.

    Rows without an answer have at most 0.5, so that the best would all be alike and their order be lost.
    """
    if knowledge_base.has_answers or not answer.hits:
        return answer.confidence
    return probability(sum(knowledge_base.explain(answer, answer.hits[0])["confidence"]["terms"].values()))


def _is_silent(answer: Answer) -> bool:
    return not (answer.hits and may_be_volunteered(answer.hits[0].record))


def _weights(measures: dict[str, Any]) -> list[str]:
    scale = measures["scale"]
    if scale is None:
        return [f"Encoder: {measures['encoder']}; weights of confidence: by words, as shipped"]
    return [
        f"Encoder: {measures['encoder']}; weights of confidence: by meaning, as shipped",
        f"Its cosines here: {scale['zero']:.3f} with other rows, {scale['one']:.3f} with the same question",
        f"Questions it doesn't find by their words alone: {scale['lost']:.0%}",
    ]


def _shipped(shipped: dict[str, float]) -> str:
    right = _number(shipped["precision"] if shipped["replies"] else None)
    covered = _number(shipped["coverage"])
    near, far = _number(shipped["near_reply_rate"]), _number(shipped["far_reply_rate"])
    return (
        f"Replying unasked from {shipped['threshold']:.2f} on: {shipped['replies']} replies, {right} of them right,"
        f" covering {covered} of the answerable;\nreplies to {near} of the near and {far} of the far questions."
    )


def _asking(asking: dict[str, float]) -> str:
    shares = {name: _number(share) for name, share in asking.items()}
    return (
        f"Asking back at {shares['asked_back']} of the questions: right after at most one press"
        f" {shares['after_one_press']}, without {shares['first']}; among the first five {shares['among_five']}."
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
