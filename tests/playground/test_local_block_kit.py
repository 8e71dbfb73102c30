from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from bot.playground.slack.block_kit.validation import check_message_blocks, check_view
from bot.playground.slack.errors import RefusedError

JSON = dict[str, Any]


def plain(text: str = "x") -> JSON:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> JSON:
    return {"type": "mrkdwn", "text": text}


def section(**more: Any) -> JSON:
    return {"type": "section", "text": mrkdwn(), **more}


def button(**more: Any) -> JSON:
    return {"type": "button", "text": plain(), "action_id": "a", **more}


def actions(*elements: JSON) -> JSON:
    return {"type": "actions", "elements": list(elements)}


def option(value: str = "v", text: str = "x", **more: Any) -> JSON:
    return {"text": plain(text), "value": value, **more}


def menu(kind: str = "static_select", **more: Any) -> JSON:
    return {"type": kind, "action_id": "m", **more}


def form(element: JSON, **more: Any) -> JSON:
    return {"type": "input", "label": plain("Label"), "element": element, **more}


def typing(**more: Any) -> JSON:
    return {"type": "plain_text_input", "action_id": "t", **more}


def feedback(**more: Any) -> JSON:
    thumb = {"text": plain("👍"), "value": "1"}
    return {"type": "feedback_buttons", "positive_button": thumb, "negative_button": thumb, "action_id": "f", **more}


def rich(*elements: JSON) -> JSON:
    return {"type": "rich_text", "elements": list(elements)}


def words(*elements: JSON) -> JSON:
    return {"type": "rich_text_section", "elements": list(elements)}


def image(**more: Any) -> JSON:
    return {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a", **more}


LEGAL: list[JSON] = [
    section(),
    section(text=mrkdwn("x" * 3000)),
    {"type": "section", "fields": [mrkdwn("x" * 2000), *[mrkdwn()] * 9]},
    section(accessory=button(value="v" * 2000, style="primary"), expand=True, block_id="b" * 255),
    section(accessory=image()),
    section(accessory=menu("multi_static_select", options=[option()])),
    {"type": "context", "elements": [mrkdwn()] * 9 + [image()]},
    actions(*(button(action_id=str(number)) for number in range(25))),
    actions({"type": "overflow", "action_id": "o", "options": [option(url="https://example.com/")] * 5}),
    actions(menu(options=[option(str(number)) for number in range(100)], initial_option=option("7"))),
    actions(menu(option_groups=[{"label": plain(), "options": [option()]}])),
    actions(menu("users_select"), menu("channels_select", action_id="c"), menu("conversations_select", action_id="d")),
    actions(menu("datepicker", initial_date="2026-01-31")),
    actions({"type": "checkboxes", "action_id": "c", "options": [{"text": mrkdwn(), "value": "v"}] * 10}),
    {"type": "divider"},
    {"type": "header", "text": {**plain("x" * 150), "emoji": True}},
    image(title=plain("t")),
    form(
        typing(min_length=0, max_length=3000, multiline=True, placeholder=plain("x" * 150)), hint=plain(), optional=True
    ),
    form({"type": "radio_buttons", "action_id": "r", "options": [option()], "initial_option": option()}),
    rich(words({"type": "text", "text": "x", "style": {"bold": True}}, {"type": "link", "url": "https://x/"})),
    rich(
        {"type": "rich_text_list", "style": "ordered", "indent": 1, "elements": [words({"type": "text", "text": "x"})]}
    ),
    rich({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x"}], "border": 0}),
    {"type": "markdown", "text": "# x"},
    {"type": "context_actions", "elements": [feedback(), {"type": "icon_button", "icon": "trash", "text": plain()}]},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, rich(words())]]},
]


@pytest.mark.parametrize("block", LEGAL)
def test_legal_blocks_pass(block: JSON) -> None:
    assert check_message_blocks([block]) == [block]


