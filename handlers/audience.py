"""Who may see what. Content of a private channel's knowledge base is for its members; admins see names and counts.

Content is rows, versions, exports, what reading a file complains of, unanswered questions, and phrasings.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from handlers.access import Access, Standing
from handlers.channel_rules import AutoReply, Channel
from handlers.readers import Reader, seen_by
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.mrkdwn import one_line
from handlers.store.audit import AuditEntry
from handlers.store.channel_names import BindingState, ChannelNames
from handlers.store.tokens import Token, reader
from handlers.texts import HandlerError
from indexes.messages import Translatable

NAME = 100
QUOTING = frozenset({"id", "title", "phrasing", "votes", "question", "error", "file", "outcome"})
"""Values of what is in the audit log that may quote a knowledge base, or somebody's question."""


class ClosedError(HandlerError):
    """The content of a knowledge base is not for whoever asks for it."""


def knowledge_bases_for(services: Services, request: Request, *, public_reply: bool = False) -> tuple[str, ...]:
    """List the knowledge bases that may answer this person here: the channel's; in private, of all their channels.

    A `public_reply` shows what everybody there may see. Guests and people of other organisations get public ones only.
    """
    if public_reply:
        names = knowledge_bases_for_everybody(services, request.channel)
    elif is_in_channel(services, request):
        names = request.rules.knowledge_bases
    else:
        names = services.channels.names(services.access.channels_of(request.user))
    return seen_by(Reader(names, request.person.standing is Standing.MEMBER), services.channels.public)


def is_in_channel(services: Services, request: Request) -> bool:
    """Tell whether a request comes from a channel, and not from a direct message, a form or the Home tab."""
    return bool(request.channel) and not (request.is_direct or services.access.place(request.channel).is_group_dm)


def knowledge_bases_for_everybody(services: Services, channel: str) -> tuple[str, ...]:
    """List the knowledge bases that everybody in a place may see: all that an open reply there may show."""
    readers = services.access.readers(channel)
    first, *others = (services.channels.names(channels) for channels in readers.channels)
    names = tuple(name for name in first if all(name in each for each in others))
    return seen_by(Reader(names, not readers.has_outsiders), services.channels.public)


def knowledge_bases_for_program(services: Services, token: Token | None) -> tuple[str, ...]:
    """List the knowledge bases that a program may see over HTTP or MCP; without a token, public ones only."""
    return seen_by(reader(token, services.registry.loaded), services.channels.public)


def tell_what_is_withheld(services: Services, request: Request, shown: Collection[str], about: str) -> bool:
    """Tell a member privately if an open reply can't show all that they may see; return whether that is so.

    They are told once for each key `about`. Guests and externals see nothing more in private.
    """
    withheld = request.person.standing is Standing.MEMBER and not set(knowledge_bases_for(services, request)).issubset(
        shown
    )
    if withheld and services.claims.take(f"withheld:{about}:{request.user}"):
        key = "access.more" if shown else "access.overheard"
        request.tell_privately(notice(request.texts(key, command=services.config.search_command)))
    return withheld


def closed_to(services: Services, user: str) -> frozenset[str]:
    """List the knowledge bases whose content this person may not see: those of private channels that they are not in.

    One that a public channel has too, or none has, is open to every admin; so are the shared ones and the public ones.
    """
    mine = services.access.channels_of(user)
    own = {name: where for name, where in _served(services).items() if name not in services.channels.shared}
    return frozenset(
        name
        for name, where in own.items()
        if name not in services.channels.public and not any(_is_open(services, channel, mine) for channel in where)
    )


def _served(services: Services) -> dict[str, set[str]]:
    """Return the channels of each knowledge base, those included that are archived or that the bot had to leave."""
    served: dict[str, set[str]] = {}
    configured = services.channels.configured()
    for channel in configured:
        for name in channel.knowledge_bases:
            served.setdefault(name, set()).add(channel.id)
    known = {channel.id for channel in configured}
    for name, id_ in _remembered(services):
        if id_ not in known:
            served.setdefault(name, set()).add(id_)
    return served


def _remembered(services: Services) -> Iterator[tuple[str, str]]:
    """Yield knowledge bases with the channels they were given to; what kotae.toml gives away has none by its name."""
    by_file = services.channels.by_file
    yield from ((name, id_) for name, ids in by_file.items() for id_ in ids)
    for binding in ChannelNames(services.database).all():
        if binding.state is BindingState.BOUND and binding.channel and binding.name not in by_file:
            yield binding.name, binding.channel


def _is_open(services: Services, channel: str, mine: Collection[str]) -> bool:
    return channel in mine or not services.access.place(channel).is_private


def ensure_open(services: Services, user: str, name: str) -> None:
    """Raise ClosedError when the content of a knowledge base is not for this person."""
    if name in closed_to(services, user):
        raise ClosedError("access.closed", name=one_line(name, NAME), command=services.config.admin_command)


def may_know(services: Services, user: str, channel: str) -> bool:
    """Return whether somebody may read a channel: a public one, or one they are in."""
    return _is_open(services, channel, services.access.channels_of(user))


def may_read_question(services: Services, user: str, channel: str, closest: str, closed: Collection[str]) -> bool:
    """Return whether this person may read a question that somebody asked.

    It depends on the channel where it was asked, and on the knowledge base that came `closest`, which must not be one
    of those that are `closed` to them.
    """
    is_channel = channel[:1] in {"C", "G"}
    return closest not in closed and (not is_channel or may_know(services, user, channel))


def without_content(entry: AuditEntry, user: str, closed: Collection[str]) -> AuditEntry:
    """Remove from an audit entry what it quotes of a closed knowledge base, and of questions.

    Nothing says where a question was asked that somebody dismissed: whoever did so has read it.
    """
    done = entry.done
    name = done.values.get("name") or str(done.values.get("action", "")).partition(" ")[2]
    quotes_question = done.key.startswith("audit.miss.") or str(done.values.get("action", "")).startswith("miss ")
    of_closed = name in closed or str(done.values.get("outcome", "")).startswith(tuple(f"{one} " for one in closed))
    if not (of_closed or (quotes_question and entry.user != user)):
        return entry
    hidden = {key: Translatable("audit.elsewhere") for key in QUOTING & done.values.keys()}
    return replace(entry, done=done.with_values(hidden))


def left_by_guests(channel: Channel, public: frozenset[str], access: Access) -> tuple[str, ...] | None:
    """Return the knowledge bases that auto-reply may use in a channel with guests or people of other organisations.

    None where nothing is withheld: nobody of them is there, all of its knowledge bases are public, auto-reply is off,
    or the bot isn't in the channel.
    """
    if channel.auto_reply is AutoReply.OFF or public.issuperset(channel.knowledge_bases):
        return None
    if not access.place(channel.id).has_bot or not access.readers(channel.id).has_outsiders:
        return None
    return tuple(name for name in channel.knowledge_bases if name in public)
