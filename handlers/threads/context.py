"""What a thread is about, and searching for a question that makes sense only with that."""

from collections.abc import Callable, Collection, Sequence

from handlers.store.questions import Turn
from indexes.registry import Answer

JOINT = " … "
"""Stands between what the thread is about and what was said then, where both were searched for together."""
SHORT = 60
"""Bytes (UTF-8) of a question that may lean on the thread: twenty Japanese characters, or about ten English words."""
TOPIC = 500
"""Characters of the thread's question that are searched with it; a model reads no more."""

Target = tuple[str, str]
"""A record: its knowledge base and its id."""


def topic(turns: Sequence[Turn]) -> str:
    """Return what a thread is about: the last question in it that was searched for alone; blank for no turns."""
    about = ""
    for turn in turns:
        if not about or not turn.question.text.startswith(about + JOINT):
            about = turn.question.text[:TOPIC]
    return about


def given(turns: Sequence[Turn]) -> frozenset[Target]:
    """Return the records that were the answers so far."""
    return frozenset(turn.question.hits[0].target for turn in turns if turn.question.hits)


def search_in_context(
    search: Callable[[str], Answer], about: str, said: str, already: Collection[Target] = ()
) -> Answer:
    """Search for what was said, and if it is short also for it together with the topic; return the surer answer.

    An answer that was given before is no answer to a new question: the other one is then preferred, whatever its
    confidence. With the topic in it, a question that no record answers finds that same record again.
    """
    alone = search(said)
    if not about or len(said.encode()) > SHORT:
        return alone
    return max(alone, search(about + JOINT + said), key=lambda each: (is_new(each, already), each.confidence))


def is_new(answer: Answer, already: Collection[Target]) -> bool:
    """Tell whether the first hit was not given before."""
    return bool(answer.hits) and (answer.hits[0].knowledge_base, answer.hits[0].record.id) not in already
