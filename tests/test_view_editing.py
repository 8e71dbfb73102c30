"""The form for an entry: within Slack's limits whatever the file holds, and read back as it was filled."""

from pathlib import Path
from typing import Any

import pytest

from handlers.entries.views.editing import Draft, block_id, form, read
from handlers.slack.mrkdwn import length
from indexes.records import KnowledgeBase, parse_records


def base(rows: str, header: str = "question,answer,category,aliases,url") -> KnowledgeBase:
    return parse_records(f"{header}\n{rows}\n".encode(), Path("kb.csv"))


def shown(draft: Draft, knowledge_base: KnowledgeBase, **more: Any) -> dict[str, Any]:
    """The form as Slack would send it back, untouched."""
    view = form(draft, knowledge_base, **more).to_dict()
    values: dict[str, dict[str, Any]] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            option = {"selected_option": element.get("initial_option")}
            typed = {"value": element.get("initial_value")}
            values[block["block_id"]] = {element["action_id"]: option if element["type"] == "static_select" else typed}
    return {**view, "state": {"values": values}}


FILLED = {"question": "q?", "answer": "a\nb", "category": "x", "aliases": "one\ntwo", "url": "https://a.example"}


@pytest.mark.parametrize("category", ["x", "new here", "", "長" * 200])
def test_what_is_filled_in_is_read_back(category: str) -> None:
    draft = Draft("kb", {**FILLED, "category": category}, "7", {"question": "d"}, 3, 5, "C1", "ja")
    again = read(shown(draft, base("q,a,x,,")))
    assert again.texts == draft.texts
    assert (again.record, again.seen, again.question_id, again.proposal) == ("7", {"question": "d"}, 3, 5)
    assert (again.channel, again.words("modal.save")) == ("C1", "保存")


def test_the_chosen_knowledge_base_is_read_back_however_many_there_are() -> None:
    names = [f"{'長い名前' * 10}-{number}" for number in range(200)]
    view = shown(Draft(names[3], FILLED), base("q,a,x,,"), names=names)
    assert length(view["private_metadata"]) <= 3000
    menu = next(block["element"] for block in view["blocks"] if block["block_id"] == "knowledge_base")
    for place, option in enumerate(menu["options"]):
        view["state"]["values"]["knowledge_base"] = {menu["action_id"]: {"selected_option": option}}
        assert read(view).knowledge_base == names[place]


def test_many_long_categories_fit_the_menu() -> None:
    rows = "\n".join(f"q{number},a,{'長' * (number % 160)}{number},," for number in range(300))
    view = shown(Draft("kb", {}), base(rows))
    menu = next(
        block["element"] for block in view["blocks"] if block["type"] == "input" and "options" in block["element"]
    )
    assert len(menu["options"]) == 100
    assert all(length(option["text"]["text"]) <= 75 and length(option["value"]) <= 150 for option in menu["options"])


def test_an_error_is_shown_at_its_field_or_at_the_first_one() -> None:
    view = shown(Draft("kb", {}), base("q,a,,,"))
    assert block_id(view, "url") == "url"
    assert block_id(view, "category") == "new_category"
    assert block_id(shown(Draft("kb", {}), base("only text", "text")), "question") == "answer"


def test_a_title_of_the_form_is_as_short_as_slack_wants_it() -> None:
    for language in ("ja", "en"):
        for more in ({"record": "7"}, {}):
            draft = Draft("kb", {}, language=language, **more)  # type: ignore[arg-type]
            for proposing in (True, False):
                view = form(draft, base("q,a,,,"), proposing=proposing).to_dict()
                assert all(length(view[part]["text"]) <= 24 for part in ("title", "submit", "close"))
