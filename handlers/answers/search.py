"""Questions put to the bot: the slash command, mentions, direct messages."""

from dataclasses import replace

from handlers.access import Standing
from handlers.answers.answering import first_time
from handlers.answers.views import guide
from handlers.request import STARTING_SECONDS, Services, Turn, names_for, tell_of_the_rest
from handlers.result import Result
from handlers.slack.blocks import Message, notice
from handlers.slack.mrkdwn import has_words, plain
from handlers.store import Origin, Reply


def slash(services: Services, turn: Turn) -> None:
    """`/search question`: answer privately; without a question, or with `help`, explain."""
    question = plain(str(turn.body.get("text") or ""))
    names = names_for(services, turn)
    lost = not has_words(question) or question.casefold() == "help"
    if lost and (names or turn.person.standing is Standing.MEMBER):
        turn.whisper(guide.usage(services.search_command, services.bot, topics(services, names), turn.texts))
    elif result := found(services, turn, question, names, "search"):
        turn.whisper(first_time(services, turn, result, "search"))


def mention(services: Services, turn: Turn) -> None:
    """`@Kotae question`: answer in the thread, for all to see; other bots are not answered."""
    with services.conversations(turn.channel, turn.event["ts"]):
        if not turn.event.get("bot_id") and services.journal.claim(f"asked:{turn.channel}:{turn.event['ts']}"):
            answer_mention(services, turn)


def in_group(services: Services, turn: Turn) -> None:
    """Answer a mention in a direct message of several people; nothing else of it comes here, it is theirs.

    Slack doesn't promise an `app_mention` there; where it sends both, the first is answered.
    """
    mention(services, replace(turn, body={"event": {**turn.event, "type": "app_mention"}}))


def answer_mention(services: Services, turn: Turn) -> None:
    """Answer in the thread; a mention without words asks for the thread's first message."""
    spoken = plain(turn.event.get("text", ""))
    question = spoken if has_words(spoken) else _parent(turn)
    if not has_words(question):
        turn.post(notice(turn.texts("mention.hello")))
        return
    names = names_for(services, turn, public_reply=True)
    withheld = tell_of_the_rest(services, turn, names, f"{turn.channel}:{turn.event['ts']}")
    if (names or not withheld) and (result := found(services, turn, question, names, "mention")):
        _answer_openly(turn, result, first_time(services, turn, result, "mention"), "mention")


def direct(services: Services, turn: Turn) -> None:
    """Answer a direct message."""
    with services.conversations(turn.channel, turn.event["ts"]):
        if services.journal.claim(f"asked:{turn.channel}:{turn.event['ts']}"):
            answer_direct(services, turn)


def answer_direct(services: Services, turn: Turn) -> None:
    """Answer from the knowledge bases of the channels that the asker belongs to."""
    question = plain(turn.event.get("text", ""))
    names = names_for(services, turn)
    if not has_words(question):
        turn.post(notice(turn.texts("dm.hello")))
    elif not names:
        guest = turn.person.standing is not Standing.MEMBER
        turn.post(notice(turn.texts("access.guest" if guest else "dm.nothing")))
    elif result := found(services, turn, question, names, "dm"):
        _answer_openly(turn, result, first_time(services, turn, result, "dm"), "dm")


def topics(services: Services, names: tuple[str, ...]) -> list[guide.Topic]:
    """Say what the knowledge bases are about, for people who wonder what to ask."""
    loaded = services.registry.loaded
    return [guide.topic(name, loaded[name].index.records) for name in names if name in loaded]


def found(services: Services, turn: Turn, question: str, names: tuple[str, ...], origin: Origin) -> Result | None:
    """Search for somebody who asked; None when they were told why that is not possible now."""
    if not names:
        guest = turn.person.standing is not Standing.MEMBER
        turn.whisper(notice(turn.texts("access.guest" if guest else "search.knows_nothing")))
        return None
    if not services.registry.wait_ready(STARTING_SECONDS):
        turn.whisper(notice(turn.texts("search.starting")))
        return None
    return services.look_up(question, names, turn, origin)


def _answer_openly(turn: Turn, result: Result, message: Message, origin: Origin) -> None:
    """Post the answer, and remember it, so that it follows when the question is edited or deleted."""
    sent = turn.post(message)
    if sent and result.question_id is not None:
        reply = Reply(sent, result.question_id, origin)
        turn.services.journal.remember_reply(turn.channel, turn.event["ts"], reply)


def _parent(turn: Turn) -> str:
    """Return the first message of the thread in which the bot was called, or nothing outside a thread."""
    thread = turn.event.get("thread_ts")
    if not thread or thread == turn.event["ts"]:
        return ""
    messages = turn.services.client.conversations_replies(channel=turn.channel, ts=thread, limit=1)["messages"]
    return plain(messages[0].get("text", "")) if messages else ""
