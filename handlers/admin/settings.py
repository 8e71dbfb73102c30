"""Settings of a channel that admins change in Slack: by command, in a modal, or at the end of shadow mode."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

from handlers.admin.views import settings as view
from handlers.audience import ensure_open, is_in_channel, knowledge_bases_for_everybody
from handlers.channel_rules import AutoReply, Channel, SettingName, Unproved
from handlers.features import BY_CHANNEL, FOR_ALL, Feature, write
from handlers.learning.proof import proofs_of
from handlers.learning.views import proof as proof_view
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.mrkdwn import escape, one_line
from indexes.messages import Translatable, Value

_NUMBER = re.compile(r"(\d{1,3}(?:\.\d{0,9})?|\.\d{1,9}) ?(%?)", re.ASCII)
_FEWEST_PERCENT, _ALL = 10, 100
_REASON = 500
"""Characters of why there is no model."""

Command = Callable[[Services, Request, str], None]


def _of_channel(run: Command) -> Command:
    """Wrap a command about the channel in which it is typed; elsewhere it says so."""

    @wraps(run)
    def run_in_channel(services: Services, request: Request, argument: str) -> None:
        if is_in_channel(services, request):
            run(services, request, argument)
        else:
            request.tell_privately(notice(request.texts("settings.where")))

    return run_in_channel


@_of_channel
def auto_reply(services: Services, request: Request, argument: str) -> None:
    """`/kb auto-reply on|shadow|off`: for this channel."""
    rules = services.channels.of(request.channel)
    argument = argument.casefold()
    if argument not in set(AutoReply):
        usage = request.texts(
            "kb.auto_reply.usage",
            command=services.config.admin_command,
            mode=request.texts(f"settings.mode.{rules.auto_reply.value}"),
        )
        request.tell_privately(notice(usage))
        return
    if not rules.knowledge_bases and argument != AutoReply.OFF:
        request.tell_privately(notice(request.texts("kb.auto_reply.no_knowledge")))
        return
    services.channels.set(request.channel, "auto_reply", argument, request.user, _mode(AutoReply(argument)))
    found = proofs_of(services, services.channels.of(request.channel))
    lines = [*_hindrances(services, request, found.channel), *_words_only(services, request, found.channel)]
    if argument != AutoReply.ON or found.posts_something:
        lines.insert(0, request.texts(f"kb.auto_reply.{argument}", percent=f"{rules.threshold * 100:.0f}"))
    request.tell_privately(proof_view.told("\n".join(lines), found, request.texts))


@_of_channel
def threshold(services: Services, request: Request, argument: str) -> None:
    """`/kb threshold 0.80`: for this channel."""
    wanted = _probability(argument)
    if wanted is None:
        now = f"{services.channels.of(request.channel).threshold:.2f}"
        request.tell_privately(
            notice(request.texts("kb.threshold.usage", command=services.config.admin_command, threshold=now))
        )
        return
    done = Translatable("audit.threshold", threshold=str(wanted))
    services.channels.set(request.channel, "threshold", str(wanted), request.user, done)
    said = request.texts("kb.threshold.set", percent=f"{wanted * 100:.0f}")
    found = proofs_of(services, services.channels.of(request.channel))
    request.tell_privately(proof_view.told(said, found, request.texts))


@_of_channel
def opened(services: Services, request: Request, _: str) -> None:
    """`/kb settings`: all rules of this channel in a modal."""
    open_for(services, request, request.channel)


def open_for(services: Services, request: Request, channel: str) -> None:
    """Open the modal for a channel."""
    found = proofs_of(services, services.channels.of(channel))
    request.open(view.modal(found, services.registry.sources(), services.channels.shared, request.texts))


def check(services: Services, request: Request) -> dict[str, Any]:
    """Return errors for fields that can't be saved."""
    submitted = request.body["view"]
    before = services.channels.last_known(view.target(submitted)[0])  # the ack waits for no database
    chosen = _chosen(services, submitted, before)
    if chosen.auto_reply is not AutoReply.OFF and not (chosen.knowledge_bases or services.channels.shared):
        field = view.BASES if view.BASES in submitted["state"]["values"] else view.MODE
        return {"response_action": "errors", "errors": {field: request.texts_of_form("settings.no_knowledge")}}
    return {}


