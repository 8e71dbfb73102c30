"""Explanations: how to ask, what can be asked about, who the bot is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block

from handlers.slack.blocks import Message, actions, button, entries, section
from handlers.slack.mrkdwn import one_line
from handlers.texts import Texts
from indexes.records import Record
from indexes.records.stored import categories

TOPICS = 5
NAME, CATEGORIES = 50, 60
SUGGESTION = 75
"""Characters that a button's label takes."""
VALUE = 2000
"""Characters that a button can carry."""
LISTED = 20
"""Knowledge bases listed: with names and categories as long as they may be, they stay within one section."""


@dataclass(frozen=True)
class Topic:
    """A knowledge base, how many records it has and its most frequent categories."""

    name: str
    records: int
    categories: tuple[str, ...]


def topic(name: str, records: Sequence[Record]) -> Topic:
    """Describe a knowledge base."""
    counted = Counter(categories(records))
    return Topic(name, len(records), tuple(category for category, _ in counted.most_common(TOPICS)))


def usage(command: str, bot: str, topics: Sequence[Topic], texts: Texts, *, of_person: bool = False) -> Message:
    """Explain how to ask, and about what; see `knows`."""
    text = texts("search.usage", command=command)
    how = section(f"{text}\n{texts('search.public', bot=bot)}")
    blocks: list[Block] = [how, section(knows(topics, texts, of_person=of_person))]
    return Message(text, blocks)


def introduction(command: str, bot: str, topics: Sequence[Topic], texts: Texts) -> Message:
    """Introduce the bot to a channel that it was invited to."""
    text = texts("intro", bot=bot, command=command)
    return Message(text, [section(text), section(knows(topics, texts))])


def suggestions(offered: Sequence[tuple[str, Record]], texts: Texts) -> Message:
    """Greet somebody and suggest questions; a button's value is the knowledge base's name and the record's id."""
    text = texts("dm.hello")
    buttons = [
        button(record.question, f"suggest_{number}", f"{name}\n{record.id}")
        for number, (name, record) in enumerate(offered, start=1)
        if len(f"{name}\n{record.id}") <= VALUE
    ]
    title = section(texts("suggest.title"))
    return Message(text, [section(text), *([title, actions(*buttons)] if buttons else [])])


def knows(topics: Sequence[Topic], texts: Texts, *, of_person: bool = False) -> str:
    """List what can be asked about: in a channel, or in all channels of a person."""
    if not topics:
        return texts("home.knows_nothing" if of_person else "search.knows_nothing")
    lines = [
        texts(
            "search.knows_one",
            name=one_line(topic.name, NAME),
            records=entries(topic.records, texts),
            topics=_categories(topic, texts),
        )
        for topic in topics[:LISTED]
    ]
    more = [texts("kb.more_problems", count=len(topics) - LISTED)] if len(topics) > LISTED else []
    return "\n".join([texts("home.knows" if of_person else "search.knows"), *lines, *more])


def _categories(topic: Topic, texts: Texts) -> str:
    if not topic.categories:
        return ""
    return texts("search.topics", topics=one_line(texts("list.comma").join(topic.categories), CATEGORIES))
