"""Replies to questions: building one, and updating it after a button was pressed."""

from collections.abc import Callable
from dataclasses import replace

from handlers import texts as words
from handlers.access import Standing
from handlers.answers.lookup import earlier_answers
from handlers.answers.store.publications import Publications
from handlers.answers.views.answers import answer, folded
from handlers.answers.views.full_answer import whole
from handlers.audience import knowledge_bases_for, tell_what_is_withheld
from handlers.request import Request
from handlers.result import ButtonValue, ReplyOptions, Result
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.store.questions import AskedQuestion, Origin, Questions
from handlers.texts import Texts

Put = Callable[[Services, Request, Message], None]
"""Replaces the reply whose button was pressed."""


def in_place(_: Services, request: Request, message: Message) -> None:
    """Update the reply where it is a message."""
    request.update_message(message)


def first_reply(services: Services, request: Request, result: Result, source: Origin) -> Message:
    """Return the reply to a question that was just asked."""
    options = _options(services, request, result, source, request.channel)
    return answer(result, _texts(request, source, result.question), options)


def updated_reply(
    services: Services, request: Request, question: AskedQuestion, result: Result, shown: frozenset[int]
) -> Message:
    """Return an earlier reply as it is now, with votes, and links to where it was shared or asked."""
    texts = _texts(request, question.source, question.text)
    published = Publications(services.database).of(question.id)
    links = {kind: publication.link for kind, publication in published.items()}
    if question.source in {Origin.AUTO_REPLY, Origin.FOLLOW_UP}:
        ask = bool(services.channels.of(question.channel).ask)
        return folded(result, texts, ask=ask, asked=links.get("ask"))
    options = replace(
        _options(services, request, result, question.source, question.channel),
        votes=Questions(services.database).votes(question.id),
        shared=links.get("share"),
        asked=links.get("ask"),
    )
    return answer(result, texts, options, shown)


def question_of_button(
    services: Services, request: Request, question_id: int, *, shared: bool = False, alone: bool = False
) -> tuple[AskedQuestion, Result] | None:
    """Return the question of the pressed button, with its hits as they are now; None after telling the person why not.

    A hit is left out if this person may not see its knowledge base any more, or in an open reply if somebody there may
    not. `shared`: everybody may press the button below an answer that its asker has shared. `alone`: the result is
    shown only to the person who pressed.
    """
    found = earlier_answers(services, question_id)
    if found is None or not _is_here(services, request, found[0], shared=shared):
        is_foreign = found is not None and found[0].source.is_private and found[0].user != ""  # blank: too old by now
        request.tell_privately(notice(request.texts("answer.not_yours" if is_foreign else "answer.gone")))
        return None
    question, result = found
    if may_see(services, request, result):
        there = replace(request, channel=request.channel or question.channel)
        return question, _as_seen(services, there, result, openly=not alone and question.source.is_open)
    request.tell_privately(notice(request.texts("access.guest")))
    return None


def _is_here(services: Services, request: Request, question: AskedQuestion, *, shared: bool) -> bool:
    """Return whether this person may press a button of a reply, in the place where they pressed it.

    A private reply belongs to its asker, unless it was shared with the channel. An open one is in the channel where the
    question was asked, or in a form that was opened there. Shadow mode's replies are for admins.
    """
    if question.source is Origin.SHADOW:
        return request.person.is_admin
    if not question.source.is_private:
        return request.channel == question.channel or request.body.get("view", {}).get("type") == "modal"
    if request.user == question.user:
        return True
    publication = Publications(services.database).of(question.id).get("share") if shared else None
    return publication is not None and publication.channel == request.channel


def _as_seen(services: Services, request: Request, result: Result, *, openly: bool) -> Result:
    names = knowledge_bases_for(services, request, public_reply=openly)
    if openly and any(entry.knowledge_base not in names for entry in result.entries):
        tell_what_is_withheld(services, request, names, str(result.question_id))
    entries = [
        entry if entry.knowledge_base in names else replace(entry, record=None, pictures=()) for entry in result.entries
    ]
    return replace(result, entries=entries)


def may_see(services: Services, request: Request, result: Result) -> bool:
    """Return whether the person who pressed may see every hit: people who are not members see only public ones."""
    if request.person.standing is Standing.MEMBER:
        return True
    return all(entry.knowledge_base in services.channels.public for entry in result.entries)


def show(services: Services, request: Request, put: Put = in_place) -> None:
    """Show a folded hit in full."""
    key, _ = ButtonValue.read(request.pressed)
    if found := question_of_button(services, request, key.question):
        put(services, request, updated_reply(services, request, *found, key.shown))


def read(services: Services, request: Request) -> None:
    """Open a modal with the full text of an answer of which only the beginning is shown."""
    number, _, rank = request.pressed.partition(":")
    if found := question_of_button(services, request, int(number), shared=True, alone=True):
        _, result = found
        request.open(whole(result.entries[int(rank) - 1], request.texts))


def _texts(request: Request, source: Origin, question: str) -> Texts:
    return request.texts if source.is_private else words.for_question(question)


def _options(services: Services, request: Request, result: Result, source: Origin, channel: str) -> ReplyOptions:
    private = source.is_private
    public_place = channel if source.is_in_channel and not channel.startswith("D") else ""
    found = {entry.knowledge_base for entry in result.entries}
    return ReplyOptions(
        reader=request.user if private else "",
        restate=source in {Origin.SEARCH, Origin.HOME},
        in_view=source in {Origin.HOME, Origin.FORM},
        channel=public_place,
        ask=bool(public_place and (request.rules if channel == request.channel else services.channels.of(channel)).ask),
        edit=private and request.person.is_admin,
        words_only=services.searches_words_only(found or services.registry.loaded),
    )
