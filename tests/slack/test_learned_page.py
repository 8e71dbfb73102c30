"""`/kb learned`: what admins see of learned phrasings, undo and decide. (Here people are named, and so mentioned.)"""

from bot.app import Bot
from bot.playground import LocalSlack
from handlers.learning import learned_aliases
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.store.audit import AuditLog
from tests.audit import action, outcome
from tests.slack.conftest import IT_HELP, Put, asked_so_far
from tests.slack.test_learned import PHRASE, Ask, aliases, ask, confidence, confirmed_by, press

__all__ = ["ask"]


def learned_page(slack: LocalSlack, who: str = "olivia") -> str:
    return slack.reply(slack.command(who, "it-help", "/kb learned")).shown


def test_admins_see_who_taught_what_and_undo_it(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    confirmed_by(slack, bot, ask, "alice", "hanako")
    confirmed_by(slack, bot, ask, "alice", "hanako", question="用紙の印刷待ち")
    alice, hanako, olivia = (slack.person(who).id for who in ("alice", "hanako", "olivia"))
    page = slack.reply(slack.command("olivia", "it-help", "/kb learned"))
    assert "*Learned phrasings*: 2" in page.shown
    assert f"“{PHRASE}” → VPNにつながりません。" in page.shown
    assert page.shown.index("用紙の印刷待ち") < page.shown.index(PHRASE)
    assert page.shown.count(f"confirmed by <@{alice}>, <@{hanako}>") == 2
    entry = LearnedAliases(bot.services.database).having([PHRASE])[0]
    press(slack, bot, "olivia", page, f"{entry.id}:0")
    assert PHRASE not in page.shown
    assert aliases(bot) == ()
    assert confidence(bot) < 0.5
    newest, *_ = AuditLog(bot.services.database).newest()
    assert (newest.user, action(newest)) == (olivia, "unlearn")
    assert outcome(newest).startswith(f"it-help vpn: {PHRASE}; votes:")
    confirmed_by(slack, bot, ask, "ichiro")  # the old votes count no more
    assert aliases(bot) == ()
    confirmed_by(slack, bot, ask, "alice")
    assert aliases(bot) == (PHRASE,)


def test_an_admin_learns_what_waits(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    confirmed_by(slack, bot, ask, "alice")
    page = slack.reply(slack.command("olivia", "it-help", "/kb learned"))
    assert "*Waiting for more confirmations, or for you*" in page.shown
    assert f"“{PHRASE}” → VPNにつながりません。" in page.shown
    press(slack, bot, "olivia", page, "learned_accept")
    assert aliases(bot) == (PHRASE,)
    assert "Waiting" not in page.shown
    olivia, alice = slack.person("olivia").id, slack.person("alice").id
    assert f"confirmed by <@{alice}> · learned by <@{olivia}>" in page.shown
    [entry] = AuditLog(bot.services.database).newest()
    assert (entry.user, outcome(entry)) == (olivia, f"it-help vpn: {PHRASE}; votes: {alice}")


def test_an_admin_who_votes_is_offered_to_learn_it_at_once(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    confirmed_by(slack, bot, ask, "hanako")
    asked = slack.command("olivia", "it-help", f"/search {PHRASE}")
    press(slack, bot, "olivia", slack.reply(asked), "vote_helpful")
    assert aliases(bot) == (PHRASE,)  # two have confirmed it: nothing is left to be offered
    assert not any("another way to ask" in each.shown for each in slack.workspace.ephemerals)
    other = "ルーターの具合"
    press(slack, bot, "olivia", slack.reply(slack.command("olivia", "it-help", f"/search {other}")), "vote_helpful")
    [offer] = [each for each in slack.workspace.ephemerals if "another way to ask" in each.shown]
    assert f"Shall “{other}” be another way to ask “VPNにつながりません。” from now on?" in offer.shown
    assert offer.ephemeral_to == slack.person("olivia").id
    press(slack, bot, "olivia", offer, "learn_phrasing")
    assert aliases(bot) == (PHRASE, other)
    assert offer.shown.startswith("Learned. `/kb learned` lists all phrasings")


def test_what_is_disputed_waits_with_a_word_of_warning(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    ask("alice", "VPN プリンター")
    noted = asked_so_far(bot)[0]
    for who, hit in zip(("alice", "hanako"), noted.hits, strict=False):
        learned_aliases.confirm(bot.services, noted.id, slack.person(who).id, *hit.target)
    assert learned_page(slack).count(":warning: also confirmed for another entry") == 2


def test_a_record_that_is_gone_is_said_to_be(slack: LocalSlack, bot: Bot, ask: Ask, put: Put) -> None:
    confirmed_by(slack, bot, ask, "alice", "hanako")
    without = "".join(line for line in IT_HELP.splitlines(keepends=True) if not line.startswith("vpn,"))
    put("it-help.csv", without)
    bot.services.maintenance.reload("it-help").result(60)
    assert f"“{PHRASE}” → _the entry is not there now_" in learned_page(slack)


def test_only_admins_may(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    assert learned_page(slack, "alice") == "Only workspace admins can do that."
    confirmed_by(slack, bot, ask, "alice", "hanako")
    page = slack.reply(slack.command("olivia", "it-help", "/kb learned"))
    slack.people["olivia"].is_admin = slack.people["olivia"].is_owner = False
    bot.services.access._remembered.clear()
    press(slack, bot, "olivia", page, "learned_undo")
    assert aliases(bot) == (PHRASE,)


def test_many_fit_on_pages(slack: LocalSlack, bot: Bot) -> None:
    people = tuple(f"U{number:010}" for number in range(9))
    for number in range(12):
        phrasing = f"{number:02}{'<&>' * 66}"
        LearnedAliases(bot.services.database).add(
            StoredAlias("it-help", "vpn", "VPN", f"{number}", phrasing, people, people[0])
        )
    for number in range(7):
        opinion = AliasVote(people[0], 100 + number, f"waiting {number}" + "&" * 180, "it-help", "print", agrees=True)
        AliasVotes(bot.services.database).add(opinion)
    page = slack.reply(slack.command("ichiro", "it-help", "/kb learned"))
    assert "*学習した別の聞き方*: 12件" in page.shown
    assert "「11" in page.shown
    assert "「01" not in page.shown
    assert page.shown.count("waiting") == 5
    assert page.shown.count(" +4") == 10
    press(slack, bot, "ichiro", page, "learned_more")
    assert "「01" in page.shown
    assert page.shown.count("取り消す") == 2
