"""Which channel a name means: decided once, then stored by the channel's id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from handlers.store.channel_names import Binding, BindingState
from indexes.names import folded


@dataclass(frozen=True)
class SlackChannel:
    """A channel that Slack lists; `has_bot` when the bot is a member."""

    name: str
    has_bot: bool

    @cached_property
    def folded(self) -> str:
        """Its name in the form in which names are compared."""
        return folded(self.name)


@dataclass(frozen=True)
class BaseName:
    """A name that a channel may have. `was_served` when it answered before channels were stored by id.

    `is_given` when an admin chose the knowledge base for channels in Slack, or kotae.toml did.
    """

    name: str
    was_served: bool = False
    is_given: bool = False


def new_bindings(wanted: BaseName, visible: Mapping[str, SlackChannel], known: Sequence[Binding]) -> list[Binding]:
    """Return the bindings to store for a knowledge base that serves the channel of its name.

    The rule: **the channel that has the name when the knowledge base is first served gets it; every later one waits for
    an admin.** Members can create and rename channels, so a name proves nothing later on. "Later" means
    every channel not stored when the name was first looked for: a new one, a renamed one, and a private one that Slack
    did not list because the bot was not in it.

    At the first start after an upgrade nothing is stored, and nobody knows when a knowledge base was first served.
    If it answered already (it has a snapshot), a channel that the bot is a member of is bound, because somebody set it
    up; one that only has the name waits. A knowledge base that kotae.toml or an admin gave to channels needs no channel
    of its name, so a channel that has the name waits, too.
    """
    here = {binding.channel for binding in known if binding.name == wanted.name}
    sought = folded(wanted.name)
    fresh = [(id_, channel) for id_, channel in visible.items() if channel.folded == sought and id_ not in here]
    if here:
        return [Binding(wanted.name, id_, BindingState.WAITING) for id_, _ in fresh]
    looked_for = Binding(wanted.name, "", BindingState.BOUND)
    return [looked_for, *(Binding(wanted.name, id_, _first(wanted, channel)) for id_, channel in fresh)]


def new_section_bindings(name: str, visible: Mapping[str, SlackChannel], known: Sequence[Binding]) -> list[Binding]:
    """Return the bindings to store for a channel that kotae.toml names, ``#name``: it means the one there is now.

    From then on it is that channel, whatever its name; another one that has the name later waits for an admin.
    """
    here = {binding.channel: binding.state for binding in known if binding.name == name}
    claim = BindingState.WAITING if BindingState.BOUND in here.values() else BindingState.BOUND
    sought = folded(name.removeprefix("#"))
    return [
        Binding(name, id_, claim) for id_, channel in visible.items() if channel.folded == sought and id_ not in here
    ]


def bound_to(channel: str, known: Sequence[Binding]) -> list[str]:
    """List the names that are bound to a channel."""
    return [binding.name for binding in known if binding.channel == channel and binding.state is BindingState.BOUND]


def has_answered(data_dir: Path, folder: str) -> bool:
    """Tell whether a knowledge base was searched before: it then has a snapshot."""
    return (data_dir / "snapshots" / folder).is_dir()


def _first(wanted: BaseName, channel: SlackChannel) -> BindingState:
    if wanted.was_served:
        return BindingState.BOUND if channel.has_bot else BindingState.WAITING
    return BindingState.WAITING if wanted.is_given else BindingState.BOUND
