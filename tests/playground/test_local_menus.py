"""Menus whose choices come from the app, and files in forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.playground import Interaction, LocalSlack, NotPossibleError, View
from tests.playground.helpers import JSON, Connect, Refusal, client_of

Opened = Callable[..., View]


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text}


def modal(*elements: JSON) -> JSON:
    blocks = [
        {"type": "input", "block_id": each["action_id"], "label": plain(each["action_id"]), "element": each}
        for each in elements
    ]
    return {"type": "modal", "callback_id": "form", "title": plain("Form"), "submit": plain("Save"), "blocks": blocks}


CITY = {"type": "external_select", "action_id": "city", "min_query_length": 1}
FILE = {"type": "file_input", "action_id": "file", "filetypes": ["csv"], "max_files": 2}


@pytest.fixture
def offered() -> JSON:
    """What the app offers; a test may change it before it asks."""
    return {"options": [{"text": plain("Osaka"), "value": "osaka"}, {"text": plain("Oslo"), "value": "oslo"}]}


@pytest.fixture
def opened(lively: LocalSlack, app: App, connect: Connect, offered: JSON) -> Opened:
    asked: list[JSON] = []

    @app.command("/kb")
    def form(ack: Any, body: JSON, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(CITY, FILE))

    @app.options("city")
    def cities(ack: Any, body: JSON) -> None:
        asked.append(body)
        ack(**offered)

    @app.view("form")
    def submitted(ack: Any) -> None:
        ack()

    def opening(who: str = "alice") -> View:
        lively.command(who, "general", "/kb")
        lively.wait_until(lambda: lively.views(who))
        return lively.views(who)[-1]

    connect(lively, app)
    return opening


def ask(slack: LocalSlack, view: View, text: str = "o") -> Interaction:
    return slack.suggest("alice", view, "city", text)


def test_the_app_is_asked_with_what_was_typed_and_its_choice_is_submitted(lively: LocalSlack, opened: Opened) -> None:
    view = opened()
    asked = ask(lively, view)
    assert [each["value"] for each in asked.options] == ["osaka", "oslo"]
    assert asked.payload["type"] == "block_suggestion"
    assert (asked.payload["action_id"], asked.payload["value"]) == ("city", "o")
    assert asked.payload["view"]["id"] == view.id
    assert "trigger_id" not in asked.payload
    file = lively.attach("alice", view, "file", "a.csv", b"q,a\n")
    submitted = lively.submit("alice", view, {"city": asked.options[1]})
    values = submitted.payload["view"]["state"]["values"]
    assert values["city"]["city"]["selected_option"]["value"] == "oslo"
    assert [each["id"] for each in values["file"]["file"]["files"]] == [file["id"]]
    assert client_of(lively).files_info(file=file["id"])["file"]["name"] == "a.csv"


def test_what_the_app_did_not_offer_can_not_be_chosen(lively: LocalSlack, opened: Opened) -> None:
    view = opened()
    oslo = {"text": plain("Oslo"), "value": "oslo"}
    with pytest.raises(NotPossibleError, match="city was not offered that choice"):
        lively.submit("alice", view, {"city": oslo})
    ask(lively, view)
    assert lively.press("alice", view, "city", oslo).error is None
    with pytest.raises(NotPossibleError, match="city was not offered that choice"):
        lively.press("alice", view, "city", {**oslo, "value": "forged"})


def test_nothing_is_asked_before_enough_is_typed(lively: LocalSlack, opened: Opened) -> None:
    with pytest.raises(NotPossibleError, match="city asks from 1 characters on"):
        ask(lively, opened(), "")


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"options": [{"text": plain("x" * 76), "value": "x"}]}, "must be less than 76 characters"),
        ({"options": [{"text": plain("x"), "value": "x" * 151}]}, "must be less than 151 characters"),
        ({"options": [{"text": plain("x"), "value": "x"}] * 101}, "no more than 100 items allowed"),
    ],
)
def test_choices_that_slack_would_not_show_are_refused(
    lively: LocalSlack, opened: Opened, offered: JSON, answer: JSON, complaint: str
) -> None:
    view = opened()
    offered.update(answer)
    asked = ask(lively, view)
    assert (asked.error, asked.options) == ("invalid_options", [])
    assert complaint in lively.warnings[-1]


def test_a_file_input_takes_its_kinds_and_its_number_only(lively: LocalSlack, opened: Opened, refused: Refusal) -> None:
    view = opened()
    with pytest.raises(NotPossibleError, match=r"file takes csv only, not a\.png"):
        lively.attach("alice", view, "file", "a.png", b"")
    with pytest.raises(NotPossibleError, match="that view is not Olivia Owner's"):
        lively.attach("olivia", view, "file", "a.csv", b"")
    for name in ("a.csv", "b.csv", "c.csv"):
        lively.attach("alice", view, "file", name, b"q,a\n")
    held = view.state["file"]["file"]["files"]
    assert [each["name"] for each in held] == ["b.csv", "c.csv"]
    other = lively.upload("alice", "random", "private.csv", b"q,a\n").files[0]
    assert refused(client_of(lively).files_info, file=other.id)["error"] == "file_not_found"


def test_only_menus_with_outside_choices_ask(lively: LocalSlack, opened: Opened) -> None:
    with pytest.raises(NotPossibleError, match="file has its own choices"):
        lively.suggest("alice", opened(), "file", "x")
