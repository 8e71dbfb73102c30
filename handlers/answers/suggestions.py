"""Suggested questions for somebody who opens the direct message with the bot, from what they may ask about."""

from collections.abc import Iterator, Sequence

from handlers.answers.replies import first_reply
from handlers.answers.search import find_for_asker
from handlers.answers.views import guide
from handlers.audience import knowledge_bases_for
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.store.questions import Origin, Questions
from handlers.texts import Texts
from indexes.records import Record
from indexes.text import is_japanese

OFFERED = 4
"""The most that Slack takes from an agent."""
CANDIDATES = 50
"""Records of each knowledge base that are considered; a list of ten thousand needs no shuffling for four questions."""

Suggestion = tuple[str, Record]
"""The name of a knowledge base, and a record of it."""


def opened(services: Services, request: Request) -> None:
    """Suggest questions to somebody who opened the Messages tab: as prompts of an agent, else once in a message."""
    if not services.messenger.may_post():
        return
    offered = suggestions(services, request)
    if offered and services.config.is_agent:
        _prompt(services, request, offered)
    elif offered and services.claims.take_forever(f"suggested:{request.user}"):
        request.post(guide.suggestions(offered, request.texts))


def asked(services: Services, request: Request) -> None:
    """Answer the question of the pressed button as if it had been typed."""
    name, _, record_id = request.pressed.partition("\n")
    names = knowledge_bases_for(services, request)
    record = services.registry.record(name, record_id) if name in names else None
    if record is None:
        request.tell_privately(notice(request.texts("answer.gone")))
    elif result := find_for_asker(services, request, record.question, names, Origin.DIRECT):
        request.post(first_reply(services, request, result, Origin.DIRECT))


def suggestions(services: Services, request: Request) -> list[Suggestion]:
    """Choose questions: those asked most, then one of each category; those in the reader's language first."""
    names = knowledge_bases_for(services, request)
    often = [
        (name, services.registry.record(name, id_)) for name, id_, _ in Questions(services.database).most_asked(names)
    ]
    bases = [(name, services.registry.loaded[name]) for name in names if name in services.registry.loaded]
    rest = [each for name, loaded in bases for each in varied(name, loaded.index.records[:CANDIDATES])]
    every = {record.question: (name, record) for name, record in [*often, *rest] if record and fits(record)}
    return sorted(every.values(), key=lambda each: not _is_readable(each[1], request.texts))[:OFFERED]


def varied(name: str, records: Sequence[Record]) -> Iterator[Suggestion]:
    """Put the first record of each category before the others."""
    first = {record.category: record for record in reversed(records)}
    ordered = [*first.values(), *(record for record in records if record is not first[record.category])]
    return ((name, record) for record in ordered)


def fits(record: Record) -> bool:
    """Tell whether the question of a record can stand on a button."""
    return 0 < len(record.question) <= guide.SUGGESTION


def _is_readable(record: Record, texts: Texts) -> bool:
    return is_japanese(record.question) == (texts.language == "ja")


def _prompt(services: Services, request: Request, offered: Sequence[Suggestion]) -> None:
    """Set an agent's prompts; with a `thread_ts` Slack would take the call and do nothing."""
    prompts = [{"title": record.question, "message": record.question} for _, record in offered]
    services.client.assistant_threads_setSuggestedPrompts(
        channel_id=request.channel, prompts=prompts, title=request.texts("suggest.title")
    )
