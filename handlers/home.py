"""The bot's Home tab, and its first words in a channel."""

from handlers import texts as words
from handlers.desk import Services, Turn
from handlers.search import found, names_for, topics, unfold
from handlers.views import guide, home
from handlers.views.answers import answer
from handlers.views.message import Message, notice
from handlers.views.text import has_words, plain


def opened(services: Services, turn: Turn) -> None:
    """Show the Home tab as it is for this person now."""
    if turn.event.get("tab", "home") == "home":
        _publish(services, turn)


def asked(services: Services, turn: Turn) -> None:
    """Answer what was typed into the Home tab, there."""
    question = plain(turn.pressed)
    if turn.refuse_unless_known():
        return
    if not has_words(question):
        _publish(services, turn, notice(turn.texts("search.empty")))
    elif result := found(services, turn, question, names_for(services, turn), "home"):
        _publish(services, turn, answer(result, turn.texts, restate=True))


def show(services: Services, turn: Turn) -> None:
    """Unfold a hit in the Home tab."""
    if unfolded := unfold(services, turn):
        _, result, shown = unfolded
        _publish(services, turn, answer(result, turn.texts, restate=True, shown=shown))


def joined(services: Services, turn: Turn) -> None:
    """Introduce the bot to a channel it was invited to, once ever."""
    if turn.user == services.access.bot_user and services.journal.claim(f"introduced:{turn.channel}"):
        services.rescan()  # Slack doesn't list a private channel before the bot is in it
        shared = services.access.place(turn.channel).is_shared
        names = services.channels.of(turn.channel).knowledge_bases
        known = topics(services, tuple(name for name in names if not shared or name in services.channels.public))
        texts = words.for_question(" ".join(category for topic in known for category in topic.categories))
        turn.post(guide.introduction(services.search_command, services.bot, known, texts))


def _publish(services: Services, turn: Turn, said: Message | None = None) -> None:
    names = names_for(services, turn)
    often = [
        home.Often(name, record, times)
        for name, id_, times in services.journal.most_asked(names)
        if (record := services.registry.record(name, id_))
    ]
    view = home.home(topics(services, names), often, said, services.search_command, services.bot, turn.texts)
    services.client.views_publish(user_id=turn.user, view=view)
