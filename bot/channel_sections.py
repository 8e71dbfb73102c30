"""The sections of kotae.toml about channels and knowledge bases, applied to the knowledge bases that exist."""

from collections.abc import Collection, Sequence
from functools import cached_property

from bot.config_file import ChannelSection, ConfigFile
from handlers.channel_rules import AutoReply, Channel
from handlers.features import FOR_ALL, Feature
from handlers.store.channel_names import Binding, BindingState
from indexes.confidence.confidence import THRESHOLD
from indexes.names import composed, same_name

SHARED = "_shared"
"""The knowledge base that is searched from every channel."""


class ChannelSections:
    """Answers what kotae.toml says. `bases` are the names of all knowledge bases, with those whose file is missing."""

    def __init__(self, config: ConfigFile) -> None:
        self._config = config

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The channels that kotae.toml names, as `section_name` returns them; the digest's channel is one of them."""
        digest = self._config.digest_channel
        return tuple(dict.fromkeys(map(section_name, [*self._config.channels, *([digest] if digest else [])])))

    def bases_by_channel(self) -> dict[str, tuple[str, ...]]:
        """Map each channel name to its knowledge bases; to none when only other rules are set."""
        bases = {section_name(key): section.knowledge_bases or () for key, section in self._config.channels.items()}
        return {name: bases.get(name, ()) for name in self.names}

    def channels_by_base(self, bases: Collection[str], bindings: Sequence[Binding]) -> dict[str, frozenset[str]]:
        """Map each knowledge base that a section gives to channels to their ids, those of missing channels included.

        Of a channel that was never seen only what kotae.toml calls it is known.
        """
        given: dict[str, set[str]] = {}
        for key, section in self._config.channels.items():
            name = section_name(key)
            known = {one.channel for one in bindings if one.name == name and one.state is BindingState.BOUND}
            for base in section.knowledge_bases or ():
                given.setdefault(_existing(base, bases), set()).update(known or {key})
        return {name: frozenset(ids) for name, ids in given.items()}

    def claimed(self, bases: Collection[str]) -> frozenset[str]:
        """Return the knowledge bases of channels in kotae.toml: they are served nowhere else."""
        sections = self._config.channels.values()
        named = {name for section in sections for name in section.knowledge_bases or ()}
        return frozenset(_existing(name, bases) for name in named) - {SHARED}

    def public(self, bases: Collection[str]) -> frozenset[str]:
        """Return the knowledge bases that guests and other organisations may see."""
        sections = self._config.knowledge_bases.items()
        return frozenset(_existing(name, bases) for name, section in sections if section.public)

    def named(self, bases: Collection[str]) -> frozenset[str]:
        """Return the knowledge bases that kotae.toml names anywhere: it is refused when their files are missing."""
        return self.claimed(bases) | {_existing(name, bases) for name in self._config.knowledge_bases}

    def default_rules(self, bases: Collection[str]) -> Channel:
        """Return the rules of a channel without rules of its own."""
        config = self._config
        return Channel(
            "",
            "",
            _shared(bases),
            AutoReply.OFF,
            self._threshold(None),
            config.ask,
            promise=config.promise,
            features_off=config.features_off,
        )

    def rules(self, id_: str, name: str, bound: Sequence[str], bases: Collection[str]) -> Channel | None:
        """Combine the convention and kotae.toml for a channel; None when neither has rules for it.

        `bound` are the names that the channel is bound to, of knowledge bases and of sections.
        """
        config = self._config
        sections = (config.channels[key] for key in config.channels if section_name(key) in bound)
        section = config.channels.get(id_) or next(sections, None)
        if section is None and not bound:  # most channels of a workspace
            return None
        claimed = self.claimed(bases)
        own = [base for base in bound if base in bases and base not in claimed]
        if section is None and not own:
            return None
        section = section or ChannelSection()
        if section.knowledge_bases is not None:
            own = [base for each in section.knowledge_bases if (base := same_name(each, bases))]
        return Channel(
            id_,
            name,
            tuple(dict.fromkeys([*own, *_shared(bases)])),
            section.auto_reply or config.auto_reply,
            self._threshold(section.threshold),
            config.ask if section.ask is None else section.ask,
            promise=config.promise if section.promise is None else section.promise,
            features_off=self._features_off(section),
        )

    def _features_off(self, section: ChannelSection) -> frozenset[Feature]:
        everywhere = self._config.features_off
        return everywhere if section.features_off is None else section.features_off | everywhere & FOR_ALL

    def _threshold(self, chosen: float | None) -> float:
        return next((one for one in (chosen, self._config.threshold) if one is not None), THRESHOLD)


def section_name(channel: str) -> str:
    """Return the name by which a channel in kotae.toml is stored: with #, whether it was written with it or not."""
    return f"#{composed(channel.removeprefix('#'))}"


def _existing(name: str, bases: Collection[str]) -> str:
    """Return a knowledge base's name as its file has it; a missing one's as kotae.toml has it."""
    return same_name(name, bases) or composed(name)


def _shared(bases: Collection[str]) -> tuple[str, ...]:
    return (SHARED,) if SHARED in bases else ()
