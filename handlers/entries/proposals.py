"""Entries that members propose: admins are asked in direct messages, one decides, and the proposer is told."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_sdk.models.views import View

from handlers import texts as words
from handlers.access import Standing
from handlers.admins import MOST_ASKED, active_admins
from handlers.entries.store.proposals import ApprovalMessage, Proposal, Proposals, State
from handlers.entries.views import editing as form
from handlers.entries.views import proposals as views
from handlers.entries.views.editing import Draft
from handlers.entries.writing import Stored, refuse_edited_elsewhere, similar, store, writable
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.slack.mrkdwn import mrkdwn, one_line
from handlers.slack.trouble import CALL_ERRORS, error_code
from handlers.store import audit
from handlers.store.database import FORGOTTEN
from handlers.texts import HandlerError, Texts
from indexes.errors import KnowledgeBaseError
from indexes.messages import Translatable
from indexes.records.editing import StaleFileError

log = logging.getLogger(__name__)

WAITING = 20
"""Proposals of one person that may wait at a time."""
ERROR = 1500


class DecidedError(HandlerError):
    """Somebody else has decided already."""


class TooManyError(HandlerError):
    """This person has too many proposals waiting."""


def propose(services: Services, request: Request, draft: Draft) -> str:
    """Store a proposal and ask admins; return what to tell the proposer. Raises StoreError if it can't be stored."""
    cells = {role: text.strip() for role, text in draft.texts.items() if text.strip()}
    proposal = _stored(services, request, Proposal(request.user, draft.knowledge_base, cells, draft.question_id))
    closest = next((entry.record.title for entry in similar(services, draft) if entry.record), "")
    if not services.messenger.unasked().may_post():
        return draft.words("proposal.quiet", command=services.config.admin_command)
    reached = [admin for admin in reachable(services, draft.knowledge_base) if _ask(services, admin, proposal, closest)]
    if reached:
        return draft.words("proposal.sent")
    return draft.words("proposal.waits", command=services.config.admin_command)


def _stored(services: Services, request: Request, proposal: Proposal) -> Proposal:
    """Store a proposal unless an earlier process stored it from the same form before it ended."""
    store = Proposals(services.database)
    mine = [each for each in store.waiting() if each.user == request.user]
    if request.is_repeat and (same := next((each for each in mine if replace(each, id=0) == proposal), None)):
        return same
    if len(mine) >= WAITING:
        raise TooManyError("proposal.too_many", count=len(mine))
    return replace(proposal, id=store.add(proposal))


def reachable(services: Services, knowledge_base: str) -> list[str]:
    """List the admins to ask: those of `active_admins` who may see the knowledge base."""
    return [user for user in active_admins(services) if _sees(services, user, knowledge_base)][:MOST_ASKED]


def approve(services: Services, request: Request) -> None:
    """Write the entry as it was proposed."""
    proposal = _pressed(services, request)
    if proposal and _was_decided(request, proposal, "approved"):
        _tell_everybody(services, proposal.id)
        _refresh(services, request, proposal.id)
    elif proposal := decidable(services, request):
        _approve(services, request, proposal)


def _approve(services: Services, request: Request, proposal: Proposal) -> None:
    draft = Draft(
        proposal.knowledge_base, proposal.cells, question_id=proposal.question, language=request.texts.language
    )
    try:
        stored = _write(services, request, proposal, draft)
    except KnowledgeBaseError as error:
        if isinstance(error, StaleFileError):
            services.maintenance.reload(proposal.knowledge_base).result()
        request.tell_privately(
            notice(request.texts("proposal.failed", error=mrkdwn(request.texts.say(error.message), ERROR)))
        )
    else:
        _refresh(services, request, proposal.id)
        if stored.trouble:
            said = request.texts(
                "edit.saved_but",
                name=one_line(proposal.knowledge_base, views.DETAIL),
                error=mrkdwn(request.texts.say(stored.trouble), ERROR),
            )
            request.tell_privately(notice(said))


def approve_edited(services: Services, request: Request, draft: Draft) -> View:
    """Write the entry as an admin changed it; return the view that says so. Raises KnowledgeBaseError."""
    proposal = Proposals(services.database).get(draft.proposal or 0)
    if proposal is None:
        raise DecidedError("proposal.gone")
    stored = _write(services, request, proposal, draft)
    return form.saved(draft, stored.record, stored.trouble)


def decline(services: Services, request: Request) -> None:
    """Ask the admin for a reason."""
    if proposal := decidable(services, request):
        request.open(views.decline_form(proposal, request.texts))


def declined(services: Services, request: Request) -> None:
    """Decline a proposal, with the reason if one was given."""
    view = request.body["view"]
    proposal = Proposals(services.database).get(int(view["private_metadata"]))
    if proposal is None or not _sees(services, request.user, proposal.knowledge_base):
        request.tell_privately(notice(request.texts("proposal.gone")))
        return
    logged = audit.entry(request.user, request.channel, Translatable("audit.decline", name=proposal.knowledge_base))
    is_mine = Proposals(services.database).decline(proposal.id, request.user, _reason(view), logged)
    if is_mine or _was_decided(request, proposal, "declined"):
        _tell_everybody(services, proposal.id)
    else:
        request.tell_privately(_already(services, proposal.id, request.texts))


