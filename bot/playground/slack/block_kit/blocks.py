"""Block Kit as Slack documents it (https://docs.slack.dev/reference/block-kit): fields, types and limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.playground.slack.block_kit.schema import (
    Check,
    anything,
    by_type,
    choice,
    complaint,
    flag,
    items,
    number,
    shape,
    string,
)

ID = string(255)
URL = string(3000, pattern=r"(?:https?|mailto|slack|tel):.+")
DATE = string(10, pattern=r"\d{4}-\d{2}-\d{2}")
TIME = string(5, pattern=r"\d{2}:\d{2}")
FOCUS = {"focus_on_load": flag}


def plain(most: int) -> Check:
    """Check a plain_text object of at most `most` characters."""
    return by_type({"plain_text": shape({"text": string(most)}, {"emoji": flag})})


def text(most: int) -> Check:
    """Check a plain_text or mrkdwn object of at most `most` characters."""
    return by_type(
        {
            "plain_text": shape({"text": string(most)}, {"emoji": flag}),
            "mrkdwn": shape({"text": string(most)}, {"verbatim": flag}),
        },
    )


CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": choice("primary", "danger")},
)


def one_of_fields(*names: str) -> Any:
    """For `shape(also=…)`: require exactly one of these fields."""

    def check(value: dict[str, Any], where: str) -> Iterator[str]:
        present = [name for name in names if name in value]
        if not present:
            yield complaint(f"missing required field: {' or '.join(names)}", where)
        elif len(present) > 1:
            yield complaint(f"only one of these may be given: {', '.join(present)}", where)

    return check


# -- Options and the elements made of them -----------------------------------------------------------------


def option(label: Check, extra: dict[str, Check] | None = None) -> Check:
    """Check an option object."""
    return shape({"text": label, "value": string(150)}, {"description": text(75), **(extra or {})})


OPTION = option(plain(75))
RICH_OPTION = option(text(75))
GROUP = shape({"label": plain(75), "options": items(OPTION, 100)})


def _options_of(value: dict[str, Any]) -> list[Any]:
    groups = value.get("option_groups")
    if isinstance(groups, list):
        return [each for group in groups if isinstance(group, dict) for each in group.get("options") or []]
    options = value.get("options")
    return options if isinstance(options, list) else []


_options_or_groups = one_of_fields("options", "option_groups")
SUGGESTIONS = shape({}, {"options": items(OPTION, 100, 0), "option_groups": items(GROUP, 100, 0)}, _options_or_groups)
"""The app's response to block_suggestion."""


def _initials_are_options(value: dict[str, Any], where: str) -> Iterator[str]:
    initial = value.get("initial_options", [value["initial_option"]] if "initial_option" in value else [])
    if isinstance(initial, list) and any(each not in _options_of(value) for each in initial):
        yield complaint("initial option(s) must exactly match provided options", where)


def _select(value: dict[str, Any], where: str) -> Iterator[str]:
    yield from _options_or_groups(value, where)
    yield from _initials_are_options(value, where)


