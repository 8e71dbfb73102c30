"""Phrasings that people confirm: when they are learned, when not, and how they are undone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack, Message
from handlers.learning import learned_aliases
from handlers.learning.store.alias_votes import AliasVotes
from handlers.learning.store.learned_aliases import LearnedAliases
from handlers.store.audit import AuditLog
from handlers.store.questions import Questions
from indexes.encoder import ModelManager
from tests.audit import action, outcome
from tests.encoders import CountingModel
from tests.slack.conftest import IT_HELP, Start, approve, asked_so_far, reject, settle, stop

pytestmark = pytest.mark.usefixtures("lawful")

PHRASE = "ルーターの調子がわるい"
"""Found, as it shares a word with the record's answer, but far from certain."""

Ask = Callable[..., Message]


@pytest.fixture
def model() -> CountingModel:
    return CountingModel()


@pytest.fixture
def manager(model: CountingModel) -> Iterator[ModelManager]:
    managing = ModelManager(lambda *_: model)
    yield managing
    managing.close()


@pytest.fixture
def ask(slack: LocalSlack) -> Ask:
    def asking(who: str, question: str = PHRASE) -> Message:
        return slack.reply(slack.command(who, "it-help", f"/search {question}"))

    return asking


def press(slack: LocalSlack, bot: Bot, who: str, message: Message, action: str) -> None:
    if voted := {"vote_helpful": approve, "vote_unhelpful": reject}.get(action):
        voted(slack, who, message)
    else:
        slack.press(who, message, action)
    settle(slack, bot)


def confirmed_by(slack: LocalSlack, bot: Bot, ask: Ask, *people: str, question: str = PHRASE) -> None:
    for who in people:
        press(slack, bot, who, ask(who, question), "vote_helpful")


def aliases(bot: Bot, record: str = "vpn", name: str = "it-help") -> tuple[str, ...]:
    """The aliases that are searched, once everything taught is in force."""
    bot.services.maintenance.apply_aliases(bot.services.registry.state.learned_aliases).result(60)
    found = [each for each in bot.services.registry.loaded[name].index.records if each.id == record]
    return found[0].aliases if found else ()


def confidence(bot: Bot, question: str = PHRASE) -> float:
    return bot.services.registry.search(question, ["it-help"]).confidence


