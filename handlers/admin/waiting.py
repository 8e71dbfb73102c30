"""Channels that were given the name of a knowledge base later: an admin decides whether they are served it."""

from functools import partial

from handlers.admin.views import waiting as view
from handlers.admins import tell_admins
from handlers.audience import ensure_open, left_by_guests
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.store.audit import AuditLog
from handlers.store.changes import CHANNELS
from handlers.store.channel_names import Binding, BindingState, ChannelNames
from indexes.messages import Translatable, Value


def listed(services: Services, request: Request, _: str) -> None:
    """`/kb channels`: list what each channel searches, and the channels that wait for a decision."""
    services.rescan()
    channels = services.channels
    configured = channels.configured()
    found = {each.id: left_by_guests(each, channels.public, services.access) for each in configured}
    left = {id_: names for id_, names in found.items() if names is not None}
    request.tell_privately(view.channels(channels.waiting, configured, channels.shared, left, request.texts))


def renamed(services: Services, _: Request) -> None:
    """Check the names of channels again after a channel that the bot is in was renamed."""
    services.rescan()
    services.changes.tell(CHANNELS)


def ask_admins(services: Services) -> None:
    """Ask admins about each waiting channel once; while nobody can be reached, it is tried again next time."""
    with services.locks("waiting"):
        known = ChannelNames(services.database).all()
        untold = {(each.name, each.channel) for each in known if each.state is BindingState.WAITING}
        for waiting in services.channels.waiting:
            claims = [(claim, waiting.channel) for claim in waiting.claims if (claim, waiting.channel) in untold]
            if claims and tell_admins(services, partial(view.asked, waiting)):
                ChannelNames(services.database).remember([Binding(*claim, BindingState.ASKED) for claim in claims])


def served(services: Services, request: Request) -> None:
    """Serve the knowledge base to the channel from now on."""
    _decide(services, request, BindingState.BOUND)


def declined(services: Services, request: Request) -> None:
    """Don't serve it to the channel, and don't ask again."""
    _decide(services, request, BindingState.DECLINED)


def _decide(services: Services, request: Request, claim: BindingState) -> None:
    services.rescan()  # it may have another name by now, or somebody else may have decided
    waiting = next((each for each in services.channels.waiting if view.value(each) == request.pressed), None)
    if waiting is None:
        request.update_message(notice(request.texts("waiting.gone")))
        return
    if claim is BindingState.BOUND:
        for name in waiting.claims:
            ensure_open(services, request.user, name)
    decision = [Binding(name, waiting.channel, claim, request.user) for name in waiting.claims]
    ChannelNames(services.database).decide(decision)
    services.rescan()
    what: dict[str, Value] = {"name": waiting.name, "bases": tuple(waiting.knowledge_bases)}
    bound = claim is BindingState.BOUND
    done = Translatable("audit.serve", **what) if bound else Translatable("audit.not_served", **what)
    AuditLog(services.database).record(request.user, waiting.channel, done)
    request.update_message(view.decided(waiting, request.texts, served=claim is BindingState.BOUND))
