"""The form for asking: opening it, and answering what is chosen in it."""

import logging
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from handlers.answers.lookup import find_answers, store_answer
from handlers.answers.replies import first_reply
from handlers.answers.search import STARTING_SECONDS, why_nothing
from handlers.audience import knowledge_bases_for
from handlers.entries.editing import show_after_ack
from handlers.features import Feature
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import Message, menu_key, notice
from handlers.slack.mrkdwn import has_words
from handlers.store.questions import Origin
from handlers.typeahead.views import form
from handlers.typeahead.views.form import Form
from indexes.registry import Answer

log = logging.getLogger(__name__)


def opened(services: Services, request: Request) -> None:
    """Open the form. Who may see what is asked of Slack now, and not while they type."""
    if not services.channels.offers(Feature.TYPEAHEAD):
        said = request.texts("typeahead.off", command=services.config.search_command)
        request.tell_privately(notice(said))
    elif names := knowledge_bases_for(services, request):
        request.open(form.ask(Form.of(names), request.texts))
    else:
        request.tell_privately(notice(request.texts(why_nothing(services, request))))


def chosen(services: Services, request: Request) -> None:
    """Answer what was chosen."""
    if value := form.chosen(request.body["view"]):
        put(services, request, _answer(services, request, value))


def check(_: Services, request: Request) -> Mapping[str, Any]:
    """Return the form emptied for another question; as it is where there is no answer yet."""
    view = request.body["view"]
    sent = Form.read(view)
    texts = form.texts_of(view)
    shown = form.ask(sent.emptied(), texts) if sent.is_answered else form.ask(sent, texts, external_id=_id(view))
    return {"response_action": "update", "view": shown.to_dict()}


def sent(services: Services, request: Request) -> None:
    """Answer what was chosen, for those who press the button before the answer is there."""
    view = request.body["view"]
    if not Form.read(view).is_answered and (value := form.chosen(view)):
        shown = _with_answer(view, _answer(services, request, value))
        if not show_after_ack(services, _id(view), shown):
            log.info("A form was closed before its answer came")


def put(services: Services, request: Request, answered: Message) -> None:
    """Show an answer in the form instead of the one before; somebody may have closed it meanwhile."""
    view = request.body["view"]
    try:
        services.client.views_update(view_id=view["id"], view=_with_answer(view, answered))
    except SlackApiError as error:
        if error.response.get("error") != "not_found":
            raise
        log.info("A form was closed before its answer came")


def _with_answer(view: Mapping[str, Any], answered: Message) -> View:
    return form.ask(Form.read(view).answered(), form.texts_of(view), answered)


def _id(view: Mapping[str, Any]) -> str:
    """Return what the view in the ack of this one is found by."""
    return f"asked-{view['id']}-{view['hash']}"


def _answer(services: Services, request: Request, value: str) -> Message:
    """Return the answer to an option, from what this person may see now."""
    names = knowledge_bases_for(services, request)
    if not names:
        return notice(request.texts(why_nothing(services, request)))
    if not services.registry.wait_ready(STARTING_SECONDS):
        return notice(request.texts("search.starting"))
    if not value.startswith(form.SEARCH):
        row = _row(services, names, value)
        result = store_answer(services, row, request, Origin.FORM) if row else None
    elif has_words(question := value.removeprefix(form.SEARCH)):
        result = find_answers(services, question, names, request, Origin.FORM)
    else:
        return notice(request.texts("search.empty"))
    return first_reply(services, request, result, Origin.FORM) if result else notice(request.texts("answer.gone"))


def _row(services: Services, names: tuple[str, ...], value: str) -> Answer | None:
    """Return the row of an option as the answer to its own question; None if it is gone."""
    registry = services.registry
    key, _, record_id = value.partition(":")
    key, _, row = key.partition("#")
    name = next((name for name in names if menu_key(name) == key), "")
    if not row:
        return registry.answer_of(name, record_id)
    records = registry.loaded[name].index.records if name in registry.loaded else ()
    there = records[int(row)] if row.isdecimal() and int(row) < len(records) else None
    return registry.answer_of(name, there.id) if there and menu_key(there.id) == record_id else None
