"""Modals and home tabs: the stack of views, their state, and the effect of acks."""

from __future__ import annotations

from typing import Any

from bot.playground.slack.backend import Backend
from bot.playground.slack.block_kit.controls import initial_state
from bot.playground.slack.block_kit.ids import with_ids
from bot.playground.slack.block_kit.validation import check_view
from bot.playground.slack.entities import Person, View
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.workspace import new_id

JSON = dict[str, Any]
MOST_STACKED = 3


class Views:
    """Opens, pushes, updates, publishes and closes views."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def open(self, person: Person, content: Any) -> View:
        """Open a modal."""
        self._check(content, "modal")
        return self._show(person, content, None)

    def push(self, person: Person, content: Any, onto: View | None) -> View:
        """Push a modal onto another one."""
        self._check(content, "modal")
        if onto is None:
            raise RefusedError("not_found")
        if len(self.backend.workspace.modals(person)) >= MOST_STACKED:
            raise RefusedError("push_limit_reached")
        return self._show(person, content, onto)

    def publish(self, person: Person, content: Any, seen_hash: str = "") -> View:
        """Publish the home tab of one person."""
        self._check(content, "home")
        view = self.backend.workspace.home(person)
        if view is None:
            return self._show(person, content, None)
        return self.replace(view, content, seen_hash)

    def update(self, view_id: str, external_id: str, content: Any, seen_hash: str = "") -> View:
        """Update an open view, found by one of its ids."""
        view = self.find(view_id, external_id)
        if view is None or not view.open:
            raise RefusedError("not_found")
        self._check(content, view.type)
        return self.replace(view, content, seen_hash)

    def find(self, view_id: str, external_id: str = "") -> View | None:
        """Find a view by its id or its external_id."""
        if not external_id:
            return self.backend.workspace.views.get(view_id)
        views = self.backend.workspace.views.values()
        return next((each for each in views if each.open and each.content.get("external_id") == external_id), None)

    def replace(self, view: View, content: JSON, seen_hash: str = "") -> View:
        """Replace a view's content; inputs with the same block_id and action_id keep their values."""
        if seen_hash and seen_hash != view.hash:
            raise RefusedError("hash_conflict")
        typed = view.state
        view.content = {**content, "blocks": with_ids(content["blocks"])}
        view.hash = self.backend.workspace.new_hash()
        view.state = _kept(initial_state(view.blocks), typed)
        view.errors = {}
        return self.backend.put_view(view)

    def close(self, view: View) -> None:
        """Close one view."""
        view.open = False
        self.backend.tell("view", view)

    def close_all(self, person: Person) -> None:
        """Close every modal of a person."""
        for view in self.backend.workspace.modals(person):
            self.close(view)

    def after_submission(self, person: Person, view: View, ack: JSON) -> tuple[dict[str, str], list[View]]:
        """Apply the ack of a submission; return the errors for the form and the views shown."""
        action = ack.get("response_action")
        if action == "errors":
            return self._show_errors(view, ack.get("errors")), []
        if action == "update":
            self._check(ack.get("view"), "modal")
            return {}, [self.replace(view, ack["view"])]
        if action == "push":
            return {}, [self.push(person, ack.get("view"), view)]
        if action == "clear":
            self.close_all(person)
        elif action is None and not ack:
            self.close(view)
        else:
            raise RefusedError("invalid_response_action")
        return {}, []

    def _show_errors(self, view: View, errors: Any) -> dict[str, str]:
        inputs = {each["block_id"] for each in view.blocks if each["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
            raise RefusedError("invalid_errors", f"errors must name input blocks of the view: {', '.join(inputs)}")
        view.errors = {key: str(value) for key, value in errors.items()}
        self.backend.tell("view", view)
        return view.errors

    def _check(self, content: Any, kind: str) -> None:
        check_view(content)
        self.backend.check_pictures(content["blocks"], "/view/blocks", "invalid_arguments")
        if content["type"] != kind:
            raise RefusedError("invalid_arguments", f"expected a view of type {kind} [json-pointer:/view/type]")

    def _show(self, person: Person, content: JSON, onto: View | None) -> View:
        external_id = content.get("external_id")
        if external_id and self.find("", external_id):
            raise RefusedError("duplicate_external_id")
        content = {**content, "blocks": with_ids(content["blocks"])}
        view_id = new_id("V")
        root, previous = (onto.root_id, onto.id) if onto else (view_id, None)
        view = View(view_id, person.id, content, self.backend.workspace.new_hash(), root, previous)
        view.state = initial_state(view.blocks)
        return self.backend.put_view(view)


def _kept(fresh: dict[str, JSON], typed: dict[str, JSON]) -> dict[str, JSON]:
    return {
        block_id: {action_id: typed.get(block_id, {}).get(action_id, value) for action_id, value in actions.items()}
        for block_id, actions in fresh.items()
    }
