"""Votes make confidence more honest, knowledge base by knowledge base, and a few of them only a little."""

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack
from handlers.learning.store.misses import Misses
from handlers.learning.store.voices import Voices
from handlers.learning.votes import vote_on
from handlers.store.questions import Questions
from indexes.confidence.confidence import unshifted
from indexes.confidence.votes import Judgement
from tests.slack.conftest import Start, asked_so_far, settle, stop
from tests.state import change

QUESTION = "VPNがつながりません"
HELPFUL, UNHELPFUL = range(2)
PUBLIC = ConfigFile(knowledge_bases={"it-help": KnowledgeBaseSection(public=True)})
"""What guests may see, and so vote on."""


def confidence(bot: Bot) -> float:
    return bot.services.registry.search(QUESTION, ["it-help"]).confidence


def said(bot: Bot, name: str = "it-help") -> list[Judgement]:
    judged = Voices(bot.services.database).judged()
    assert judged is not None
    return judged.get(name, [])


def votes(bot: Bot) -> dict[str, str]:
    """Who voted how on the only question."""
    [miss] = Misses(bot.services.database).open(0, 9)
    return Questions(bot.services.database).votes(miss.id)


def weight(bot: Bot) -> float:
    return sum(each.weight for each in said(bot))


def vote(slack: LocalSlack, bot: Bot, button: int, *people: str) -> None:
    """Let everybody ask the question and vote on the answer."""
    for who in people:
        answer = slack.reply(slack.command(who, "it-help", f"/search {QUESTION}"))
        slack.press(who, answer, "vote", button)
        settle(slack, bot)
    caught_up(bot)


def caught_up(bot: Bot) -> None:
    """Wait until the votes are in force."""
    bot.services.maintenance.apply_aliases(bot.services.registry.state.learned_aliases).result(60)


def test_bad_votes_lower_confidence_and_good_ones_raise_it(slack: LocalSlack, bot: Bot) -> None:
    before = confidence(bot)
    vote(slack, bot, UNHELPFUL, "hanako", "alice", "ichiro")
    doubted = confidence(bot)
    assert doubted < before
    assert -0.75 <= bot.services.registry.shifts["it-help"] < 0
    assert bot.services.registry.search("What does ERR-4012 mean?", ["dev-faq"]).confidence > 0.5
    vote(slack, bot, HELPFUL, "hanako", "alice", "ichiro", "olivia")
    assert confidence(bot) > before


def test_twelve_votes_of_one_person_are_one_voice(slack: LocalSlack, bot: Bot) -> None:
    vote(slack, bot, UNHELPFUL, "hanako")
    once = bot.services.registry.shifts["it-help"]
    vote(slack, bot, UNHELPFUL, *["hanako"] * 11)
    assert -0.25 <= bot.services.registry.shifts["it-help"] == pytest.approx(once, abs=0.01)
    assert weight(bot) == 1
    vote(slack, bot, UNHELPFUL, "alice")
    assert weight(bot) == 2


@pytest.mark.parametrize("who", ["guest", "multi"])
@pytest.mark.usefixtures("guests")
def test_the_vote_of_a_guest_is_shown_and_weighs_nothing(slack: LocalSlack, start: Start, who: str) -> None:
    bot = start(PUBLIC)
    answer = slack.reply(slack.mention("alice", "it-help", QUESTION))
    before = confidence(bot)
    slack.press(who, answer, "vote", UNHELPFUL)
    settle(slack, bot)
    caught_up(bot)
    assert confidence(bot) == before
    assert said(bot) == []
    assert votes(bot) == {slack.person(who).id: "unhelpful"}
    slack.press("hanako", answer, "vote", UNHELPFUL)
    settle(slack, bot)
    caught_up(bot)
    assert (confidence(bot) < before, weight(bot)) == (True, 1)


def test_who_can_not_be_looked_up_has_no_voice(slack: LocalSlack, bot: Bot) -> None:
    slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    [question] = asked_so_far(bot)
    vote_on(bot.services, question.id, "U0NOBODY", "unhelpful")
    assert said(bot) == []
    vote_on(bot.services, question.id, slack.person("hanako").id, "unhelpful")
    assert weight(bot) == 1


def test_votes_are_compared_with_what_was_thought_without_them(slack: LocalSlack, bot: Bot) -> None:
    before = confidence(bot)
    vote(slack, bot, UNHELPFUL, "hanako", "alice", "ichiro")
    [judged] = said(bot)
    assert (judged.right, judged.weight) == (False, 3)
    assert judged.confidence == pytest.approx(before, abs=0.04)
    assert unshifted(confidence(bot), bot.services.registry.shifts["it-help"]) == pytest.approx(before)


def test_what_was_learnt_survives_a_restart(slack: LocalSlack, start: Start) -> None:
    bot = start()
    vote(slack, bot, UNHELPFUL, "hanako", "alice", "ichiro")
    learnt = confidence(bot)
    stop(slack, bot)
    again = start()
    slack.wait_until(lambda: again.services.registry.shifts != {}, what="the votes")
    assert confidence(again) == pytest.approx(learnt)


@pytest.mark.usefixtures("guests")
def test_votes_of_before_there_were_voices_are_counted_once_and_without_guests(
    slack: LocalSlack, start: Start, state_url: str
) -> None:
    bot = start(PUBLIC)
    answer = slack.reply(slack.mention("alice", "it-help", QUESTION))
    for who in ("hanako", "alice", "guest"):
        slack.press(who, answer, "vote", UNHELPFUL)
    settle(slack, bot)
    caught_up(bot)
    assert len(votes(bot)) == 3
    learnt = confidence(bot)
    stop(slack, bot)
    for rows in ("voices", "tallies", "installation WHERE key = 'voices_counted'"):
        change(state_url, f"DELETE FROM {rows}")
    again = start(PUBLIC)
    slack.wait_until(lambda: again.services.registry.shifts != {}, what="the votes")
    assert weight(again) == 2
    assert confidence(again) == pytest.approx(learnt)
    assert Voices(again.services.database).is_counted()
