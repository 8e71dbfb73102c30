"""Questions put to the bot: the slash command, mentions, direct messages."""

from dataclasses import replace

from handlers.access import Standing
from handlers.answers.lookup import Find, find_answers
from handlers.answers.replies import first_reply
from handlers.answers.views import guide
from handlers.audience import is_in_channel, knowledge_bases_for, tell_what_is_withheld
from handlers.request import Request
from handlers.result import Result
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.slack.message_text import message_text
from handlers.slack.mrkdwn import has_words, plain
from handlers.store.questions import Origin, PostedReply, Questions

STARTING_SECONDS = 20.0
"""How long a question waits for the knowledge bases to be read after the start."""
HELP = frozenset({"help", "ヘルプ"})
"""What somebody types who wants to know how to ask."""


def slash(services: Services, request: Request) -> None:
    """`/search question`: answer privately; without a question, or with `help`, explain."""
    question = plain(str(request.body.get("text") or ""))
    names = knowledge_bases_for(services, request)
    lost = not has_words(question) or question.casefold() in HELP
    if lost and (names or request.person.standing is Standing.MEMBER):
        request.tell_privately(_usage(services, request, names))
    elif result := find_for_asker(services, request, question, names, Origin.SEARCH):
        request.tell_privately(first_reply(services, request, result, Origin.SEARCH))


def _usage(services: Services, request: Request, names: tuple[str, ...]) -> Message:
    command, of_person = services.config.search_command, not is_in_channel(services, request)
    return guide.usage(command, services.bot, topics(services, names), request.texts, of_person=of_person)


def mention(services: Services, request: Request, find: Find = find_answers) -> None:
    """`@Kotae question`: answer in the thread, for all to see; other bots are not answered."""
    with services.locks(request.channel, request.event["ts"]):
        if not request.event.get("bot_id") and services.claims.take(f"asked:{request.channel}:{request.event['ts']}"):
            answer_mention(services, request, find)


def in_group(services: Services, request: Request) -> None:
    """Answer a mention in a direct message of several people; their other messages are ignored.

    Slack doesn't promise an `app_mention` there; if it sends both events, the first is answered.
    """
    mention(services, replace(request, body={**request.body, "event": {**request.event, "type": "app_mention"}}))


def answer_mention(services: Services, request: Request, find: Find = find_answers) -> None:
    """Answer in the thread. A mention without words asks the question of the thread's first message."""
    spoken = plain(message_text(request.event))
    question = spoken if has_words(spoken) else _parent(request)
    if not has_words(question):
        request.post(notice(request.texts("mention.hello")))
        return
    names = knowledge_bases_for(services, request, public_reply=True)
    withheld = tell_what_is_withheld(services, request, names, f"{request.channel}:{request.event['ts']}")
    if (names or not withheld) and (result := find_for_asker(services, request, question, names, Origin.MENTION, find)):
        _answer_openly(request, result, first_reply(services, request, result, Origin.MENTION), Origin.MENTION)


def direct(services: Services, request: Request, find: Find = find_answers) -> None:
    """Answer a direct message."""
    with services.locks(request.channel, request.event["ts"]):
        if services.claims.take(f"asked:{request.channel}:{request.event['ts']}"):
            answer_direct(services, request, find)


def answer_direct(services: Services, request: Request, find: Find = find_answers) -> None:
    """Answer from the knowledge bases of the channels that the asker belongs to."""
    question = plain(message_text(request.event))
    names = knowledge_bases_for(services, request)
    if not has_words(question):
        request.post(notice(request.texts("dm.hello")))
    elif not names:
        request.post(notice(request.texts(why_nothing(services, request))))
    elif result := find_for_asker(services, request, question, names, Origin.DIRECT, find):
        _answer_openly(request, result, first_reply(services, request, result, Origin.DIRECT), Origin.DIRECT)


def topics(services: Services, names: tuple[str, ...]) -> list[guide.Topic]:
    """Return what the knowledge bases are about, for people who wonder what to ask."""
    loaded = services.registry.loaded
    return [guide.topic(name, loaded[name].index.records) for name in names if name in loaded]


def why_nothing(services: Services, request: Request) -> str:
    """Return the key of the text that says why nothing can be searched for this person here."""
    if request.person.standing is not Standing.MEMBER:
        return "access.guest"
    return "search.knows_nothing" if is_in_channel(services, request) else "home.knows_nothing"


def find_for_asker(
    services: Services,
    request: Request,
    question: str,
    names: tuple[str, ...],
    origin: Origin,
    find: Find = find_answers,
) -> Result | None:
    """Search for somebody who asked; None after telling them why that is not possible now."""
    if not names:
        request.tell_privately(notice(request.texts(why_nothing(services, request))))
        return None
    if not services.registry.wait_ready(STARTING_SECONDS):
        request.tell_privately(notice(request.texts("search.starting")))
        return None
    return find(services, question, names, request, origin)


def _answer_openly(request: Request, result: Result, message: Message, origin: Origin) -> None:
    """Post the answer, and store which message it is, so that it can follow an edit or deletion of the question."""
    sent = request.post(message)
    if sent and result.question_id is not None:
        reply = PostedReply(sent, result.question_id, origin, request.thread or request.event["ts"])
        Questions(request.services.database).remember_reply(request.channel, request.event["ts"], reply)


def _parent(request: Request) -> str:
    """Return the text of the thread's first message; blank outside a thread."""
    thread = request.event.get("thread_ts")
    if not thread or thread == request.event["ts"]:
        return ""
    messages = request.services.client.conversations_replies(channel=request.channel, ts=thread, limit=1)["messages"]
    return plain(message_text(messages[0])) if messages else ""
