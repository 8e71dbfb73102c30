"""The settings modal of a channel, and reading what was submitted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    NumberInputElement,
    Option,
    PlainTextObject,
    RadioButtonsElement,
    StaticMultiSelectElement,
    UserMultiSelectElement,
)
from slack_sdk.models.views import View

from handlers.admin.views import features
from handlers.channel_rules import HELPERS, MOST_PROMISED, AutoReply, SettingName
from handlers.features import BY_CHANNEL, FOR_ALL, Feature, write
from handlers.learning.views import proof
from handlers.slack.blocks import Message, actions, button, context, listed, menu_key, section
from handlers.slack.mrkdwn import one_line
from handlers.texts import Texts

if TYPE_CHECKING:
    from handlers.channel_rules import Channel, ChannelProof

CALLBACK = "kb_settings"
KEYS: tuple[SettingName, ...] = (
    "auto_reply",
    "threshold",
    "promise",
    "knowledge_bases",
    "ask",
    "features_off",
    "features_off_for_all",
)
MODE, THRESHOLD, PROMISE, BASES, ASK = "mode", "threshold", "promise", "bases", "ask"
"""The fields' block ids; the element in each has the same id."""
CHOICES = 100
"""As many options as Slack shows in a menu."""
LABEL = 75


@dataclass(frozen=True)
class Chosen:
    """The submitted settings: threshold and promise as probabilities, knowledge bases by name, people by id.

    No promise and no features in a modal that was opened before there were any.
    """

    auto_reply: AutoReply
    threshold: float
    promise: float | None
    knowledge_bases: tuple[str, ...]
    ask: tuple[str, ...]
    features_off: frozenset[Feature] | None


def modal(found: "ChannelProof", names: Sequence[str], shared: Sequence[str], texts: Texts) -> View:
    """Build the modal; `names` are all knowledge bases, `shared` those that every channel has anyway."""
    rules = found.channel
    modes = {mode: _mode(mode, texts) for mode in AutoReply}
    bases = {name: _base(name) for name in choosable(rules, names, shared)}
    own = [bases[name] for name in rules.knowledge_bases if name in bases]
    people = [id_ for id_ in rules.ask if not id_.startswith("S")]
    blocks: list[Block] = [
        section(texts("settings.intro", channel=f"<#{rules.id}>")),
        _input(
            MODE,
            texts("settings.mode"),
            RadioButtonsElement(action_id=MODE, options=list(modes.values()), initial_option=modes[rules.auto_reply]),
        ),
        _input(
            THRESHOLD,
            texts("settings.threshold"),
            NumberInputElement(
                action_id=THRESHOLD, min_value="0", max_value="100", initial_value=percent(rules.threshold)
            ),
            hint=texts("settings.threshold_hint"),
        ),
        _input(
            PROMISE,
            texts("settings.promise"),
            NumberInputElement(
                action_id=PROMISE,
                min_value="0",
                max_value=percent(MOST_PROMISED),
                initial_value=percent(rules.promise),
            ),
            hint=texts("settings.promise_hint"),
        ),
    ]
    blocks += listed(proof.lines(found, texts), texts)
    if bases:
        menu = StaticMultiSelectElement(action_id=BASES, options=list(bases.values()), initial_options=own or None)
        blocks.append(_input(BASES, texts("settings.bases"), menu, optional=True))
    if shared:
        blocks.append(context(texts("settings.shared", names=one_line(", ".join(shared), 500))))
    users = UserMultiSelectElement(action_id=ASK, initial_users=people or None, max_selected_items=HELPERS)
    blocks.append(_input(ASK, texts("settings.ask"), users, hint=texts("settings.ask_hint"), optional=True))
    blocks += features.inputs(rules.features_off, texts)
    return View(
        type="modal",
        callback_id=CALLBACK,
        private_metadata=json.dumps({"channel": rules.id, "shown": _digests(rules)}),
        title=PlainTextObject(text=texts("settings.title")),
        submit=PlainTextObject(text=texts("modal.save")),
        close=PlainTextObject(text=texts("modal.cancel")),
        blocks=blocks,
    )


def percent(share: float) -> str:
    """Return a threshold or a promise as the modal shows it: whoever leaves that alone changes nothing."""
    return f"{share * 100:.0f}"


