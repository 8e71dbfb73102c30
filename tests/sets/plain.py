"""The twenty lines one would write oneself: the cosine of the question with each row's question, best row first."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from bot.evaluate import ASKING_AT_ONCE
from indexes.confidence.evaluation import DEPTH, Outcome, Query, rank_of
from indexes.encoder import Encoder
from indexes.records import read_records


def plain_cosine(knowledge_base: Path, queries: Sequence[Query], encoder: Encoder) -> list[Outcome]:
    """Return the outcome of each query, the best cosine being its confidence."""
    records = read_records(knowledge_base).records
    rows = encoder.encode_documents([record.title for record in records])
    with ThreadPoolExecutor(ASKING_AT_ONCE) as pool:
        asked = list(pool.map(encoder.encode_query, [query.text for query in queries]))
    outcomes = []
    for query, vector in zip(queries, asked, strict=True):
        cosines = rows @ vector
        best = np.argsort(-cosines, kind="stable")[:DEPTH].tolist()
        rank = rank_of(query.relevant, [records[row].id for row in best])
        outcomes.append(Outcome(query, rank, float(cosines[best[0]])))
    return outcomes
