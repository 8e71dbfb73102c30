"""The options of the form for asking, while somebody types.

They are the ack itself, which Slack awaits for 3 s, and take milliseconds: so they don't wait in the queue behind
answers. Instead there is a bound to how many are looked for at a time, and for each person; whoever is above it is
offered a search only, at once.
"""

import logging
from collections.abc import Mapping, Sequence
from threading import BoundedSemaphore
from typing import Any

from slack_bolt import Ack
from slack_sdk.models.blocks import Option

from handlers.features import Feature
from handlers.services import Services
from handlers.slack.blocks import menu_key
from handlers.slack.mrkdwn import has_words
from handlers.store.errors import StoreError
from handlers.token_buckets import Limit, Taken, TokenBuckets
from handlers.typeahead.views import form
from handlers.typeahead.views.form import Form
from indexes.completion.completion import complete

log = logging.getLogger(__name__)

OFFERED = 5
"""Rows offered: as many as are seen at once, with the search below them."""
AT_ONCE = 4
"""Texts completed at a time: each takes the processor, which answers need too."""
WAIT_SECONDS = 0.5
"""How long one waits for its turn; Slack waits for 3 s, but whoever types has typed on by then."""
TYPING = Limit(burst=40, per_second=8.0)
"""How many texts of one person are completed: faster than anybody types."""


class Suggestions:
    """A listener: acks with the rows whose questions somebody may be typing, and with a search for it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._buckets = TokenBuckets(TYPING)
        self._turns = BoundedSemaphore(AT_ONCE)

    def __call__(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Take what is typed from Bolt."""
        typed = str(body.get("value") or "")
        is_on = has_words(typed) and self._services.channels.offers(Feature.TYPEAHEAD)
        options = [*self._rows(body, typed), form.search_option(typed, form.texts_of(body["view"]))] if is_on else []
        ack(options=[option.to_dict() for option in options])

    def _rows(self, body: Mapping[str, Any], typed: str) -> Sequence[Option]:
        """Return the options for rows; none while too much is typed."""
        if self._buckets.take(body["user"]["id"]) is not Taken.YES or not self._turns.acquire(timeout=WAIT_SECONDS):
            return []
        try:
            return self._completed(Form.read(body["view"]).keys, typed)
        except StoreError as error:
            log.warning("Nothing is completed: %s", error)
            return []
        finally:
            self._turns.release()

    def _completed(self, keys: Sequence[str], typed: str) -> Sequence[Option]:
        loaded = self._services.registry.loaded
        by_key = {menu_key(name): name for name in loaded}
        names = [by_key[key] for key in keys if key in by_key]
        return [
            form.row_option(each.knowledge_base, each.row, each.record)
            for each in complete(loaded, names, typed, OFFERED)
        ]
