"""The form that asks why an answer didn't help."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from slack_sdk.models.blocks import (
    CheckboxesElement,
    InputBlock,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
)
from slack_sdk.models.views import View

from handlers.learning.views.misses import REASONS
from handlers.result import ButtonValue
from handlers.texts import Texts

COMMENT = 500


@dataclass(frozen=True)
class RatedReply:
    """The reply that the form is about, as stored in the form: the button's value, its thread, and its response_url."""

    key: ButtonValue
    thread: str | None
    url: str

    def __str__(self) -> str:
        return json.dumps([str(self.key), self.thread, self.url])

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the text made by `str`."""
        key, thread, url = json.loads(text)
        return cls(ButtonValue.read(key)[0], thread, url)


def form(reply: RatedReply, texts: Texts, *, ask: bool) -> View:
    """Ask why and, with `ask`, whether a person is to be asked too."""
    options = [Option(text=PlainTextObject(text=texts(f"reason.{each}")), value=each) for each in REASONS]
    blocks = [
        InputBlock(
            block_id="reason",
            label=PlainTextObject(text=texts("reason.label")),
            element=RadioButtonsElement(action_id="reason", options=options),
        ),
        InputBlock(
            block_id="comment",
            label=PlainTextObject(text=texts("reason.comment")),
            element=PlainTextInputElement(action_id="comment", multiline=True, max_length=COMMENT),
            optional=True,
        ),
    ]
    if ask:
        chosen = Option(text=PlainTextObject(text=texts("reason.ask_too")), value="ask")
        blocks.append(
            InputBlock(
                block_id="ask",
                label=PlainTextObject(text=texts("reason.ask")),
                element=CheckboxesElement(action_id="ask", options=[chosen]),
                optional=True,
            )
        )
    return View(
        type="modal",
        callback_id="vote_reason",
        private_metadata=str(reply),
        title=texts("reason.title"),
        submit=texts("reason.submit"),
        close=texts("reason.close"),
        blocks=blocks,
    )


def chosen(view: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Return the reason, the comment, and whether a person is to be asked."""
    values = view["state"]["values"]
    reason = values["reason"]["reason"]["selected_option"]["value"]
    comment = values["comment"]["comment"].get("value") or ""
    return reason, comment, bool(values.get("ask", {}).get("ask", {}).get("selected_options"))
