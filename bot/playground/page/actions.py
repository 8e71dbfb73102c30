"""The page's actions: one function each, which passes JSON arguments on to LocalSlack. Runs on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.playground.slack.block_kit.controls import controls
from bot.playground.slack.entities import Message, Person, View
from bot.playground.slack.errors import NotPossibleError
from bot.playground.slack.interactions import Interaction
from bot.playground.slack.server import LocalSlack
from bot.playground.slack.text import separate_mention

JSON = dict[str, Any]
Action = Callable[[LocalSlack, Person, JSON], Awaitable[JSON]]
FAULT_SECONDS = 3.0
ONCE = 1
"""How many times a fault requested on the page occurs."""


async def write(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Send what was typed: a command when it begins with a slash, else a message."""
    text, channel, thread = str(args["text"]).strip(), slack.channel(str(args["channel"])), args.get("thread_ts")
    if text.startswith("/"):
        return _began(slack.command(me, channel, text, thread_ts=thread, wait=False))
    if not text:
        raise NotPossibleError("there is nothing to send")
    typed = separate_mention(text, slack.workspace.bot.real_name)
    slack.say(me, channel, typed, thread_ts=thread, broadcast=bool(args.get("broadcast")))
    return {}


async def edit(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Edit one's own message."""
    slack.edit(_own(slack, me, args), str(args["text"]))
    return {}


async def delete(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Delete one's own message, or dismiss one that only this person sees."""
    slack.delete(_own(slack, me, args))
    return {}


async def react(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Add a reaction, or remove it."""
    message, name = _message(slack, args), str(args["name"])
    slack.react(me, message, name, add=me.id not in message.reactions.get(name, []))
    return {}


async def press(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Use a control on a message or view; `typed` are the values of the view's other inputs."""
    on = _source(slack, args)
    for use in args.get("typed", []):
        slack.press(me, on, _place(on, use), use["value"], wait=False)
    return _began(slack.press(me, on, _place(on, args), args.get("value"), wait=False))


async def suggest(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Ask the app for a menu's options that match the letters typed so far."""
    on = _source(slack, args)
    interaction = await asyncio.to_thread(slack.suggest, me, on, _place(on, args), str(args["text"]))
    return {**_began(interaction), "options": interaction.options, "option_groups": interaction.option_groups}


async def submit(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Submit a modal."""
    view = _view(slack, args)
    return _began(slack.submit(me, view, {use["block_id"]: use["value"] for use in args["typed"]}, wait=False))


async def close(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Close a modal."""
    return _began(slack.close_view(me, _view(slack, args), wait=False))


async def shortcut(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Use a shortcut, global or on a message."""
    message = _message(slack, args) if args.get("ts") else None
    return _began(slack.shortcut(me, str(args["callback_id"]), message, wait=False))


async def visit(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Open the app's home or messages tab."""
    slack.visit(me, str(args["tab"]))
    return {}


async def join(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Join a channel."""
    slack.invite(me, slack.channel(str(args["channel"])), me)
    return {}


async def invite(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Invite the bot to a channel."""
    slack.invite_bot(slack.channel(str(args["channel"])), by=me)
    return {}


async def inject_fault(slack: LocalSlack, me: Person, args: JSON) -> JSON:
    """Inject a fault."""
    del me
    await asyncio.to_thread(_fault(slack, str(args["fault"])))
    return {}


def _fault(slack: LocalSlack, name: str) -> Callable[[], None]:
    faults = slack.faults
    known: Mapping[str, Callable[[], None]] = {
        "duplicate": lambda: faults.duplicate("event", ONCE),
        "retry": lambda: faults.duplicate("retry", ONCE),
        "late": lambda: faults.delay(FAULT_SECONDS, ONCE),
        "slow": lambda: faults.slow("*", seconds=FAULT_SECONDS, times=ONCE),
        "limited": lambda: faults.rate_limit("*", retry_after=round(FAULT_SECONDS), times=ONCE),
        "failing": lambda: faults.server_error("*", times=ONCE),
        "disconnect": lambda: faults.disconnect("refresh_requested"),
        "reset": faults.tcp_reset,
        "clear": faults.clear,
    }
    if name not in known:
        raise NotPossibleError(f"there is no fault {name!r}, only {', '.join(known)}")
    return known[name]


ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            *(write, edit, delete, react, press, suggest, submit, close),
            *(shortcut, visit, join, invite, inject_fault),
        )
    }
)


# -- Finding what is meant ---------------------------------------------------------------------------------


def _began(interaction: Interaction) -> JSON:
    """What is known at once; the rest is sent as it happens."""
    return {"error": interaction.error, "errors": interaction.errors}


def _message(slack: LocalSlack, args: JSON) -> Message:
    channel, ts = slack.channel(str(args["channel"])), str(args["ts"])
    found = slack.workspace.message(channel, ts) or slack.workspace.ephemeral(channel, ts)
    if found is None:
        raise NotPossibleError("the message was deleted")
    return found


def _own(slack: LocalSlack, me: Person, args: JSON) -> Message:
    message = _message(slack, args)
    if me.id not in (message.user, message.ephemeral_to):
        raise NotPossibleError("that message is somebody else's")
    return message


def _view(slack: LocalSlack, args: JSON) -> View:
    view = slack.workspace.views.get(str(args["view"]))
    if view is None:
        raise NotPossibleError("the view is closed")
    return view


def _source(slack: LocalSlack, args: JSON) -> Message | View:
    return _view(slack, args) if args.get("view") else _message(slack, args)


def _place(on: Message | View, use: JSON) -> int:
    """The index of a control, found by its ids."""
    wanted = use["block_id"], use["action_id"]
    for place, control in enumerate(controls(on.blocks)):
        if (control.block_id, control.action_id) == wanted:
            return place
    raise NotPossibleError("that is not there any more")