ACTION: dict[str, Check] = {"action_id": ID, "confirm": CONFIRM}
MENU: dict[str, Check] = {**ACTION, **FOCUS, "placeholder": plain(150)}
STATIC: dict[str, Check] = {"options": items(OPTION, 100), "option_groups": items(GROUP, 100)}
MULTI: dict[str, Check] = {**MENU, "max_selected_items": number(1, 1000)}
FILTER = shape(
    {},
    {
        "include": items(choice("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
)
CONVERSATIONS: dict[str, Check] = {"default_to_current_conversation": flag, "filter": FILTER}
ANSWER: dict[str, Check] = {"response_url_enabled": flag}
IDS = items(ID, 1000)

SELECTS: dict[str, Check] = {
    "static_select": shape({}, {**MENU, **STATIC, "initial_option": anything}, _select),
    "users_select": shape({}, {**MENU, "initial_user": ID}),
    "channels_select": shape({}, {**MENU, **ANSWER, "initial_channel": ID}),
    "conversations_select": shape({}, {**MENU, **ANSWER, **CONVERSATIONS, "initial_conversation": ID}),
    "external_select": shape({}, {**MENU, "initial_option": OPTION, "min_query_length": number(0, 100)}),
}
MULTI_SELECTS: dict[str, Check] = {
    "multi_static_select": shape({}, {**MULTI, **STATIC, "initial_options": anything}, _select),
    "multi_external_select": shape(
        {}, {**MULTI, "initial_options": items(OPTION, 100), "min_query_length": number(0, 100)}
    ),
    "multi_users_select": shape({}, {**MULTI, "initial_users": IDS}),
    "multi_channels_select": shape({}, {**MULTI, "initial_channels": IDS}),
    "multi_conversations_select": shape({}, {**MULTI, **CONVERSATIONS, "initial_conversations": IDS}),
}
PICKERS: dict[str, Check] = {
    "datepicker": shape({}, {**MENU, "initial_date": DATE}),
    "timepicker": shape({}, {**MENU, "initial_time": TIME, "timezone": string(100)}),
    "datetimepicker": shape({}, {**ACTION, **FOCUS, "initial_date_time": number(1e9, 9999999999)}),
}
TICKS: dict[str, Check] = {
    "checkboxes": shape(
        {"options": items(RICH_OPTION, 10)},
        {**ACTION, **FOCUS, "initial_options": anything},
        _initials_are_options,
    ),
    "radio_buttons": shape(
        {"options": items(RICH_OPTION, 10)},
        {**ACTION, **FOCUS, "initial_option": anything},
        _initials_are_options,
    ),
}

# -- Buttons and typed input -------------------------------------------------------------------------------

STYLE = {"style": choice("primary", "danger"), "accessibility_label": string(75)}
BUTTONS: dict[str, Check] = {
    "button": shape({"text": plain(75)}, {**ACTION, **STYLE, "url": URL, "value": string(2000)}),
    "overflow": shape({"options": items(option(plain(75), {"url": URL}), 5)}, ACTION),
}
FEEDBACK = shape({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})
CONTEXT_BUTTONS: dict[str, Check] = {
    "feedback_buttons": shape(
        {"positive_button": FEEDBACK, "negative_button": FEEDBACK},
        {"action_id": ID},
    ),
    "icon_button": shape(
        {"icon": choice("trash"), "text": plain(75)},
        {**ACTION, "value": string(2000), "accessibility_label": string(75), "visible_to_user_ids": IDS},
    ),
}
DISPATCH = shape({}, {"trigger_actions_on": items(choice("on_enter_pressed", "on_character_entered"), 2)})
TYPING: dict[str, Check] = {
    "action_id": ID,
    "placeholder": plain(150),
    "dispatch_action_config": DISPATCH,
    **FOCUS,
}


def _lengths(value: dict[str, Any], where: str) -> Iterator[str]:
    least, most = value.get("min_length"), value.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield complaint("min_length must not be more than max_length", where)


TYPED: dict[str, Check] = {
    "plain_text_input": shape(
        {},
        {
            **TYPING,
            "initial_value": string(3000, 0),
            "multiline": flag,
            "min_length": number(0, 3000),
            "max_length": number(1, 3000),
        },
        _lengths,
    ),
    "email_text_input": shape({}, {**TYPING, "initial_value": string(3000, 0)}),
    "url_text_input": shape({}, {**TYPING, "initial_value": string(3000, 0)}),
    "number_input": shape(
        {"is_decimal_allowed": flag},
        {**TYPING, "initial_value": string(100), "min_value": string(100), "max_value": string(100)},
    ),
    "file_input": shape(
        {},
        {"action_id": ID, "filetypes": items(string(20), 50), "max_files": number(1, 10)},
    ),
}
SLACK_FILE = shape({}, {"id": ID, "url": URL}, one_of_fields("id", "url"))
PICTURE: dict[str, Check] = {"image_url": URL, "slack_file": SLACK_FILE}
IMAGE = shape({"alt_text": string(2000, 0)}, PICTURE, one_of_fields("image_url", "slack_file"))

ACCESSORIES = {**BUTTONS, **SELECTS, **MULTI_SELECTS, **PICKERS, **TICKS, "image": IMAGE}
ACTIONS = {**BUTTONS, **SELECTS, **PICKERS, **TICKS}
INPUTS = {**SELECTS, **MULTI_SELECTS, **PICKERS, **TICKS, **TYPED}

# -- Rich text ---------------------------------------------------------------------------------------------

STYLES = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight"), flag))
WORDS = by_type(
    {
        "text": shape({"text": string(12000)}, {"style": STYLES}),
        "link": shape({"url": string(3000)}, {"text": string(12000), "unsafe": flag, "style": STYLES}),
        "emoji": shape({"name": string(100)}, {"unicode": string(100), "style": STYLES}),
        "user": shape({"user_id": ID}, {"style": STYLES}),
        "usergroup": shape({"usergroup_id": ID}, {"style": STYLES}),
        "channel": shape({"channel_id": ID}, {"style": STYLES}),
        "broadcast": shape({"range": choice("here", "channel", "everyone")}, {"style": STYLES}),
        "date": shape({"timestamp": number(0, 1e11), "format": string(200)}, {"url": URL, "fallback": string(300)}),
        "color": shape({"value": string(20)}),
    },
)
LINE = items(WORDS, 1000, 0)
BORDER = {"border": number(0, 1)}
SECTION_OF_WORDS = shape({"elements": LINE})
RICH = by_type(
    {
        "rich_text_section": SECTION_OF_WORDS,
        "rich_text_quote": shape({"elements": LINE}, BORDER),
        "rich_text_preformatted": shape({"elements": LINE}, {**BORDER, "language": string(100)}),
        "rich_text_list": shape(
            {
                "elements": items(by_type({"rich_text_section": SECTION_OF_WORDS}), 1000),
                "style": choice("bullet", "ordered"),
            },
            {**BORDER, "indent": number(0, 8), "offset": number(0, 100000)},
        ),
    },
)
CELL = by_type(
    {
        "raw_text": shape({"text": string(3000)}),
        "rich_text": shape({"elements": items(RICH, 100)}),
    },
)

# -- Blocks ------------------------------------------------------------------------------------------------

BLOCK: dict[str, Check] = {"block_id": ID}


def _text_or_fields(value: dict[str, Any], where: str) -> Iterator[str]:
    if "text" not in value and "fields" not in value:
        yield complaint("missing required field: text or fields", where)


BLOCKS: dict[str, Check] = {
    "section": shape(
        {},
        {
            **BLOCK,
            "text": text(3000),
            "fields": items(text(2000), 10),
            "accessory": by_type(ACCESSORIES),
            "expand": flag,
        },
        _text_or_fields,
    ),
    "context": shape(
        {"elements": items(by_type({"image": IMAGE, "plain_text": text(3000), "mrkdwn": text(3000)}), 10)}, BLOCK
    ),
    "actions": shape({"elements": items(by_type(ACTIONS), 25)}, BLOCK),
    "divider": shape({}, BLOCK),
    "header": shape({"text": plain(150)}, BLOCK),
    "image": shape(
        {"alt_text": string(2000, 0)},
        {**BLOCK, **PICTURE, "title": plain(2000)},
        one_of_fields("image_url", "slack_file"),
    ),
    "input": shape(
        {"label": plain(2000), "element": by_type(INPUTS)},
        {**BLOCK, "hint": plain(2000), "optional": flag, "dispatch_action": flag},
    ),
    "rich_text": shape({"elements": items(RICH, 100)}, BLOCK),
    "markdown": shape({"text": string(12000)}, BLOCK),
    "context_actions": shape({"elements": items(by_type(CONTEXT_BUTTONS), 5)}, BLOCK),
    "table": shape(
        {"rows": items(items(CELL, 20), 100)},
        {**BLOCK, "column_settings": items(anything, 20)},
    ),
}
MESSAGE_ONLY = ("markdown", "context_actions", "table")
VIEW_BLOCKS = {kind: check for kind, check in BLOCKS.items() if kind not in MESSAGE_ONLY}