def test_two_people_who_confirm_teach_a_phrasing(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    before = confidence(bot)
    confirmed_by(slack, bot, ask, "alice")
    assert aliases(bot) == ()
    confirmed_by(slack, bot, ask, "hanako", question=f" {PHRASE}？ ")
    assert aliases(bot) == (f"{PHRASE}？",)
    assert before < 0.5
    assert confidence(bot) > 0.9
    people = [slack.person(who).id for who in ("alice", "hanako")]
    [entry] = AuditLog(bot.services.database).newest()
    assert (entry.user, action(entry)) == ("kotae", "learn")
    assert outcome(entry) == f"it-help vpn: {PHRASE}？; votes: {people[0]}, {people[1]}"


def test_one_person_is_never_enough(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    confirmed_by(slack, bot, ask, "alice", "alice", "alice")
    assert aliases(bot) == ()


@pytest.mark.parametrize("who", ["guest", "multi"])
@pytest.mark.usefixtures("guests")
def test_guests_do_not_count(slack: LocalSlack, start: Start, ask: Ask, who: str) -> None:
    bot = start(ConfigFile(knowledge_bases={"it-help": KnowledgeBaseSection(public=True)}))
    answer = slack.reply(slack.mention("alice", "it-help", PHRASE))
    press(slack, bot, "alice", answer, "vote_helpful")
    press(slack, bot, who, answer, "vote_helpful")
    assert aliases(bot) == ()
    [alice] = AliasVotes(bot.services.database).recent()
    assert len(Questions(bot.services.database).votes(alice.question)) == 2
    confirmed_by(slack, bot, ask, "hanako")
    assert aliases(bot) == (PHRASE,)


def test_more_confirmations_can_be_asked_for(slack: LocalSlack, start: Start, ask: Ask) -> None:
    bot = start(ConfigFile(confirmations=3))
    confirmed_by(slack, bot, ask, "alice", "hanako")
    assert aliases(bot) == ()
    confirmed_by(slack, bot, ask, "ichiro")
    assert aliases(bot) == (PHRASE,)


def test_a_doubt_weighs_against(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    press(slack, bot, "ichiro", ask("ichiro"), "vote_unhelpful")
    confirmed_by(slack, bot, ask, "alice", "hanako")
    assert aliases(bot) == ()
    confirmed_by(slack, bot, ask, "olivia")
    assert aliases(bot) == (PHRASE,)


def test_a_changed_vote_counts_as_it_is_now(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    answer = ask("alice")
    press(slack, bot, "alice", answer, "vote_helpful")
    press(slack, bot, "alice", answer, "vote_unhelpful")
    confirmed_by(slack, bot, ask, "hanako", "ichiro")
    assert aliases(bot) == ()
    press(slack, bot, "alice", answer, "vote_helpful")
    assert aliases(bot) == (PHRASE,)


def test_what_is_known_already_or_too_long_is_not_learned(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    confirmed_by(slack, bot, ask, "alice", "hanako", question="VPNにつながりません")
    confirmed_by(slack, bot, ask, "alice", "hanako", question="VPNにつながりません。" + "とても困っています。" * 20)
    assert aliases(bot) == ()
    assert AuditLog(bot.services.database).newest() == []


def test_a_question_confirmed_for_two_records_is_left_to_admins(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    ask("alice", "VPN プリンター")
    noted = asked_so_far(bot)[0]
    for who, hit in zip(("alice", "hanako", "ichiro"), (noted.hits[0], noted.hits[1], noted.hits[0]), strict=True):
        learned_aliases.confirm(bot.services, noted.id, slack.person(who).id, *hit.target)
    assert LearnedAliases(bot.services.database).newest(10) == []


def test_only_records_that_were_found_can_be_confirmed(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    ask("alice")
    noted = asked_so_far(bot)[0]
    for who in ("alice", "hanako"):
        learned_aliases.confirm(bot.services, noted.id, slack.person(who).id, "dev-faq", "secret")
        learned_aliases.confirm(bot.services, noted.id + 1, slack.person(who).id, "it-help", "vpn")
    assert AliasVotes(bot.services.database).recent() == []


def test_nearly_the_same_question_counts_too(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    confirmed_by(slack, bot, ask, "alice", question="ルーターの調子がわるいです")
    confirmed_by(slack, bot, ask, "hanako", question="ルーターの具合")
    assert aliases(bot) == ()
    confirmed_by(slack, bot, ask, "ichiro", question="ルーターの調子がわるい")
    assert aliases(bot) == ("ルーターの調子がわるい",)


# What was learned stays


def encoded_passages(bot: Bot) -> int:
    snapshot = bot.services.registry.loaded["it-help"].snapshot
    assert snapshot
    return len(snapshot.keys)


def test_only_the_new_text_is_encoded_and_a_restart_encodes_nothing(
    slack: LocalSlack, start: Start, ask: Ask, model: CountingModel
) -> None:
    wanted = {"encoder_backend": "sentence-transformers", "model_name": "counting"}
    first = start(**wanted)
    slack.wait_until(lambda: all(one.index.dense for one in first.services.registry.loaded.values()))
    before = encoded_passages(first)
    model.encoded.clear()
    confirmed_by(slack, first, ask, "alice", "hanako")
    assert aliases(first) == (PHRASE,)
    assert model.encoded == [PHRASE]
    assert encoded_passages(first) == before + 1
    stop(slack, first)
    second = start(**wanted)
    slack.wait_until(lambda: all(one.index.dense for one in second.services.registry.loaded.values()))
    assert aliases(second) == (PHRASE,)
    assert model.encoded == [PHRASE]


def test_it_survives_reload_and_change_and_comes_back_with_its_record(
    slack: LocalSlack, bot: Bot, ask: Ask, knowledge: Path
) -> None:
    confirmed_by(slack, bot, ask, "alice", "hanako")
    file = knowledge / "it-help.csv"

    def reloaded(text: str) -> tuple[str, ...]:
        file.write_text(text, encoding="utf-8")
        report = bot.services.maintenance.reload("it-help").result(60)
        assert not report.error
        return aliases(bot)

    assert reloaded(IT_HELP) == (PHRASE,)
    assert reloaded(IT_HELP.replace("VPNにつながりません。", "VPN に接続できません。")) == (PHRASE,)
    without = "".join(line for line in IT_HELP.splitlines(keepends=True) if not line.startswith("vpn,"))
    assert reloaded(without) == ()
    assert reloaded(IT_HELP) == (PHRASE,)
    assert reloaded(IT_HELP.replace("vpn,", "network-1,")) == ()
    assert aliases(bot, "network-1") == (PHRASE,)


def test_a_reload_does_not_count_what_was_learned_as_a_change(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    confirmed_by(slack, bot, ask, "alice", "hanako")
    report = bot.services.maintenance.reload("it-help").result(60)
    assert (report.added, report.changed, report.removed) == (0, 0, 0)
    record = bot.services.registry.record("it-help", "vpn")
    assert record
    assert record.aliases == ()


def test_a_refusal_is_told_in_the_thread_of_the_offer(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.mention("olivia", "it-help", PHRASE)
    approve(slack, "olivia", slack.reply(asked))
    [offer] = slack.wait_until(lambda: slack.ephemerals("olivia"), what="the offer")
    assert offer.thread_ts == asked.ts
    slack.person("olivia").is_admin = slack.person("olivia").is_owner = False
    bot.services.access._remembered.clear()
    pressed = slack.press("olivia", offer, "learn_phrasing")
    assert "message" not in pressed.payload
    refusal = slack.wait_until(lambda: slack.ephemerals("olivia")[1:], what="the refusal")[0]
    settle(slack, bot)
    assert refusal.thread_ts == asked.ts
