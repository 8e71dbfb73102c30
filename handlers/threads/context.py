"""What a thread is about, and searching for a question that makes sense only with that."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from handlers.store.questions import Turn
from indexes.confidence.confidence import THRESHOLD
from indexes.registry import Answer
from indexes.retrieval.index import Hit

JOINT = " … "
"""Stands between what the thread is about and what was said then, where both were searched for together."""
SHORT = 30
"""Bytes (UTF-8) of a question that may lean on the thread: ten Japanese characters, or about six English words."""
SHOWN, CONSIDERED = 3, 10
"""Hits of an answer, and those that are looked at of a search with the topic: what was given before is among them."""
TOPIC = 500
"""Characters of the thread's question that are searched with it; a model reads no more."""

Target = tuple[str, str]
"""A record: its knowledge base and its id."""
Search = Callable[[str, int], Answer]
"""Returns the closest records of a text, as many as are wanted."""


def topic(turns: Sequence[Turn]) -> str:
    """Return what a thread is about: the last question in it that was searched for alone; blank for no turns."""
    about = ""
    for turn in turns:
        if not about or not turn.question.text.startswith(about + JOINT):
            about = turn.question.text[:TOPIC]
    return about


def given(turns: Sequence[Turn]) -> frozenset[Target]:
    """Return the records that were the answers so far; where the bot asked back, none was."""
    answered = [turn.question.hits[0] for turn in turns if turn.question.hits]
    return frozenset(hit.target for hit in answered if not hit.label)


def search_in_context(search: Search, about: str, said: str, already: Collection[Target] = ()) -> Answer:
    """Search for what was said, and if it is short and finds nothing sure, also for it together with the topic.

    The scores of both searches are added: with the topic alone in it a record is as close as it was before, and with
    what was said alone in it as close as anything. What was given before comes last, since that was no question.
    """
    alone = search(said, SHOWN)
    if not about or len(said.encode()) > SHORT or alone.confidence >= THRESHOLD:
        return alone
    return _together(alone, search(about + JOINT + said, CONSIDERED), already)


def _together(alone: Answer, joined: Answer, already: Collection[Target]) -> Answer:
    """Return the records of two answers in the order of their scores in both; each is as sure as in the surer one."""
    scores: dict[Target, float] = {}
    surest: dict[Target, Hit] = {}
    for hit in (*alone.hits, *joined.hits):
        target = _target(hit)
        scores[target] = scores.get(target, 0.0) + hit.score
        surest[target] = max(surest.get(target, hit), hit, key=lambda each: each.confidence)
    order = sorted(scores, key=lambda target: (target not in already, scores[target]), reverse=True)
    hits = tuple(surest[target] for target in order[:SHOWN])
    return replace(joined, hits=hits, seconds=alone.seconds + joined.seconds)


def is_new(answer: Answer, already: Collection[Target]) -> bool:
    """Tell whether the first hit was not given before."""
    return bool(answer.hits) and _target(answer.hits[0]) not in already


def _target(hit: Hit) -> Target:
    return hit.knowledge_base, hit.record.id
