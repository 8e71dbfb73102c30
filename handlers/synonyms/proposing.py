"""`/kb synonyms`: the list of proposed synonyms, and what admins decide."""

from handlers.features import Feature
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.slack.mrkdwn import mrkdwn
from handlers.store.audit import AuditLog
from handlers.synonyms.adding import add_to_file
from handlers.synonyms.evidence import Supported, readable, supported
from handlers.synonyms.store.synonyms import Synonyms
from handlers.synonyms.views import synonyms as view
from handlers.synonyms.views.synonyms import Evidence, Page, Proposed
from indexes.messages import Translatable

EXPLANATION = 500
"""Characters of what failed after a pair was written."""


def listed(services: Services, request: Request, _: str) -> None:
    """`/kb synonyms`: list what is proposed, with the questions that speak for it."""
    request.tell_privately(_page(services, request, ""))


def shown(services: Services, request: Request) -> None:
    """Show the list from the message that told of new proposals."""
    request.tell_privately(_page(services, request, ""))


def added(services: Services, request: Request) -> None:
    """Add a pair to the file of synonyms, and search by it from now on."""
    found = supported(services, request.user, request.pressed)
    if found is None or not services.channels.offers(Feature.SYNONYMS):
        request.update_message(_page(services, request, request.texts("answer.gone")))
        return
    trouble = add_to_file(services, request, found.synonym)
    Synonyms(services.database).remove(found.synonym.id)
    done = view.added(found.synonym.said, found.synonym.known, request.texts)
    problem = mrkdwn(request.texts.say(trouble), EXPLANATION) if trouble else ""
    request.update_message(_page(services, request, "\n".join(filter(None, [done, problem]))))


def dismissed(services: Services, request: Request) -> None:
    """Propose a pair never again. The audit log doesn't quote it: the words may be of a private channel."""
    found = supported(services, request.user, request.pressed)
    if found:
        Synonyms(services.database).dismiss(found.synonym.id, request.user)
        AuditLog(services.database).record(request.user, request.channel, Translatable("audit.synonym_dismissed"))
    said = request.texts("synonyms.dismissed" if found else "answer.gone")
    request.update_message(_page(services, request, said))


def _page(services: Services, request: Request, done: str) -> Message:
    command = services.config.admin_command
    if not services.channels.offers(Feature.SYNONYMS):
        return notice(request.texts("synonyms.off", command=command))
    found = readable(services, request.user)
    source = services.registry.synonyms_file
    shown = [_proposed(services, each) for each in found.proposals[: view.SHOWN]]
    page = Page(shown, len(found.proposals), found.elsewhere, source.name if source else "", done)
    return view.page(page, command, request.texts)


def _proposed(services: Services, found: Supported) -> Proposed:
    quoted = []
    for vote in found.questions[: view.QUOTED]:
        record = services.registry.record(*vote.target)
        quoted.append(Evidence(vote.phrasing, record.title if record else "", vote.knowledge_base))
    synonym = found.synonym
    counts = len(found.questions), found.people, min(synonym.improved, len(found.questions))
    return Proposed(synonym.id, synonym.said, synonym.known, *counts, quoted)
