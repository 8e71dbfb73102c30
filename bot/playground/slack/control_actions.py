"""People's use of buttons, menus, shortcuts and forms. Runs on the event loop."""

from __future__ import annotations

import time
from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.backend import Backend
from bot.playground.slack.block_kit.controls import Control, chosen, complaints, controls, find_control
from bot.playground.slack.entities import Message, Person, View
from bot.playground.slack.errors import NotPossibleError
from bot.playground.slack.interactions import Interaction, Interactions
from bot.playground.slack.workspace import new_file

JSON = dict[str, Any]
MOST_FILES = 10
FEWEST_TYPED = 3
"""Characters from which on Slack asks for options, where the menu says nothing else."""


class ControlActions:
    """Performs what people do with controls and forms, and sends the app the payloads."""

    def __init__(self, backend: Backend, interactions: Interactions) -> None:
        self.backend = backend
        self.workspace = backend.workspace
        self.interactions = interactions

    def press(self, person: Person, where: Message | View, what: str | int, value: Any = None) -> Interaction:
        """Use a control, named by action_id, value, label or index."""
        control, inside = find_control(where.blocks, what)
        use = chosen(control, inside if value is None else value)
        self._ensure_offered(where, control, use)
        if isinstance(where, View):
            return self._press_in_view(person, where, control, use)
        return self._press_in_message(person, where, control, use)

    def _press_in_message(self, person: Person, message: Message, control: Control, use: JSON) -> Interaction:
        channel = self.workspace.channels[message.channel]
        if message.deleted:
            raise NotPossibleError("the message was deleted")
        if message.ephemeral_to not in (None, person.id) or not self.workspace.person_sees(person, channel):
            raise NotPossibleError(f"{person.real_name} doesn't see that message")
        _remember(message.state, control, use)
        place = {
            "container": self._container(message),
            "channel": {"id": channel.id, "name": payloads.channel_name(channel)},
            "state": {"values": message.state},
        }
        if message.ephemeral_to is None:
            place["message"] = payloads.message(self.workspace, message)
        return self._used(Interaction("block_actions", person, channel, source=message), control, use, place)

    def suggest(self, person: Person, where: Message | View, what: str | int, text: str) -> Interaction:
        """Type into a menu with external options; the app's response is in the interaction's `options`."""
        control, _ = find_control(where.blocks, what)
        if not control.type.endswith("external_select"):
            raise NotPossibleError(f"{control.action_id} has its own choices, nothing is asked for")
        if len(text) < (least := control.element.get("min_query_length", FEWEST_TYPED)):
            raise NotPossibleError(f"{control.action_id} asks from {least} characters on")
        if isinstance(where, View):
            self._sees(person, where)
            place: JSON = {"container": {"type": "view", "view_id": where.id}}
            place["view"] = payloads.view(self.workspace, where)
        else:
            place = {"container": self._container(where)}
        facts = {
            "type": "block_suggestion",
            **payloads.actor(self.workspace, person),
            **place,
            "action_id": control.action_id,
            "block_id": control.block_id,
            "value": text,
        }
        interaction = Interaction("block_suggestion", person)
        interaction.asked_for = _key(where, control)
        self.interactions.ask(interaction, facts)
        return interaction

    def _ensure_offered(self, where: Message | View, control: Control, use: JSON) -> None:
        """Raise NotPossibleError for an option that the app didn't offer: people choose what they see."""
        if not control.type.endswith("external_select"):
            return
        seen = [control.element.get("initial_option"), *control.element.get("initial_options", [])]
        for asked in self.interactions.all:
            if asked.asked_for == _key(where, control):
                seen += [*asked.options, *(option for group in asked.option_groups for option in group["options"])]
        picked = use["selected_options"] if "selected_options" in use else [use["selected_option"]]
        if any(option is not None and option not in seen for option in picked):
            raise NotPossibleError(f"{control.action_id} was not offered that choice")

    def _container(self, message: Message) -> JSON:
        told: JSON = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.ephemeral_to is not None,
        }
        return told | ({"thread_ts": message.thread_ts} if message.thread_ts else {})

    def _press_in_view(self, person: Person, view: View, control: Control, use: JSON) -> Interaction:
        self._sees(person, view)
        _remember(view.state, control, use)
        place = {
            "container": {"type": "view", "view_id": view.id},
            "view": payloads.view(self.workspace, view),
        }
        return self._used(Interaction("block_actions", person, view=view), control, use, place)

    def _used(self, interaction: Interaction, control: Control, use: JSON, place: JSON) -> Interaction:
        """Send block_actions, unless the value waits for the form's submission; views get no response_url."""
        if control.in_input:
            interaction.finished = True
            return interaction
        ids = {"action_id": control.action_id, "block_id": control.block_id}
        facts = {
            "type": "block_actions",
            **payloads.actor(self.workspace, interaction.person),
            **place,
            "actions": [{**ids, **use, "action_ts": f"{time.time():.6f}"}],
        }
        self.interactions.start(interaction, facts, answerable=interaction.view is None)
        return interaction

    def _sees(self, person: Person, view: View) -> None:
        if view.user != person.id:
            raise NotPossibleError(f"that view is not {person.real_name}'s")
        if not view.open:
            raise NotPossibleError("the view is closed")

    def shortcut(self, person: Person, callback_id: str, message: Message | None) -> Interaction:
        """Use a global shortcut, or one on a message."""
        facts = {
            **payloads.actor(self.workspace, person),
            "callback_id": callback_id,
            "action_ts": f"{time.time():.6f}",
        }
        if message is None:
            interaction = Interaction("shortcut", person)
            self.interactions.start(interaction, {"type": "shortcut", **facts}, answerable=False)
            return interaction
        channel = self.workspace.channels[message.channel]
        if message.ephemeral_to is not None or not self.workspace.person_sees(person, channel):
            raise NotPossibleError("there are no shortcuts on that message")
        interaction = Interaction("message_action", person, channel)
        facts |= {
            "type": "message_action",
            "message_ts": message.ts,
            "message": payloads.message(self.workspace, message),
            "channel": {"id": channel.id, "name": payloads.channel_name(channel)},
        }
        self.interactions.start(interaction, facts, answerable=True)
        return interaction

    # -- Forms ---------------------------------------------------------------------------------------------

    def submit(self, person: Person, view: View, values: dict[str, Any]) -> Interaction:
        """Fill in and submit a modal. `values` are by block_id, action_id or label of the inputs."""
        self._sees(person, view)
        for name, value in values.items():
            control = _input(view, name)
            use = chosen(control, value)
            self._ensure_offered(view, control, use)
            _remember(view.state, control, use)
        interaction = Interaction("view_submission", person, view=view)
        interaction.errors = complaints(view.blocks, view.state)
        if interaction.errors:
            view.errors = interaction.errors
            interaction.finished = True
            return interaction
        view.errors = {}
        facts = {
            "type": "view_submission",
            **payloads.actor(self.workspace, person),
            "view": payloads.view(self.workspace, view),
            "response_urls": [],
        }
        self.interactions.start(interaction, facts, answerable=False)
        return interaction

    def attach(self, person: Person, view: View, name: str, filename: str, data: bytes) -> JSON:
        """Add a file to a file input, named as in `submit`; return the file object."""
        self._sees(person, view)
        control = _input(view, name)
        if control.type != "file_input":
            raise NotPossibleError(f"{control.label} takes no files")
        kinds = control.element.get("filetypes") or [filename.rpartition(".")[2].lower()]
        if filename.rpartition(".")[2].lower() not in kinds:
            raise NotPossibleError(f"{control.label} takes {', '.join(kinds)} only, not {filename}")
        file = new_file(filename, person.id, data)
        file.in_form = True
        self.workspace.files[file.id] = file
        told = payloads.file(self.workspace, file)
        held = view.state[control.block_id][control.action_id].get("files") or []
        most = control.element.get("max_files", MOST_FILES)
        _remember(view.state, control, {"type": "file_input", "files": [*held, told][-most:]})
        return told

    def close(self, person: Person, view: View) -> Interaction:
        """Close a modal without submitting; the app is notified if the view has notify_on_close."""
        self._sees(person, view)
        self.interactions.views.close(view)
        interaction = Interaction("view_closed", person, view=view)
        if not view.content.get("notify_on_close"):
            interaction.finished = True
            return interaction
        told = payloads.view(self.workspace, view)
        facts = {"type": "view_closed", **payloads.actor(self.workspace, person), "view": told, "is_cleared": False}
        self.interactions.start(interaction, facts, answerable=False)
        return interaction


def _key(where: Message | View, control: Control) -> tuple[str, str, str]:
    place = where.id if isinstance(where, View) else f"{where.channel} {where.ts}"
    return place, control.block_id, control.action_id


def _remember(state: dict[str, JSON], control: Control, use: JSON) -> None:
    if control.type not in ("button", "overflow", "feedback_buttons", "icon_button"):
        state.setdefault(control.block_id, {})[control.action_id] = use


def _input(view: View, name: str) -> Control:
    for control in controls(view.blocks):
        if name in (control.block_id, control.action_id, control.label):
            return control
    raise LookupError(f"the form has no input {name!r}")