def accepted(_: Services, __: Request) -> Mapping[str, Any]:
    """Accept any reason: the form closes."""
    return {}


def command(services: Services, request: Request, _: str) -> None:
    """`/kb proposals`: list waiting proposals for knowledge bases that this admin sees."""
    request.tell_privately(_listing(services, request))


def decidable(services: Services, request: Request) -> Proposal | None:
    """Return the proposal of the pressed button; None after telling why this person can't decide on it."""
    proposal = _pressed(services, request)
    if proposal is None or not _sees(services, request.user, proposal.knowledge_base):
        request.tell_privately(notice(request.texts("proposal.gone")))
        return None
    if proposal.is_open:
        return proposal
    request.tell_privately(_already(services, proposal.id, request.texts))
    _refresh(services, request, proposal.id)
    return None


def _pressed(services: Services, request: Request) -> Proposal | None:
    return Proposals(services.database).get(int(request.pressed.partition(":")[0]))


def _was_decided(request: Request, proposal: Proposal, state: State) -> bool:
    """Tell whether an earlier process has made this decision, and ended before everybody was told."""
    return request.is_repeat and (proposal.state, proposal.by) == (state, request.user)


def _sees(services: Services, user: str, knowledge_base: str) -> bool:
    is_member = services.access.person(user).standing is Standing.MEMBER
    return is_member and knowledge_base in services.channels.names(services.access.channels_of(user))


def _write(services: Services, request: Request, proposal: Proposal, draft: Draft) -> Stored:
    """Write the entry for the first admin who decides, and tell the others. If that fails the proposal waits on."""
    refuse_edited_elsewhere(services, request, draft.knowledge_base)
    if draft.knowledge_base not in writable(services, request):
        raise DecidedError("edit.no_such", name=draft.knowledge_base)
    is_mine = Proposals(services.database).claim(proposal.id, request.user, again=request.is_repeat)
    if not (is_mine or _was_decided(request, proposal, "approved")):
        raise _taken(services, proposal.id)
    try:
        stored = store(services, request, draft)
    except BaseException:
        Proposals(services.database).release(proposal.id)
        raise
    Proposals(services.database).approved(proposal.id)
    _tell_everybody(services, proposal.id)
    return stored


def _tell_everybody(services: Services, number: int) -> None:
    """Tell the proposer and every admin who was asked what was decided."""
    proposal = Proposals(services.database).get(number)
    if proposal is None:
        return
    for sent in Proposals(services.database).messages(number):
        _update(services, sent, views.decided(proposal, _texts(services, sent.admin)))
    if proposal.user != FORGOTTEN:
        services.messenger.answer(proposal.user, views.outcome(proposal, _texts(services, proposal.user)))


def _update(services: Services, sent: ApprovalMessage, message: Message) -> None:
    """Update the message in which an admin was asked; a failure is logged: others are to be told as well."""
    try:
        services.messenger.update_message(sent.channel, sent.message, message)
    except CALL_ERRORS as error:
        log.warning("What %s was asked can't be changed (%s)", sent.admin, error_code(error))


def _refresh(services: Services, request: Request, number: int) -> None:
    """Update the message whose button was pressed."""
    if request.pressed.endswith(views.IN_LIST):
        request.update_message(_listing(services, request))
    elif (proposal := Proposals(services.database).get(number)) and not proposal.is_open:
        request.update_message(views.decided(proposal, request.texts))


def _listing(services: Services, request: Request) -> Message:
    waiting = Proposals(services.database).waiting()
    return views.listing(
        [each for each in waiting if _sees(services, request.user, each.knowledge_base)], request.texts
    )


def _already(services: Services, number: int, texts: Texts) -> Message:
    return notice(one_line(texts.say(_taken(services, number).message), ERROR))


def _taken(services: Services, number: int) -> DecidedError:
    proposal = Proposals(services.database).get(number)
    if proposal is None or not proposal.by:
        return DecidedError("proposal.gone")
    return DecidedError("proposal.already", user=services.access.person(proposal.by).name or proposal.by)


def _ask(services: Services, admin: str, proposal: Proposal, closest: str) -> bool:
    sent = services.messenger.inform(admin, views.asked(proposal, closest, _texts(services, admin)))
    if sent is None:
        return False
    asked = ApprovalMessage(admin, *sent)
    if asked not in Proposals(services.database).messages(proposal.id):
        Proposals(services.database).ask(proposal.id, asked)
    return True


def _texts(services: Services, user: str) -> Texts:
    return words.for_locale(services.access.person(user).locale)


def _reason(view: Mapping[str, Any]) -> str:
    return str(view["state"]["values"][views.REASON][views.REASON].get("value") or "").strip()
