"""The Home tab, and the introduction in a channel."""

from dataclasses import replace

from handlers import commands
from handlers import texts as words
from handlers.access import JOINED, Need
from handlers.admin import quiet, settings
from handlers.admin.reports import overview_of
from handlers.admin.store.statistics import Overview, Tally
from handlers.admin.views.trend import trend
from handlers.answers import suggestions
from handlers.answers.replies import first_reply
from handlers.answers.search import find_for_asker, topics
from handlers.answers.views import guide
from handlers.audience import knowledge_bases_for, knowledge_bases_for_everybody
from handlers.features import Feature
from handlers.files.fetching import polled_sources
from handlers.home.views import home
from handlers.home.views.dashboard import LISTED, Dashboard, Kept, menu_value
from handlers.learning import misses
from handlers.learning.proof import proofs_of
from handlers.learning.views.misses import at_home
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.slack.mrkdwn import has_words, plain
from handlers.store.changes import CHANNELS
from handlers.store.questions import DAYS, Origin, Questions

BUTTONS, MENU = ("add", "misses", "learned", "proposals", "stats", "status", "audit"), ("reload", "versions", "export")
"""The `/kb` actions that admins are offered: as buttons, and for each knowledge base."""
SPOKEN = 50
"""Records of each knowledge base whose language is that of the introduction."""


def opened(services: Services, request: Request) -> None:
    """Publish the Home tab for this person; in the Messages tab, suggest questions."""
    if request.event.get("tab", "home") == "home":
        _publish(services, request)
    else:
        suggestions.opened(services, request)


def asked(services: Services, request: Request) -> None:
    """Answer what was typed into the Home tab, there."""
    question = plain(request.pressed)
    if not has_words(question):
        _publish(services, request, notice(request.texts("search.empty")))
    elif result := find_for_asker(services, request, question, knowledge_bases_for(services, request), Origin.HOME):
        put(services, request, first_reply(services, request, result, Origin.HOME))


def put(services: Services, request: Request, answered: Message) -> None:
    """Show an answer in the Home tab instead of the one before."""
    _publish(services, request, answered)


def do(services: Services, request: Request) -> None:
    """Run the `/kb` action of an admin's button; its answer comes as a direct message."""
    if request.pressed in BUTTONS:
        commands.ACTIONS[request.pressed].run(services, request, "")


def menu(services: Services, request: Request) -> None:
    """Run the `/kb` action chosen for a knowledge base."""
    wanted = _chosen(request)
    named = {menu_value(verb, name): (verb, name) for name in services.registry.sources() for verb in MENU}
    if wanted in named:
        verb, name = named[wanted]
        commands.ACTIONS[verb].run(services, request, name)


def need_of_button(request: Request) -> Need:
    """Return who may press the button of a `/kb` action."""
    return commands.need_of(request.pressed)


def need_of_choice(request: Request) -> Need:
    """Return who may choose a `/kb` action in a knowledge base's menu."""
    return commands.need_of(_chosen(request).partition(":")[0])


def _chosen(request: Request) -> str:
    return str(request.body["actions"][0]["selected_option"]["value"])


def settings_of(services: Services, request: Request) -> None:
    """Open a channel's settings."""
    settings.open_for(services, request, request.pressed)


def dismissed(services: Services, request: Request) -> None:
    """Close a miss that was no question, and update the tab."""
    misses.close(services, request, "not_a_question")
    _publish(services, request)


def put_off(services: Services, request: Request) -> None:
    """Hide a miss for a week, and update the tab."""
    misses.close(services, request, "later")
    _publish(services, request)


def joined(services: Services, request: Request) -> None:
    """Introduce the bot to a channel it was invited to, once ever; whoever else joins reads along from now on."""
    services.access.note_joined(request.channel)
    services.changes.tell(f"{JOINED}{request.channel}")
    if request.user != services.access.bot_user:
        return
    services.rescan()  # Slack doesn't list a private channel before the bot is in it
    services.changes.tell(CHANNELS)
    if services.messenger.may_post() and services.claims.take_forever(f"introduced:{request.channel}"):
        names = knowledge_bases_for_everybody(services, request.channel)
        loaded = [services.registry.loaded[name] for name in names if name in services.registry.loaded]
        texts = words.for_questions([record.question for each in loaded for record in each.index.records[:SPOKEN]])
        known = topics(services, names)
        request.post(guide.introduction(services.config.search_command, services.bot, known, texts))


def _publish(services: Services, request: Request, said: Message | None = None) -> None:
    """Publish the tab; for admins once more when the picture of the trend has reached Slack."""
    if not request.person.is_admin:
        _put(services, request, said, None)
        return
    found = misses.unanswered(services, DAYS)
    overview = overview_of(services, DAYS, found)
    picture = trend(overview.by_day)
    known = services.messenger.pictures.known(picture)
    dashboard = _dashboard(services, request, overview, found)

    def put(file: str | None) -> None:
        _put(services, request, said, replace(dashboard, picture=file))

    place = f"home of {request.user}"
    services.messenger.pictures.show(known, place, put)
    if known is None and (uploaded := services.messenger.pictures.upload(picture, "trend.png")):
        services.messenger.pictures.show(uploaded, place, put)


def _put(services: Services, request: Request, said: Message | None, admins: Dashboard | None) -> None:
    names = knowledge_bases_for(services, request)
    often = [
        home.Often(name, record, times)
        for name, id_, times in Questions(services.database).most_asked(names)
        if (record := services.registry.record(name, id_))
    ]
    view = home.home(
        topics(services, names),
        often,
        said,
        services.config.search_command,
        services.bot,
        request.texts,
        admins,
        completes=services.channels.offers(Feature.TYPEAHEAD),
        words_only=services.searches_words_only(names),
    )
    services.messenger.publish_home(request.user, view)


def _dashboard(services: Services, request: Request, overview: Overview, found: misses.Unanswered) -> Dashboard:
    """Return the admins' part of the tab; the picture is added when Slack has it."""
    polled, loaded = polled_sources(services, request.user), services.registry.loaded
    sizes = {
        name: len(loaded[name].index.records) if name in loaded else 0 for name in dict.fromkeys([*loaded, *polled])
    }
    kept = [Kept(name, size, overview.by_name.get(name, Tally()), polled.get(name)) for name, size in sizes.items()]
    missed = at_home(misses.shown(services, request.user, found, DAYS), request.texts)
    channels = [proofs_of(services, channel) for channel in services.channels.configured()[:LISTED]]
    said = quiet.state(services.messenger.quiet.until(), services.config.admin_command, request.texts)
    return Dashboard(overview, None, kept, channels, BUTTONS, MENU, missed, said)
