"""The form for adding and editing entries: from a command, a message, a miss, or a hit.

Admins write; other members propose. Typed text is never lost: if saving fails the form shows it again, and why.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from handlers.access import Need
from handlers.entries import proposals
from handlers.entries.store.proposals import Proposal
from handlers.entries.views import editing as views
from handlers.entries.views.editing import Draft
from handlers.entries.writing import (
    as_now,
    is_touched,
    may_change,
    may_write,
    refuse_edited_elsewhere,
    similar,
    store,
    writable,
)
from handlers.owners import is_owner
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.message_text import message_text
from handlers.slack.mrkdwn import as_written, is_address, one_line, plain
from handlers.store.questions import Questions
from handlers.texts import HandlerError
from indexes.errors import KnowledgeBaseError
from indexes.records import Difference, KnowledgeBase
from indexes.records.editing import StaleFileError, unwritable

log = logging.getLogger(__name__)

SHOWN = 300
SHOWN_WITHIN_SECONDS = 3.0
"""How long Slack may take to handle an ack."""
LOOK_SECONDS = 0.2


class NotAllowedError(HandlerError):
    """This person may not write there, or not any more."""


# Opening the form


def open_add(
    services: Services,
    request: Request,
    *,
    knowledge_base: str = "",
    question: str = "",
    answer: str = "",
    question_id: int | None = None,
) -> None:
    """Open the form for a new entry.

    `question_id` is the question that the entry answers: its miss is closed once the entry is written.
    """
    refuse_edited_elsewhere(services, request, knowledge_base)
    names = writable(services, request)
    if not _has_some(request, names):
        return
    draft = Draft(
        knowledge_base if knowledge_base in names else names[0],
        {"question": " ".join(question.split())[: views.ONE_LINE], "answer": answer[: views.FIELD]},
        question_id=question_id,
        channel="" if request.is_direct else request.channel,
        language=request.texts.language,
    )
    request.open(build_form(services, request, draft))


def open_edit(services: Services, request: Request, knowledge_base: str, record_id: str) -> None:
    """Open the form with an entry as it is now, for admins and its owner."""
    refuse_edited_elsewhere(services, request, knowledge_base)
    record = services.registry.record(knowledge_base, record_id)
    if (
        record is None
        or not may_change(services, request, knowledge_base, record_id)
        or len(record_id) > views.RECORD_ID
    ):
        request.tell_privately(notice(request.texts("edit.gone")))
    else:
        channel = "" if request.is_direct else request.channel
        draft = Draft(knowledge_base, {}, record_id, channel=channel, language=request.texts.language)
        request.open(build_form(services, request, as_now(draft, record)))


def command(services: Services, request: Request, argument: str) -> None:
    """`/kb add [question]`."""
    open_add(services, request, question=argument)


def from_message(services: Services, request: Request) -> None:
    """Handle the shortcut "Save to knowledge base": the message answers the first message of its thread.

    A first message that has replies is itself the question.
    """
    message = request.body["message"]
    first, text = message.get("thread_ts"), message_text(message)
    if first is None:
        open_add(services, request, answer=as_written(text))
        return
    reply = Questions(services.database).reply_to(request.channel, first)
    asked = reply.question if reply else None
    if first == message["ts"]:
        open_add(services, request, question=plain(text), question_id=asked)
    else:
        question = _first_words(services, request, first)
        open_add(services, request, question=question, answer=as_written(text), question_id=asked)


def edit_proposal(services: Services, request: Request) -> None:
    """Open the form filled with a proposal; saving approves it."""
    if proposal := proposals.decidable(services, request):
        refuse_edited_elsewhere(services, request, proposal.knowledge_base)
        request.open(build_form(services, request, _draft_of(proposal, request)))


def _draft_of(proposal: Proposal, request: Request) -> Draft:
    return Draft(
        proposal.knowledge_base,
        proposal.cells,
        question_id=proposal.question,
        proposal=proposal.id,
        language=request.texts.language,
    )


def edit_record(services: Services, request: Request) -> None:
    """Edit a hit; the button's value is the knowledge base and the record's id, on two lines."""
    name, _, record_id = request.pressed.partition("\n")
    open_edit(services, request, name, record_id)


def _has_some(request: Request, names: Sequence[str]) -> bool:
    if not names:
        request.tell_privately(notice(request.texts("edit.nowhere")))
    return bool(names)


def _first_words(services: Services, request: Request, ts: str) -> str:
    """Return the first message of a thread; blank if the bot can't read it."""
    try:
        found = services.client.conversations_replies(channel=request.channel, ts=ts, limit=1)["messages"]
    except SlackApiError as error:
        log.info("The thread's first message can't be read (%s)", error.response.get("error"))
        return ""
    return plain(message_text(found[0])) if found else ""


def where_opened(request: Request, draft: Draft) -> Request:
    """Return the request as if it came from the channel where the form was opened."""
    return replace(request, channel=draft.channel)


def build_form(
    services: Services, request: Request, draft: Draft, trouble: str = "", difference: Difference | None = None
) -> View:
    """Return the form, with entries that are similar to what was typed so far."""
    names = () if draft.record else writable(services, request)
    loaded = services.registry.loaded[draft.knowledge_base]
    return views.form(
        draft,
        loaded.knowledge_base,
        names=names,
        similar=similar(services, draft),
        trouble=trouble,
        difference=difference,
        proposing=not (request.person.is_admin or draft.record),
    )


# Sending it