ILLEGAL: list[tuple[JSON, str]] = [
    (section(text=mrkdwn("x" * 3001)), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    (section(text=mrkdwn("")), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    (section(text=mrkdwn(3)), "must provide a string [json-pointer:/blocks/0/text/text]"),  # type: ignore[arg-type]
    (section(text="x"), "must provide an object [json-pointer:/blocks/0/text]"),
    (section(text={"type": "markdown", "text": "x"}), "unsupported type: markdown [json-pointer:/blocks/0/text/type]"),
    (section(text={**mrkdwn(), "emoji": True}), "invalid additional property: emoji [json-pointer:/blocks/0/text]"),
    (
        section(text={**plain(), "verbatim": True}),
        "invalid additional property: verbatim [json-pointer:/blocks/0/text]",
    ),
    ({"type": "section"}, "missing required field: text or fields [json-pointer:/blocks/0]"),
    ({"type": "section", "fields": [mrkdwn()] * 11}, "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
    ({"type": "section", "fields": []}, "no fewer than 1 items allowed [json-pointer:/blocks/0/fields]"),
    (
        {"type": "section", "fields": [mrkdwn("x" * 2001)]},
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    (section(colour="red"), "invalid additional property: colour [json-pointer:/blocks/0]"),
    (section(block_id="b" * 256), "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    (section(accessory=feedback()), "unsupported type: feedback_buttons [json-pointer:/blocks/0/accessory/type]"),
    (section(accessory=typing()), "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory/type]"),
    ({"type": "sektion"}, "unsupported type: sektion [json-pointer:/blocks/0/type]"),
    ({"text": mrkdwn()}, "missing required field: type [json-pointer:/blocks/0]"),
    ({"type": "context", "elements": []}, "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    (
        {"type": "context", "elements": [mrkdwn()] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        {"type": "context", "elements": [button()]},
        "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
    ),
    (actions(), "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    (
        actions(*(button(action_id=str(number)) for number in range(26))),
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (actions(button(), button()), "`action_id` a already exists in this block [json-pointer:/blocks/0]"),
    (
        actions(button(action_id="a" * 256)),
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    (
        actions(button(text=plain("x" * 76))),
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (actions(button(text=mrkdwn())), "unsupported type: mrkdwn [json-pointer:/blocks/0/elements/0/text/type]"),
    (
        actions(button(value="v" * 2001)),
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (actions(button(value="")), "must be more than 0 characters [json-pointer:/blocks/0/elements/0/value]"),
    (actions(button(style="default")), "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"),
    (
        actions(button(url="javascript:alert(1)")),
        "must match the required format [json-pointer:/blocks/0/elements/0/url]",
    ),
    (
        actions(button(confirm={"title": plain(), "text": plain(), "confirm": plain("x" * 31), "deny": plain()})),
        "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/confirm/text]",
    ),
    (
        actions(menu(options=[option(str(number)) for number in range(101)])),
        "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (actions(menu()), "missing required field: options or option_groups [json-pointer:/blocks/0/elements/0]"),
    (
        actions(menu(options=[option("v" * 151)])),
        "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]",
    ),
    (
        actions(menu(options=[option()], initial_option=option("other"))),
        "initial option(s) must exactly match provided options [json-pointer:/blocks/0/elements/0]",
    ),
    (
        actions({"type": "overflow", "action_id": "o", "options": [option()] * 6}),
        "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        actions({"type": "checkboxes", "action_id": "c", "options": [option()] * 11}),
        "no more than 10 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        actions({"type": "radio_buttons", "action_id": "c", "options": []}),
        "no fewer than 1 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        actions(menu("multi_users_select")),
        "unsupported type: multi_users_select [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        actions(menu("datepicker", initial_date="2026/01/31")),
        "must match the required format [json-pointer:/blocks/0/elements/0/initial_date]",
    ),
    ({"type": "divider", "text": plain()}, "invalid additional property: text [json-pointer:/blocks/0]"),
    (
        {"type": "header", "text": plain("x" * 151)},
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    ({"type": "header", "text": mrkdwn()}, "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
    ({"type": "image", "image_url": "https://x/"}, "missing required field: alt_text [json-pointer:/blocks/0]"),
    ({"type": "image", "alt_text": "x"}, "missing required field: image_url or slack_file [json-pointer:/blocks/0]"),
    (form(button()), "unsupported type: button [json-pointer:/blocks/0/element/type]"),
    (
        {"type": "input", "element": typing()},
        "missing required field: label [json-pointer:/blocks/0]",
    ),
    (form(typing(max_length=3001)), "must be between 1 and 3000 [json-pointer:/blocks/0/element/max_length]"),
    (
        form(typing(min_length=5, max_length=4)),
        "min_length must not be more than max_length [json-pointer:/blocks/0/element]",
    ),
    (
        form(typing(placeholder=plain("x" * 151))),
        "must be less than 151 characters [json-pointer:/blocks/0/element/placeholder/text]",
    ),
    (
        rich(words({"type": "text", "text": "x", "style": {"fat": True}})),
        "invalid additional property: fat [json-pointer:/blocks/0/elements/0/elements/0/style]",
    ),
    (
        rich({"type": "rich_text_list", "style": "dashes", "elements": [words()]}),
        "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]",
    ),
    (rich({"type": "text", "text": "x"}), "unsupported type: text [json-pointer:/blocks/0/elements/0/type]"),
    ({"type": "markdown", "text": "x" * 12001}, "must be less than 12001 characters [json-pointer:/blocks/0/text]"),
    (
        {"type": "context_actions", "elements": [button()]},
        "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        {"type": "context_actions", "elements": [feedback(positive_button={"text": plain()})]},
        "missing required field: value [json-pointer:/blocks/0/elements/0/positive_button]",
    ),
    (
        {"type": "context_actions", "elements": [feedback(action_id=str(number)) for number in range(6)]},
        "no more than 5 items allowed [json-pointer:/blocks/0/elements]",
    ),
]


@pytest.mark.parametrize(("block", "complaint"), ILLEGAL)
def test_illegal_blocks_are_refused_with_the_place(block: JSON, complaint: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check_message_blocks([block])
    assert refusal.value.error == "invalid_blocks"
    assert refusal.value.details == (complaint,)


def test_messages_have_at_most_50_blocks() -> None:
    check_message_blocks([section()] * 50)
    with pytest.raises(RefusedError, match=r"no more than 50 items allowed \[json-pointer:/blocks\]"):
        check_message_blocks([section()] * 51)


def test_block_ids_are_unique_in_a_message() -> None:
    with pytest.raises(RefusedError, match=r"`block_id` b already exists .*/blocks/1/block_id"):
        check_message_blocks([section(block_id="b"), section(block_id="b")])


def test_the_same_action_id_may_stand_in_two_blocks() -> None:
    check_message_blocks([actions(button()), actions(button())])


def test_all_blocks_together_have_a_limit() -> None:
    check_message_blocks([section(text=mrkdwn("x" * 3000))] * 4)
    with pytest.raises(RefusedError) as refusal:
        check_message_blocks([*[section(text=mrkdwn("x" * 3000))] * 4, section()])
    assert refusal.value.error == "msg_blocks_too_long"


@pytest.mark.parametrize("blocks", [{}, "x", 3, section()])
def test_blocks_must_be_a_list(blocks: Any) -> None:
    with pytest.raises(RefusedError) as refusal:
        check_message_blocks(blocks)
    assert refusal.value.error == "invalid_blocks_format"


def modal(**more: Any) -> JSON:
    return {"type": "modal", "title": plain("Title"), "blocks": [section()], **more}


@pytest.mark.parametrize(
    "view",
    [
        modal(),
        modal(title=plain("x" * 24), submit=plain("Save"), close=plain("Cancel"), private_metadata="x" * 3000),
        modal(blocks=[section()] * 100, callback_id="c" * 255, clear_on_close=True, notify_on_close=True),
        modal(blocks=[form(typing())], submit=plain("Save")),
        {"type": "home", "blocks": []},
        {"type": "home", "blocks": [section()] * 100, "private_metadata": "{}", "callback_id": "home"},
    ],
)
def test_legal_views_pass(view: JSON) -> None:
    assert check_view(view) == view


@pytest.mark.parametrize(
    ("view", "complaint"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
        (modal(title=mrkdwn()), "unsupported type: mrkdwn [json-pointer:/view/title/type]"),
        (modal(blocks=[section()] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(callback_id="x" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (modal(blocks=[form(typing())]), "missing required field: submit [json-pointer:/view]"),
        (modal(color="red"), "invalid additional property: color [json-pointer:/view]"),
        (
            modal(blocks=[{"type": "markdown", "text": "x"}]),
            "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
        ),
        (
            modal(blocks=[section(block_id="b"), section(block_id="b")]),
            "`block_id` b already exists [json-pointer:/view/blocks/1/block_id]",
        ),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        ({"type": "home"}, "missing required field: blocks [json-pointer:/view]"),
        ({"type": "home", "blocks": [], "title": plain()}, "invalid additional property: title [json-pointer:/view]"),
        ({"type": "dialog"}, "unsupported type: dialog [json-pointer:/view/type]"),
    ],
)
def test_illegal_views_are_refused_with_the_place(view: JSON, complaint: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check_view(view)
    assert refusal.value.error == "invalid_arguments"
    assert refusal.value.details == (complaint,)


def test_views_must_be_objects() -> None:
    with pytest.raises(RefusedError, match="must provide an object"):
        check_view([])


def test_views_have_a_size_limit() -> None:
    blocks = [section(text=mrkdwn("あ" * 2900))] * 29
    with pytest.raises(RefusedError) as refusal:
        check_view(modal(blocks=blocks))
    assert refusal.value.error == "view_too_large"


@pytest.mark.parametrize("block", [block for block in LEGAL if block["type"] not in ("table", "context_actions")])
def test_the_sdks_models_agree_that_these_are_legal(block: JSON) -> None:
    parsed = Block.parse(block)
    assert parsed is not None
    parsed.validate_json()
