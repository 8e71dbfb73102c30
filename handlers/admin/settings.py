"""A channel's rules, as admins set them in Slack: by command, in a modal, or by going live after shadow mode."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handlers.admin.views import settings as view
from handlers.channels import AutoReply, Channel, Key
from handlers.request import Services, Turn, names_for_all
from handlers.slack.blocks import notice
from indexes.messages import Translatable


def auto_reply(services: Services, turn: Turn, argument: str) -> None:
    """`/kb auto-reply on|shadow|off`: for this channel."""
    rules = services.channels.of(turn.channel)
    argument = argument.casefold()
    if argument not in set(AutoReply):
        usage = turn.texts(
            "kb.auto_reply.usage",
            command=services.admin_command,
            mode=turn.texts(f"settings.mode.{rules.auto_reply.value}"),
        )
        turn.whisper(notice(usage))
        return
    if not rules.knowledge_bases and argument != AutoReply.OFF:
        turn.whisper(notice(turn.texts("kb.auto_reply.no_knowledge")))
        return
    services.channels.set(turn.channel, "auto_reply", argument, turn.user)
    services.journal.record(turn.user, turn.channel, _mode(AutoReply(argument)))
    lines = [turn.texts(f"kb.auto_reply.{argument}", percent=f"{rules.threshold * 100:.0f}")]
    lines += _hindrances(services, turn, services.channels.of(turn.channel))
    turn.whisper(notice("\n".join(lines)))


def threshold(services: Services, turn: Turn, argument: str) -> None:
    """`/kb threshold 0.80`: for this channel."""
    wanted = _probability(argument)
    if wanted is None:
        now = f"{services.channels.of(turn.channel).threshold:.2f}"
        turn.whisper(notice(turn.texts("kb.threshold.usage", command=services.admin_command, threshold=now)))
        return
    services.channels.set(turn.channel, "threshold", str(wanted), turn.user)
    services.journal.record(turn.user, turn.channel, Translatable("audit.threshold", threshold=str(wanted)))
    turn.whisper(notice(turn.texts("kb.threshold.set", percent=f"{wanted * 100:.0f}")))


def opened(services: Services, turn: Turn, _: str = "") -> None:
    """`/kb settings`: all rules of this channel in a modal."""
    if turn.is_direct:
        turn.whisper(notice(turn.texts("settings.where", command=services.admin_command)))
    else:
        open_for(services, turn, turn.channel)


def open_for(services: Services, turn: Turn, channel: str) -> None:
    """Open the modal for a channel."""
    turn.open(
        view.modal(services.channels.of(channel), services.registry.sources(), services.channels.shared, turn.texts)
    )


def check(services: Services, turn: Turn) -> dict[str, Any]:
    """Say what can't be saved, at its field."""
    submitted = turn.body["view"]
    chosen = _chosen(services, submitted)
    if chosen.auto_reply is not AutoReply.OFF and not (chosen.knowledge_bases or services.channels.shared):
        field = view.BASES if view.BASES in submitted["state"]["values"] else view.MODE
        return {"response_action": "errors", "errors": {field: turn.texts_of_form("settings.no_knowledge")}}
    return {}


def saved(services: Services, turn: Turn) -> None:
    """Put what was chosen in force, and say what changed."""
    channel = str(turn.body["view"]["private_metadata"])
    in_it = services.access.place(channel).has_bot and channel in services.access.channels_of(turn.user)
    here = replace(turn, channel=channel if in_it else "")
    changed = _save(services, here, services.channels.of(channel), _chosen(services, turn.body["view"]))
    rules = services.channels.of(channel)
    lines = [
        view.summary(rules, changed=bool(changed), texts=turn.texts),
        *_hindrances(services, turn, rules),
    ]
    here.whisper(notice("\n".join(lines)))


def go_live(services: Services, turn: Turn) -> None:
    """End shadow mode in a channel: from now on the bot answers there."""
    channel = turn.pressed
    if services.channels.of(channel).auto_reply is not AutoReply.ON:
        services.channels.set(channel, "auto_reply", AutoReply.ON.value, turn.user)
        services.journal.record(turn.user, channel, Translatable("audit.live"))
    turn.whisper(notice(turn.texts("shadow.live", channel=f"<#{channel}>")))


def _hindrances(services: Services, turn: Turn, rules: Channel) -> list[str]:
    """Say what keeps the bot from answering all that it could in a channel where it is to answer unasked."""
    if rules.auto_reply is AutoReply.OFF:
        return []
    if not services.access.place(rules.id).has_bot:
        return [turn.texts("kb.auto_reply.not_here", bot=services.bot)]
    if set(rules.knowledge_bases).issubset(names_for_all(services, rules.id)):
        return []
    return [turn.texts("kb.auto_reply.overheard", command=services.search_command)]


def _chosen(services: Services, submitted: Mapping[str, Any]) -> view.Chosen:
    """Read the modal; a knowledge base that went away meanwhile stays the channel's, if it was."""
    own = services.channels.of(str(submitted["private_metadata"])).knowledge_bases
    return view.chosen(submitted, tuple(dict.fromkeys([*own, *services.registry.sources()])))


def _save(services: Services, turn: Turn, before: Channel, chosen: view.Chosen) -> list[Key]:
    """Store what differs from the rules in force; return the keys."""
    own = [name for name in before.knowledge_bases if name not in services.channels.shared]
    ask = (*(id_ for id_ in before.ask if id_.startswith("S")), *chosen.ask)  # the modal shows no user groups
    threshold = str(chosen.threshold)
    wanted: dict[Key, tuple[object, object, str, Translatable]] = {
        "auto_reply": (before.auto_reply, chosen.auto_reply, chosen.auto_reply.value, _mode(chosen.auto_reply)),
        "threshold": (
            *(f"{before.threshold:.2f}", f"{chosen.threshold:.2f}"),
            threshold,
            Translatable("audit.threshold", threshold=threshold),
        ),
        "knowledge_bases": (
            *(set(own), set(chosen.knowledge_bases)),
            json.dumps(chosen.knowledge_bases),
            Translatable("audit.knowledge_bases", names=tuple(chosen.knowledge_bases)),
        ),
        "ask": (set(before.ask), set(ask), " ".join(ask), Translatable("audit.ask", people=ask)),
    }
    changed = [key for key, (old, new, *_) in wanted.items() if old != new]
    for key in changed:
        _, _, value, done = wanted[key]
        services.channels.set(before.id, key, value, turn.user)
        services.journal.record(turn.user, before.id, done)
    return changed


def _mode(mode: AutoReply) -> Translatable:
    return Translatable("audit.auto_reply", mode=Translatable(f"settings.mode.{mode.value}"))


def _probability(text: str) -> float | None:
    """Read 0.8, 80% or 80 as 0.8; None for anything else."""
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    number = number / 100 if text.endswith("%") or number > 1 else number
    return number if 0 <= number <= 1 else None
