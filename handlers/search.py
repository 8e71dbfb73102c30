"""Questions put to the bot: the slash command, mentions, direct messages, and the buttons below an answer."""

from handlers import learned
from handlers import texts as words
from handlers.access import Standing
from handlers.desk import STARTING_SECONDS, Services, Turn
from handlers.journal import Noted, Origin, Reply
from handlers.views import guide
from handlers.views.answers import Result, answer
from handlers.views.message import Message, notice
from handlers.views.text import has_words, plain


def slash(services: Services, turn: Turn) -> None:
    """`/search question`: answer privately; without a question, or with `help`, explain."""
    question = plain(str(turn.body.get("text") or ""))
    if turn.refuse_unless_known():
        return
    names = names_for(services, turn)
    lost = not has_words(question) or question.casefold() == "help"
    if lost and (names or turn.person.standing is Standing.MEMBER):
        turn.whisper(guide.usage(services.search_command, services.bot, topics(services, names), turn.texts))
    elif result := found(services, turn, question, names, "search"):
        turn.whisper(answer(result, turn.texts, restate=True))


def mention(services: Services, turn: Turn) -> None:
    """`@Kotae question`: answer in the thread, for all to see; other bots are not answered."""
    with services.conversations(turn.channel, turn.event["ts"]):
        if not turn.event.get("bot_id") and services.journal.claim(f"asked:{turn.channel}:{turn.event['ts']}"):
            answer_mention(services, turn)


def answer_mention(services: Services, turn: Turn) -> None:
    """Answer in the thread; a mention without words asks for the thread's first message."""
    if turn.refuse_unless_known():
        return
    spoken = plain(turn.event.get("text", ""))
    question = spoken if has_words(spoken) else _parent(turn)
    if not has_words(question):
        turn.post(notice(turn.texts("mention.hello")))
        return
    names = names_for(services, turn, public_reply=True)
    if not names and services.channels.of(turn.channel).knowledge_bases:
        turn.whisper(notice(_refusal(services, turn)))
        return
    if result := found(services, turn, question, names, "mention"):
        _answer_openly(turn, result, answer(result, words.for_question(question)), "mention")


def direct(services: Services, turn: Turn) -> None:
    """Answer a direct message."""
    with services.conversations(turn.channel, turn.event["ts"]):
        if services.journal.claim(f"asked:{turn.channel}:{turn.event['ts']}"):
            answer_direct(services, turn)


def answer_direct(services: Services, turn: Turn) -> None:
    """Answer from the knowledge bases of the channels that the asker belongs to."""
    if turn.refuse_unless_known():
        return
    question = plain(turn.event.get("text", ""))
    names = names_for(services, turn)
    if not has_words(question):
        turn.post(notice(turn.texts("dm.hello")))
    elif not names:
        guest = turn.person.standing is not Standing.MEMBER
        turn.post(notice(turn.texts("access.guest" if guest else "dm.nothing")))
    elif result := found(services, turn, question, names, "dm"):
        _answer_openly(turn, result, answer(result, turn.texts), "dm")


def show(services: Services, turn: Turn) -> None:
    """Unfold a hit in place."""
    if unfolded := unfold(services, turn):
        noted, result, shown = unfolded
        chosen = turn.texts if noted.source in {"search", "dm"} else words.for_question(noted.text)
        turn.replace(answer(result, chosen, restate=noted.source == "search", shown=shown))


def unfold(services: Services, turn: Turn) -> tuple[Noted, Result, frozenset[int]] | None:
    """Return the question whose Show button was pressed, and the ranks to show; None for those who may not see them.

    The button carries the question's number and the ranks, such as ``17:12``.
    """
    number, _, ranks = turn.pressed.partition(":")
    earlier = services.look_back(int(number))
    if earlier is None or turn.refuse_unless_known():
        return None
    noted, result = earlier
    if _may_see(services, turn, result):
        return noted, result, frozenset(int(rank) for rank in ranks)
    turn.whisper(notice(turn.texts("access.guest")))
    return None


def vote(services: Services, turn: Turn) -> None:
    """Note whether an answer helped; a person has one vote and may change it."""
    pressed = turn.body["actions"][0]
    kind = str(pressed["action_id"]).removeprefix("vote_")
    number = int(pressed["value"])
    services.vote(number, turn.user, kind)
    turn.whisper(notice(turn.texts(f"vote.{kind}")))
    judge_first(services, number, turn.user, right=kind == "helpful")


def judge_first(services: Services, number: int, user: str, *, right: bool) -> None:
    """Take a vote on a reply for one on its first hit."""
    noted = services.journal.noted(number)
    if noted and noted.hits:
        (learned.confirm if right else learned.doubt)(services, number, user, *noted.hits[0].target)


def names_for(services: Services, turn: Turn, *, public_reply: bool = False) -> tuple[str, ...]:
    """List the knowledge bases that may answer this person here: the channel's, in private those of all their channels.

    Guests and people of other organisations get public ones only, and so does a channel shared with such people
    when everybody there reads the reply.
    """
    if turn.channel and not turn.is_direct:
        names = services.channels.of(turn.channel).knowledge_bases
    else:
        names = services.channels.names(services.access.channels_of(turn.user))
    overheard = public_reply and services.access.place(turn.channel).is_shared
    if turn.person.standing is Standing.MEMBER and not overheard:
        return names
    return tuple(name for name in names if name in services.channels.public)


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


def _refusal(services: Services, turn: Turn) -> str:
    if turn.person.standing is Standing.MEMBER:
        return turn.texts("access.external", command=services.search_command)
    return turn.texts("access.guest")


def _may_see(services: Services, turn: Turn, result: Result) -> bool:
    """Tell whether whoever pressed the button may see every hit: others than members only what is public."""
    if turn.person.standing is Standing.MEMBER:
        return True
    return all(entry.knowledge_base in services.channels.public for entry in result.entries)