def target(view: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    """Return the channel that a modal is for, and by key, as short digests, the rules that it showed.

    No digests in a modal that was opened before they were in it.
    """
    told = str(view["private_metadata"])
    if not told.startswith("{"):
        return told, {}
    read = json.loads(told)
    return read["channel"], read["shown"]


def changed_since(rules: "Channel", shown: Mapping[str, str]) -> list[SettingName]:
    """Return the keys of the rules that are not as a modal showed them."""
    now = _digests(rules)
    return [key for key in KEYS if shown.get(key, now[key]) != now[key]]


def _digests(rules: "Channel") -> dict[SettingName, str]:
    return {key: sha256(_said(rules, key).encode()).hexdigest()[:8] for key in KEYS}


def _said(rules: "Channel", key: SettingName) -> str:
    said: dict[SettingName, str] = {
        "auto_reply": rules.auto_reply.value,
        "threshold": f"{rules.threshold:.2f}",
        "promise": f"{rules.promise:.2f}",
        "knowledge_bases": "\n".join(sorted(rules.knowledge_bases)),
        "ask": " ".join(sorted(rules.ask)),
        "features_off": write(rules.features_off & BY_CHANNEL),
        "features_off_for_all": write(rules.features_off & FOR_ALL),
    }
    return said[key]


def chosen(view: Mapping[str, Any], names: Sequence[str]) -> Chosen:
    """Read a submitted modal; of `names`, which a channel may have, the chosen ones."""
    fields = {block: values[block] for block, values in view["state"]["values"].items() if block in values}
    keys = {each["value"] for each in fields.get(BASES, {}).get("selected_options") or ()}
    return Chosen(
        AutoReply(fields[MODE]["selected_option"]["value"]),
        min(max(float(fields[THRESHOLD]["value"]) / 100, 0.0), 1.0),
        min(max(float(fields[PROMISE]["value"]) / 100, 0.0), MOST_PROMISED) if PROMISE in fields else None,
        tuple(name for name in names if menu_key(name) in keys),
        tuple(fields.get(ASK, {}).get("selected_users") or ()),
        features.chosen(fields),
    )


def choosable(rules: "Channel", names: Sequence[str], shared: Sequence[str]) -> list[str]:
    """List the knowledge bases that can be chosen for a channel; its own come first, so that none falls off the end."""
    every = dict.fromkeys([*rules.knowledge_bases, *names])
    return [name for name in every if name not in shared][:CHOICES]


def summary(rules: "Channel", texts: Texts, *, changed: bool) -> str:
    """Show the settings of a channel as they are now."""
    said = texts(
        "settings.saved",
        channel=f"<#{rules.id}>",
        mode=texts(f"settings.mode.{rules.auto_reply.value}"),
        percent=percent(rules.threshold),
        promise=percent(rules.promise),
        names=_names(rules),
        ask=len(rules.ask),
        off=features.names(rules.features_off, texts),
    )
    return said if changed else texts("settings.unchanged", channel=f"<#{rules.id}>")


def stale(rules: "Channel", changed: Sequence[SettingName], texts: Texts) -> Message:
    """Say that nothing was saved, which rules somebody else changed and to what, and offer a fresh modal."""
    now = {
        "auto_reply": texts("settings.now.mode", mode=texts(f"settings.mode.{rules.auto_reply.value}")),
        "threshold": texts("settings.now.threshold", percent=percent(rules.threshold)),
        "promise": texts("settings.now.promise", percent=percent(rules.promise)),
        "knowledge_bases": texts("settings.now.bases", names=_names(rules)),
        "ask": texts("settings.now.ask", ask=len(rules.ask)),
        "features_off": texts("settings.now.features", off=features.names(rules.features_off & BY_CHANNEL, texts)),
        "features_off_for_all": texts(
            "settings.now.features_for_all", off=features.names(rules.features_off & FOR_ALL, texts)
        ),
    }
    said = texts("settings.stale", channel=f"<#{rules.id}>", changes="\n".join(now[key] for key in changed))
    again = button(texts("button.open_again"), "home_settings", rules.id)
    return Message(said, [section(said), actions(again)])


def _names(rules: "Channel") -> str:
    return one_line(", ".join(rules.knowledge_bases), 500) or "–"


def _mode(mode: AutoReply, texts: Texts) -> Option:
    return Option(
        value=mode.value,
        text=PlainTextObject(text=texts(f"settings.mode.{mode.value}")),
        description=PlainTextObject(text=texts(f"settings.mode_hint.{mode.value}")),
    )


def _base(name: str) -> Option:
    shown = name if len(name) <= LABEL else f"{name[: LABEL - 1]}…"
    return Option(value=menu_key(name), text=PlainTextObject(text=shown, emoji=False))


def _input(block_id: str, label: str, element: Any, *, hint: str | None = None, optional: bool = False) -> InputBlock:
    return InputBlock(
        block_id=block_id,
        label=PlainTextObject(text=label),
        element=element,
        hint=PlainTextObject(text=hint) if hint else None,
        optional=optional,
    )