def check(services: Services, request: Request) -> dict[str, Any]:
    """Return errors for fields that can't be saved, else the view that says it is being saved. Doesn't call Slack."""
    view = request.body["view"]
    draft = views.read(view)
    loaded = services.registry.loaded.get(draft.knowledge_base)
    if loaded is None:
        name = one_line(draft.knowledge_base, SHOWN)
        return _errors(view, {"question": draft.words("edit.no_such", name=name)})
    if wrong := _wrong(draft, loaded.knowledge_base):
        return _errors(view, wrong)
    return {"response_action": "update", "view": views.saving(draft, _saving_id(view))}


def _errors(view: Mapping[str, Any], wrong: Mapping[str, str]) -> dict[str, Any]:
    return {
        "response_action": "errors",
        "errors": {views.block_id(view, role): message for role, message in wrong.items()},
    }


def _wrong(draft: Draft, base: KnowledgeBase) -> dict[str, str]:
    """Return by role, in the writer's language, what is wrong with the texts."""
    wrong: dict[str, str] = {}
    texts = draft.texts
    unshown = draft.record and not {"question", "answer"} & base.columns.keys() <= texts.keys()
    if not any(texts.get(role, "").strip() for role in ("question", "answer")) and not unshown:
        wrong["question" if "question" in texts else "answer"] = draft.words("edit.blank")
    address = texts.get("url", "").strip()
    if address and not is_address(address) and is_touched(draft, "url"):
        wrong["url"] = draft.words("edit.bad_link")
    for role, text in texts.items():
        if len(text) > views.FIELD:
            wrong[role] = draft.words("edit.too_long", limit=views.FIELD)
    for role, error in unwritable(base, {role: text for role, text in texts.items() if role in base.columns}).items():
        if error.character:
            known = {"character": error.character, "encoding": base.encoding}
            wrong[role] = draft.words("edit.character", **known)
    return wrong


def sent(services: Services, request: Request) -> None:
    """Write or propose the entry and say so in the form; if that fails, show the typed text again with the reason."""
    draft = views.read(request.body["view"])
    here = where_opened(request, draft)
    try:
        done = _take(services, here, draft)
    except StaleFileError as error:
        services.maintenance.reload(draft.knowledge_base).result()
        _give_back(services, here, draft, draft.words.say(error.message), error.difference)
    except KnowledgeBaseError as error:
        _give_back(services, here, draft, draft.words.say(error.message))
    except Exception:
        _give_back(services, here, draft, draft.words("edit.trouble"))
        raise
    else:
        _show(services, request, done, draft)


def need_of_form(request: Request) -> Need:
    """Return who may send the form: members for a new entry, which may become a proposal; admins for a change.

    The owner of a row may change it.
    """
    draft = views.read(request.body["view"])
    record = request.services.registry.record(draft.knowledge_base, draft.record) if draft.record else None
    if record and is_owner(request.services, request.user, record.owner):
        return Need.MEMBER
    return Need.ADMIN if draft.record or draft.proposal is not None else Need.MEMBER


def refused(services: Services, request: Request, refusal: str) -> None:
    """Show in the form why this person may not, with the typed text; `refusal` is the key of the reason."""
    draft = views.read(request.body["view"])
    trouble = draft.words(refusal)
    _show(services, request, views.told(draft, trouble, typed=True), draft, trouble)


def _take(services: Services, request: Request, draft: Draft) -> View:
    """Write, propose or approve the entry if this person may; return the view that says so."""
    refuse_edited_elsewhere(services, request, draft.knowledge_base)
    if not may_write(services, request, draft):
        base = services.registry.loaded.get(draft.knowledge_base)
        is_gone = base is not None and draft.record != "" and base.record(draft.record) is None
        raise NotAllowedError("edit.gone") if is_gone else NotAllowedError("edit.nowhere")
    if draft.proposal is not None:
        return proposals.approve_edited(services, request, draft)
    if request.person.is_admin or draft.record:
        stored = store(services, request, draft)
        return views.saved(draft, stored.record, stored.trouble)
    return views.told(draft, proposals.propose(services, request, draft), proposing=True)


def _give_back(
    services: Services, request: Request, draft: Draft, trouble: str, difference: Difference | None = None
) -> None:
    """Show the form again with the typed text, the reason, and what changed in the file meanwhile."""
    record = services.registry.record(draft.knowledge_base, draft.record) if draft.record else None
    if not may_write(services, request, draft):
        _show(services, request, views.told(draft, trouble, typed=True), draft, trouble)
        return
    current = as_now(draft, record) if record else draft
    said = "" if difference else trouble  # the difference is shown in the writer's language already
    _show(services, request, build_form(services, request, current, said, difference), draft, trouble)


def _show(services: Services, request: Request, view: View, draft: Draft, trouble: str = "") -> None:
    """Show a view instead of "saving"; if the person closed that, send a direct message."""
    if not show_after_ack(services, _saving_id(request.body["view"]), view):
        said = views.typed_so_far(draft, trouble) if trouble else views.as_message(view)
        services.messenger.send(request.user, said)


def show_after_ack(services: Services, external_id: str, view: View) -> bool:
    """Show a view instead of the one that a form's ack has shown; False if the person closed that.

    The work may be finished before Slack shows what the ack says, so it is tried for some seconds.
    """
    until = time.monotonic() + SHOWN_WITHIN_SECONDS
    while not (shown := _replaced(services, external_id, view)) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return shown


def _replaced(services: Services, external_id: str, view: View) -> bool:
    try:
        services.client.views_update(external_id=external_id, view=view)
    except SlackApiError as error:
        if error.response.get("error") != "not_found":
            log.warning("The form can't be changed (%s)", error.response.get("error"))
        return False
    return True


def _saving_id(view: Mapping[str, Any]) -> str:
    return f"saving-{view['id']}-{view['hash']}"
