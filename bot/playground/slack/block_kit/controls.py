"""Interactive elements: finding one, and the payload of its use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.playground.slack.block_kit.validation import elements_of

JSON = dict[str, Any]
INITIAL = {
    "plain_text_input": ("initial_value", "value"),
    "email_text_input": ("initial_value", "value"),
    "url_text_input": ("initial_value", "value"),
    "number_input": ("initial_value", "value"),
    "static_select": ("initial_option", "selected_option"),
    "external_select": ("initial_option", "selected_option"),
    "radio_buttons": ("initial_option", "selected_option"),
    "checkboxes": ("initial_options", "selected_options"),
    "multi_static_select": ("initial_options", "selected_options"),
    "users_select": ("initial_user", "selected_user"),
    "channels_select": ("initial_channel", "selected_channel"),
    "conversations_select": ("initial_conversation", "selected_conversation"),
    "multi_external_select": ("initial_options", "selected_options"),
    "multi_users_select": ("initial_users", "selected_users"),
    "multi_channels_select": ("initial_channels", "selected_channels"),
    "multi_conversations_select": ("initial_conversations", "selected_conversations"),
    "datepicker": ("initial_date", "selected_date"),
    "timepicker": ("initial_time", "selected_time"),
    "file_input": ("", "files"),
    "datetimepicker": ("initial_date_time", "selected_date_time"),
}


@dataclass(frozen=True)
class Control:
    """One interactive element, and the block it is in."""

    block_id: str
    block: JSON
    element: JSON

    @property
    def type(self) -> str:
        """The element's type, such as button or static_select."""
        return str(self.element["type"])

    @property
    def action_id(self) -> str:
        """The element's action_id."""
        return str(self.element.get("action_id", ""))

    @property
    def in_input(self) -> bool:
        """Whether it is an input whose value is sent on submission only: the block doesn't dispatch actions."""
        return self.block["type"] == "input" and not self.block.get("dispatch_action")

    @property
    def label(self) -> str:
        """The text on it or before it."""
        for part in (self.element.get("text"), self.block.get("label"), self.element.get("placeholder")):
            if isinstance(part, dict):
                return str(part.get("text", ""))
        return self.action_id

    @property
    def options(self) -> list[JSON]:
        """Its options; for feedback_buttons, the two buttons."""
        if self.type == "feedback_buttons":
            return [self.element["positive_button"], self.element["negative_button"]]
        groups = self.element.get("option_groups", [])
        grouped = [option for group in groups for option in group["options"]]
        return list(self.element.get("options", [])) + grouped

    def option(self, wanted: Any) -> JSON:
        """Find an option by its value, text or index from 0; raises LookupError."""
        for index, option in enumerate(self.options):
            if wanted in (option["value"], option["text"]["text"]) or (type(wanted) is int and wanted == index):
                return option
        raise LookupError(f"{self.action_id} has no choice {wanted!r}")


def controls(blocks: Sequence[JSON]) -> list[Control]:
    """Return the interactive elements of these blocks, in reading order."""
    return list(_controls(blocks))


def _controls(blocks: Sequence[JSON]) -> Iterator[Control]:
    for block in blocks:
        for element in elements_of(block):
            if "action_id" in element and element.get("type") != "image":
                yield Control(block["block_id"], block, element)


def find_control(blocks: Sequence[JSON], wanted: str | int) -> tuple[Control, Any]:
    """Find a control by action_id, value, label or index from 0; with the option, if that is what was named."""
    found = controls(blocks)
    if isinstance(wanted, int):
        if not 0 <= wanted < len(found):
            raise LookupError(f"there are {len(found)} things to press, none has the number {wanted}")
        return found[wanted], None
    for control in found:
        if wanted in (control.action_id, control.element.get("value"), control.label):
            return control, None
    for control in found:
        for option in control.options:
            if wanted in (option["value"], option["text"]["text"]):
                return control, option["value"]
    names = ", ".join(f"{each.action_id} ({each.label})" for each in found) or "nothing"
    raise LookupError(f"there is no {wanted!r} to press; there is: {names}")


def chosen(control: Control, value: Any) -> JSON:
    """Return what the payload says of a use: the element's type and the value chosen or typed."""
    kind = control.type
    told: JSON = {"type": kind}
    if kind in ("button", "icon_button"):
        kept = {key: control.element[key] for key in ("text", "value", "style") if key in control.element}
        return told | kept
    if kind == "feedback_buttons":
        option = control.option(0 if value is None else value)
        return told | {"text": option["text"], "value": option["value"]}
    if kind == "overflow":
        return told | {"selected_option": control.option(value)}
    return told | {INITIAL[kind][1]: _selection(control, value)}


def _selection(control: Control, value: Any) -> Any:
    if control.type in ("static_select", "radio_buttons"):
        return None if value is None else control.option(value)
    if control.type in ("checkboxes", "multi_static_select"):
        return [control.option(each) for each in _listed(value)]
    if control.type.startswith("multi_"):
        return _listed(value)
    return value if value != "" else None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def initial_state(blocks: Sequence[JSON]) -> dict[str, JSON]:
    """Return `state.values` of blocks that nobody has touched yet."""
    state: dict[str, JSON] = {}
    for control in controls(blocks):
        if control.type in INITIAL:
            initial, key = INITIAL[control.type]
            empty: Any = [] if control.type.startswith("multi_") or control.type == "checkboxes" else None
            value = {"type": control.type, key: control.element.get(initial, empty)}
            state.setdefault(control.block_id, {})[control.action_id] = value
    return state


def complaints(blocks: Sequence[JSON], state: dict[str, JSON]) -> dict[str, str]:
    """Return the errors that Slack's client shows before it submits: empty required inputs, wrong lengths."""
    found = {}
    for control in controls(blocks):
        if control.block["type"] == "input":
            value = state.get(control.block_id, {}).get(control.action_id, {})
            if complaint := _complaint(control, value.get(INITIAL[control.type][1])):
                found[control.block_id] = complaint
    return found


def _complaint(control: Control, value: Any) -> str:
    if value in (None, "", []):
        return "" if control.block.get("optional") else "Please complete this required field."
    if control.type == "plain_text_input":
        least, most = control.element.get("min_length", 0), control.element.get("max_length", 3000)
        if len(value) < least:
            return f"Must be at least {least} characters."
        if len(value) > most:
            return f"Must be less than {most + 1} characters."
    return ""
