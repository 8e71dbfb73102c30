"""What happens in a form for an entry while somebody types."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError

from handlers.entries.editing import build_form, where_opened
from handlers.entries.views import editing as views
from handlers.entries.views.editing import Draft
from handlers.entries.writing import may_write
from handlers.request import Request
from handlers.services import Services
from indexes.records.stored import categories

Value = TypeVar("Value")

FORMS = 1000
"""Open forms that are updated while people type."""


class Typing:
    """Updates open forms while people type: warns of similar entries, and follows the chosen knowledge base.

    Slack sends an event at every pause in typing, sometimes late: only the newest counts. A form that was sent or
    changed meanwhile, which its hash shows, is left alone.
    """

    def __init__(self) -> None:
        self._newest: OrderedDict[str, str] = OrderedDict()
        self._hashes: OrderedDict[str, tuple[str, list[str]]] = OrderedDict()
        self._lock = Lock()

    def typed(self, services: Services, request: Request) -> None:
        """Search for the text typed so far, and show the closest entries in the form."""
        view = request.body["view"]
        at = str(request.body["actions"][0].get("action_ts", ""))
        with self._lock:
            _keep(self._newest, view["id"], max(at, self._newest.get(view["id"], "")))
        with services.locks("form", view["id"]):
            if self._newest.get(view["id"]) == at:
                self._update(services, request, view)

    def _update(self, services: Services, request: Request, view: Mapping[str, Any]) -> None:
        draft = _settled(services, views.read(view), request)
        if draft is None:
            return
        form = build_form(services, where_opened(request, draft), draft)
        with self._lock:
            newest = self._hashes.get(view["id"], (view["hash"], views.shape(view)))
        if newest[1] == views.shape(form.to_dict()):
            return
        try:
            shown = services.client.views_update(view_id=view["id"], hash=newest[0], view=form)
        except SlackApiError as error:
            if error.response.get("error") not in {"hash_conflict", "not_found"}:
                raise
            return
        with self._lock:
            _keep(self._hashes, view["id"], (str(shown["view"]["hash"]), views.shape(shown["view"])))


def _keep(kept: OrderedDict[str, Value], form: str, value: Value) -> None:
    """Store a value for a form, and drop that of the form that was touched longest ago."""
    kept[form] = value
    kept.move_to_end(form)
    if len(kept) > FORMS:
        kept.popitem(last=False)


def _settled(services: Services, draft: Draft, request: Request) -> Draft | None:
    """Return the draft that the form shows; None if its knowledge base can't be written any more.

    A category that the knowledge base doesn't have is dropped, unless it was typed as a new one.
    """
    if not may_write(services, where_opened(request, draft), draft):
        return None
    known = categories(services.registry.loaded[draft.knowledge_base].index.records)
    category = draft.texts.get("category", "")
    if draft.invents_category or category in known or not category:
        return draft
    return replace(draft, texts={**draft.texts, "category": ""})
