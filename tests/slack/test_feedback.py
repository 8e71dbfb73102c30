"""Votes make confidence more honest, knowledge base by knowledge base, and a few of them only a little."""

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from indexes.confidence import unshifted
from tests.slack.conftest import Start, stop

QUESTION = "VPNがつながりません"
HELPFUL, UNHELPFUL = range(2)


def confidence(bot: Bot) -> float:
    return bot.services.registry.search(QUESTION, ["it-help"]).confidence


def vote(slack: LocalSlack, bot: Bot, times: int, button: int) -> None:
    """Ask `times` questions and vote on each answer."""

    def votes() -> int:
        return len(bot.services.journal.judged().get("it-help", []))

    total = votes() + times
    for _ in range(times):
        answer = slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
        slack.press("hanako", answer, "vote", button)
    slack.wait_until(lambda: votes() == total, what="the votes")
    bot.services.registry.learn(bot.services.journal.judged()).result()


def test_bad_votes_lower_confidence_and_good_ones_raise_it(slack: LocalSlack, bot: Bot) -> None:
    before = confidence(bot)
    vote(slack, bot, 3, UNHELPFUL)
    doubted = confidence(bot)
    assert doubted < before
    assert bot.services.registry.shifts["it-help"] > -1.5
    assert bot.services.registry.search("What does ERR-4012 mean?", ["dev-faq"]).confidence > 0.5
    vote(slack, bot, 4, HELPFUL)
    assert confidence(bot) > doubted


def test_votes_are_compared_with_what_was_thought_without_them(slack: LocalSlack, bot: Bot) -> None:
    before = confidence(bot)
    vote(slack, bot, 3, UNHELPFUL)
    judged = bot.services.journal.judged()["it-help"]
    assert [each.right for each in judged] == [False, False, False]
    assert [each.confidence for each in judged] == pytest.approx([before] * 3)
    assert unshifted(confidence(bot), bot.services.registry.shifts["it-help"]) == pytest.approx(before)


def test_what_was_learnt_survives_a_restart(slack: LocalSlack, start: Start) -> None:
    bot = start()
    vote(slack, bot, 3, UNHELPFUL)
    learnt = confidence(bot)
    stop(slack, bot)
    again = start()
    slack.wait_until(lambda: again.services.registry.shifts != {}, what="the votes")
    assert confidence(again) == pytest.approx(learnt)
