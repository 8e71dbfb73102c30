"""The form for asking: a menu whose options are fetched while somebody types, and the answer below it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from slack_sdk.models.blocks import (
    Block,
    DividerBlock,
    ExternalDataSelectElement,
    InputBlock,
    Option,
    PlainTextObject,
)
from slack_sdk.models.views import View

from handlers import texts as words
from handlers.slack.blocks import Message, menu_key
from handlers.slack.mrkdwn import ELLIPSIS, beginning, length
from handlers.texts import Texts
from indexes.records import Record

CALLBACK = "typeahead"
TYPED = "typeahead_typed"
"""The action id of the menu."""
LABEL, VALUE = 75, 150
"""Characters that Slack takes in an option's texts and in its value."""
MOST_BASES = 145
"""Keys of knowledge bases that fit into the 3,000 characters that a view remembers."""
FEWEST_TYPED = 1
"""Characters from which on Slack asks for options: one kanji is a word."""
SEARCH = "?"
"""What the value of the option begins with that searches; those of rows begin with a knowledge base's key."""
QUESTION = VALUE - len(SEARCH)
"""Characters of a question that are searched from here: an option carries no more."""


@dataclass(frozen=True)
class Form:
    """What an open form remembers: the keys of the knowledge bases that its person might see when they opened it.

    `asked` is how often it was emptied for another question; `is_answered` whether it shows an answer.
    """

    keys: tuple[str, ...]
    asked: int = 0
    is_answered: bool = False

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """Return the form for these knowledge bases; of very many the last ones are searched but not completed."""
        return cls(tuple(map(menu_key, names[:MOST_BASES])))

    @classmethod
    def read(cls, view: Mapping[str, Any]) -> Self:
        """Read a view's metadata."""
        keys, asked, is_answered = json.loads(view["private_metadata"])
        return cls(tuple(keys), asked, is_answered)

    def emptied(self) -> "Form":
        """Return the form for another question."""
        return Form(self.keys, self.asked + 1)

    def answered(self) -> "Form":
        """Return the form with an answer."""
        return Form(self.keys, self.asked, is_answered=True)


def _written(form: Form) -> str:
    return json.dumps([form.keys, form.asked, form.is_answered])


def ask(form: Form, texts: Texts, said: Message | None = None, external_id: str | None = None) -> View:
    """Build the form, with the answer to what was chosen."""
    answer: list[Block] = [DividerBlock(), *said.blocks] if said else []
    return View(
        type="modal",
        callback_id=CALLBACK,
        external_id=external_id,
        private_metadata=_written(form),
        title=PlainTextObject(text=texts("typeahead.title")),
        submit=PlainTextObject(text=texts("typeahead.again" if form.is_answered else "typeahead.ask")),
        close=PlainTextObject(text=texts("modal.close")),
        blocks=[_menu(form, texts), *answer],
    )


def _menu(form: Form, texts: Texts) -> InputBlock:
    """Return the menu. Its id changes with each question: Slack keeps what is chosen in a block of the same id."""
    menu = ExternalDataSelectElement(
        action_id=TYPED,
        placeholder=PlainTextObject(text=texts("typeahead.placeholder")),
        min_query_length=FEWEST_TYPED,
        focus_on_load=not form.is_answered or None,
    )
    return InputBlock(
        block_id=f"question:{form.asked}",
        label=PlainTextObject(text=texts("home.ask")),
        element=menu,
        dispatch_action=True,
        hint=PlainTextObject(text=texts("typeahead.hint")),
    )


def texts_of(view: Mapping[str, Any]) -> Texts:
    """Return texts in the language that the form was opened in, known without asking Slack."""
    return words.for_question(view["title"]["text"])


def row_option(name: str, row: int, record: Record) -> Option:
    """Return the option for a row: its question, and where it is from."""
    about = " · ".join(filter(None, [name, " ".join(record.category.split())]))
    return _option(" ".join(record.title.split()), row_value(name, row, record), about)


def row_value(name: str, row: int, record: Record) -> str:
    """Return what stands for a row: its id or, where that is too long, its place and a digest of its id."""
    value = f"{menu_key(name)}:{record.id}"
    return value if length(value) <= VALUE else f"{menu_key(name)}#{row}:{menu_key(record.id)}"


def search_option(typed: str, texts: Texts) -> Option:
    """Return the option that searches for what was typed."""
    question = " ".join(typed.split()).encode("utf-8", "replace").decode()
    searched = _first(question, QUESTION)
    room = LABEL - length(texts("typeahead.search", question=""))
    shown = question if length(question) <= room else f"{_first(question, room - length(ELLIPSIS))}{ELLIPSIS}"
    about = "" if searched == question else texts("typeahead.cut", limit=QUESTION)
    return _option(texts("typeahead.search", question=shown), f"{SEARCH}{searched}", about)


def _first(text: str, limit: int) -> str:
    """Return the first characters of a text, whole ones, in the units of `length`."""
    return text.encode("utf-16-le", "replace")[: 2 * limit].decode("utf-16-le", "ignore")


def _option(label: str, value: str, about: str) -> Option:
    shown = beginning(about, LABEL)
    return Option(
        value=value,
        text=PlainTextObject(text=beginning(label, LABEL), emoji=False),
        description=PlainTextObject(text=shown, emoji=False) if shown else None,
    )


def chosen(view: Mapping[str, Any]) -> str:
    """Return the value that is chosen in a form; blank for none."""
    values = view["state"]["values"][f"question:{Form.read(view).asked}"]
    return str((values[TYPED]["selected_option"] or {}).get("value", ""))