def saved(services: Services, request: Request) -> None:
    """Save the submitted settings and say what changed; nothing is saved if the form was out of date."""
    channel, shown = view.target(request.body["view"])
    in_it = services.access.place(channel).has_bot and channel in services.access.channels_of(request.user)
    here = replace(request, channel=channel if in_it else "")
    with services.database.exclusively(f"settings of {channel}"):  # of two forms sent at once, one is refused
        before = services.channels.of(channel)
        chosen = _chosen(services, request.body["view"], before)
        _ensure_may_give(services, request, set(chosen.knowledge_bases) - set(before.knowledge_bases))
        changes = _changes(services, before, chosen)
        was_saved = request.is_repeat and not changes  # by a process that ended before it could say so
        differing = [] if was_saved else view.changed_since(before, shown)
        if changes and not differing:
            values = {key: value for key, (value, _) in changes.items()}
            services.channels.set_all(channel, values, request.user, *(done for _, done in changes.values()))
    if differing:
        here.tell_privately(view.stale(before, differing, request.texts))
        return
    rules = services.channels.of(channel)
    lines = [
        view.summary(rules, changed=bool(changes) or was_saved, texts=request.texts),
        *_hindrances(services, request, rules),
        *_words_only(services, request, rules),
    ]
    here.tell_privately(proof_view.told("\n".join(lines), proofs_of(services, rules), request.texts))


def go_live(services: Services, request: Request) -> None:
    """End shadow mode in a channel: from now on the bot answers there what is proved."""
    channel = request.pressed
    with services.database.exclusively(f"settings of {channel}"):  # of two presses at once, one does it
        if services.channels.of(channel).auto_reply is not AutoReply.ON:
            services.channels.set(channel, "auto_reply", AutoReply.ON.value, request.user, Translatable("audit.live"))
    found = proofs_of(services, services.channels.of(channel))
    live = [request.texts("shadow.live", channel=f"<#{channel}>")] if found.posts_something else []
    said = "\n".join([*live, *_words_only(services, request, found.channel)])
    request.tell_privately(proof_view.told(said, found, request.texts))


def overrule(services: Services, request: Request) -> None:
    """Let the bot answer in a channel without a proof, as an admin wants it."""
    found = proofs_of(services, services.channels.of(request.pressed))
    where = f"<#{request.pressed}>"
    if found.channel.auto_reply is not AutoReply.ON:
        request.tell_privately(notice(request.texts("proof.not_on", channel=where)))
        return
    if found.withheld:
        counts = tuple(proof_view.counted(name, found.proofs[name]) for name in found.withheld)
        done = Translatable("audit.overruled", names=counts)
        services.channels.allow_unproved(request.pressed, Unproved.OVERRULED, request.user, done)
    said = [request.texts("proof.live_unproved", channel=where), *_words_only(services, request, found.channel)]
    request.tell_privately(notice("\n".join(said)))


def _hindrances(services: Services, request: Request, rules: Channel) -> list[str]:
    """Return what keeps auto-reply in a channel from giving some answers, or any."""
    if rules.auto_reply is AutoReply.OFF:
        return []
    if not services.access.place(rules.id).has_bot:
        return [request.texts("kb.auto_reply.not_here", bot=services.bot)]
    if set(rules.knowledge_bases).issubset(knowledge_bases_for_everybody(services, rules.id)):
        return []
    return [request.texts("kb.auto_reply.overheard", command=services.config.search_command)]


def _words_only(services: Services, request: Request, rules: Channel) -> list[str]:
    """Say what auto-reply can't answer yet, and why, while only words are searched in a channel."""
    if rules.auto_reply is AutoReply.OFF or not services.searches_words_only(rules.knowledge_bases):
        return []
    process, texts = services.process(), request.texts
    if process.model_trouble:
        return [texts("lexical.auto_reply"), one_line(texts.say(process.model_trouble), _REASON)]
    key = "lexical.preparing" if process.model_loaded else "lexical.loading"
    return [texts("lexical.auto_reply"), texts(key, model=escape(process.model or ""))]


def _chosen(services: Services, submitted: Mapping[str, Any], before: Channel) -> view.Chosen:
    """Read the modal. A knowledge base of the channel that was removed meanwhile stays the channel's."""
    return view.chosen(submitted, tuple(dict.fromkeys([*before.knowledge_bases, *services.registry.sources()])))


def _ensure_may_give(services: Services, request: Request, added: Iterable[str]) -> None:
    """Raise ClosedError for a knowledge base that is not for this admin: in a channel of theirs they could read it."""
    for name in sorted(added):
        ensure_open(services, request.user, name)


def _changes(services: Services, before: Channel, chosen: view.Chosen) -> dict[SettingName, tuple[str, Translatable]]:
    """Return the settings that change: what is stored, and what the audit log says."""
    own = [name for name in before.knowledge_bases if name not in services.channels.shared]
    ask = (*(id_ for id_ in before.ask if id_.startswith("S")), *chosen.ask)  # the modal shows no user groups
    threshold = str(chosen.threshold)
    off = before.features_off if chosen.features_off is None else chosen.features_off
    wanted: dict[SettingName, tuple[object, object, str, Translatable]] = {
        "auto_reply": (before.auto_reply, chosen.auto_reply, chosen.auto_reply.value, _mode(chosen.auto_reply)),
        "threshold": (
            *(view.percent(before.threshold), view.percent(chosen.threshold)),
            threshold,
            Translatable("audit.threshold", threshold=threshold),
        ),
        "promise": (
            *(view.percent(before.promise), view.percent(before.promise if chosen.promise is None else chosen.promise)),
            str(chosen.promise),
            Translatable("audit.promise", promise=str(chosen.promise)),
        ),
        "knowledge_bases": (
            *(set(own), set(chosen.knowledge_bases)),
            json.dumps(chosen.knowledge_bases),
            Translatable("audit.knowledge_bases", names=tuple(chosen.knowledge_bases)),
        ),
        "ask": (set(before.ask), set(ask), " ".join(ask), Translatable("audit.ask", people=ask)),
        "features_off": (
            *(before.features_off & BY_CHANNEL, off & BY_CHANNEL),
            write(off & BY_CHANNEL),
            Translatable("audit.features_off", names=_features(off & BY_CHANNEL)),
        ),
        "features_off_for_all": (
            *(before.features_off & FOR_ALL, off & FOR_ALL),
            write(off & FOR_ALL),
            Translatable("audit.features_off_for_all", names=_features(off & FOR_ALL)),
        ),
    }
    return {key: (value, done) for key, (old, new, value, done) in wanted.items() if old != new}


def _features(features: Collection[Feature]) -> Value:
    return tuple(Translatable(f"feature.{feature.value}") for feature in Feature if feature in features) or "–"


def _mode(mode: AutoReply) -> Translatable:
    return Translatable("audit.auto_reply", mode=Translatable(f"settings.mode.{mode.value}"))


def _probability(text: str) -> float | None:
    """Read 0.8, 80% or 80 as 0.8; None for anything else, and for what may mean two things, such as .95% or 1.5."""
    if not (match := _NUMBER.fullmatch(text)):
        return None
    number, is_percent = float(match[1]), bool(match[2])
    if not is_percent and number <= 1:
        return number
    is_clear = number == 0 or number >= _FEWEST_PERCENT or (number >= 1 and number.is_integer())
    return number / 100 if is_clear and number <= _ALL else None
