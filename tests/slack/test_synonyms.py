"""Words that learn: synonyms that are proposed to admins, from what people ask and confirm to their decision."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack, Message
from handlers.features import Feature
from handlers.privacy.store.forgetting import forget
from handlers.store.audit import AuditLog
from handlers.synonyms.mining import look_for_synonyms
from handlers.synonyms.store.synonyms import Synonyms
from tests.slack.conftest import Start, approve, asked_so_far, settle

pytestmark = pytest.mark.usefixtures("lawful")

JAPANESE = """\
id,質問,回答
broken,ノートパソコンの画面が割れました。,修理窓口にお持ちください。
carry,ノートパソコンを社外に持ち出せますか？,申請すれば持ち出せます。
swap,ノートパソコンの交換はいつですか？,四年ごとに交換します。
dark,会議室の画面に何も映りません。,入力をケーブルに合わせてください。
dim,モニターの画面が暗いです。,明るさのボタンを押してください。
key,鍵を社外に持ち出せますか？,鍵は持ち出せません。
bulb,電球の交換を頼めますか？,総務に頼んでください。
desk,机の交換を頼めますか？,総務の倉庫にあります。
room,会議室の予約のしかたを教えてください。,予定表から予約します。
vpn,VPNにつながりません。,つなぎ直してください。
"""
ENGLISH = """\
id,question,answer
broken,The screen of my notebook is cracked.,Bring it to the repair desk.
carry,May I carry a notebook out of the office?,Yes with a permit.
swap,When is a notebook exchanged?,Every four years.
dark,The screen in the meeting room is dark.,Choose the input by cable.
dim,The screen of the monitor flickers.,Press its button.
key,May I carry keys out of the office?,Keys stay here.
bulb,Who exchanges bulbs?,Facilities does.
desk,Who exchanges desks?,They are in the store.
room,How are meeting rooms reserved?,In the calendar.
vpn,The VPN does not connect.,Connect again.
"""
ASKED = {
    "ja": ("ラップトップの画面がおかしい", "ラップトップの持ち出し", "ラップトップを交換"),
    "en": ("laptop screen broken", "carry my laptop", "laptop exchanged when"),
}
PAIR = {"ja": ("ラップトップ", "ノートパソコン"), "en": ("laptop", "notebook")}
SYNONYMS = "original,normalized\nwlan,Wi-Fi\n"
RECORDS = ("broken", "carry", "swap")
PEOPLE = ("hanako", "alice", "hanako")
LATER = 4e9
"""A time long after the last look."""


@pytest.fixture(params=["ja", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bot(slack: LocalSlack, start: Start, knowledge: Path, language: str) -> Bot:
    """The bot with one knowledge base and one synonym, in whose language its admin reads."""
    (knowledge / "it-help.csv").write_text(JAPANESE if language == "ja" else ENGLISH, encoding="utf-8")
    (knowledge / "_synonyms.csv").write_text(SYNONYMS, encoding="utf-8")
    slack.person("olivia").locale = "ja-JP" if language == "ja" else "en-US"
    return start(admin_users=(slack.person("olivia").id,))


def confirm(slack: LocalSlack, bot: Bot, language: str, where: str = "it-help") -> None:
    """Let people ask three questions and say which entry answered them."""
    for who, question, record in zip(PEOPLE, ASKED[language], RECORDS, strict=True):
        answer = slack.reply(slack.command(who, where, f"/search {question}"))
        press_right(slack, bot, who, answer, record)


def press_right(slack: LocalSlack, bot: Bot, who: str, answer: Message, record: str) -> None:
    """Confirm the hit with this record, wherever it is in the answer."""
    question = asked_so_far(bot)[-1]
    place = [hit.record for hit in question.hits].index(record) + 1
    if place == 1:
        approve(slack, who, answer)
    else:
        slack.press(who, answer, f"show_{place}")
        slack.wait_until(lambda: f"this_one_{place}" in str(answer.blocks), what="the unfolding")
        slack.press(who, answer, f"this_one_{place}")
    settle(slack, bot)


def kb(slack: LocalSlack, who: str, line: str = "synonyms") -> Message:
    return slack.reply(slack.command(who, "it-help", f"/kb {line}"))


def test_people_confirm_and_an_admin_adds_the_word(slack: LocalSlack, bot: Bot, knowledge: Path, language: str) -> None:
    said, known = PAIR[language]
    confirm(slack, bot, language)
    look_for_synonyms(bot.services, LATER)
    page = kb(slack, "olivia")
    assert f"*{said}*" in page.shown
    assert f"*{known}*" in page.shown
    assert all(question in page.shown for question in ASKED[language])
    slack.press("olivia", page, "synonym_add")
    settle(slack, bot)
    assert (knowledge / "_synonyms.csv").read_text("utf-8") == f"{SYNONYMS}{said},{known}\n"
    assert (said, known) in bot.services.registry.synonyms.pairs
    assert Synonyms(bot.services.database).all() == []


def propose(slack: LocalSlack, bot: Bot, language: str) -> Message:
    """Let people confirm, and show an admin what follows."""
    confirm(slack, bot, language)
    look_for_synonyms(bot.services, LATER)
    return kb(slack, "olivia")


def test_an_admin_is_told_once_and_shows_the_list_from_there(slack: LocalSlack, bot: Bot, language: str) -> None:
    confirm(slack, bot, language)
    look_for_synonyms(bot.services, LATER)
    look_for_synonyms(bot.services, 2 * LATER)
    told = slack.wait_until(lambda: slack.bot_messages(slack.person("olivia")), what="the message")
    assert len(told) == 1
    assert PAIR[language][0] not in told[0].shown
    assert PAIR[language][0] in slack.reply(slack.press("olivia", told[0], "synonyms_show")).shown


def test_what_was_added_is_found_logged_and_taken_back(
    slack: LocalSlack, bot: Bot, knowledge: Path, language: str
) -> None:
    slack.press("olivia", propose(slack, bot, language), "synonym_add")
    settle(slack, bot)
    newest = AuditLog(bot.services.database).newest(1)[0]
    assert (newest.user, newest.done.key) == (slack.person("olivia").id, "audit.synonym")
    card = kb(slack, "olivia", "rollback _synonyms")
    slack.press("olivia", card, "upload_apply")
    settle(slack, bot)
    assert (knowledge / "_synonyms.csv").read_text("utf-8") == SYNONYMS
    assert PAIR[language] not in bot.services.registry.synonyms.pairs


def test_a_dismissed_pair_never_comes_back(slack: LocalSlack, bot: Bot, language: str) -> None:
    page = propose(slack, bot, language)
    slack.press("olivia", page, "synonym_dismiss")
    settle(slack, bot)
    look_for_synonyms(bot.services, 2 * LATER)
    assert Synonyms(bot.services.database).all() == []
    assert PAIR[language][0] not in kb(slack, "olivia").shown
    newest = AuditLog(bot.services.database).newest(1)[0].done
    assert (newest.key, newest.values) == ("audit.synonym_dismissed", {})


def test_it_can_be_switched_off(slack: LocalSlack, bot: Bot, language: str) -> None:
    page = propose(slack, bot, language)
    bot.services.channels.set(slack.channel("it-help").id, "features_off_for_all", Feature.SYNONYMS, "kotae")
    assert PAIR[language][0] not in kb(slack, "olivia").shown
    slack.press("olivia", page, "synonym_add")
    settle(slack, bot)
    assert PAIR[language] not in bot.services.registry.synonyms.pairs
    look_for_synonyms(bot.services, 2 * LATER)
    assert Synonyms(bot.services.database).all() == []


@pytest.mark.parametrize("language", ["en"], indirect=True)
def test_one_person_alone_proposes_nothing(slack: LocalSlack, bot: Bot, language: str) -> None:
    for question, record in zip(ASKED[language], RECORDS, strict=True):
        answer = slack.reply(slack.command("hanako", "it-help", f"/search {question}"))
        press_right(slack, bot, "hanako", answer, record)
    look_for_synonyms(bot.services, LATER)
    assert Synonyms(bot.services.database).all() == []


@pytest.mark.parametrize("language", ["en"], indirect=True)
def test_only_admins_may(slack: LocalSlack, bot: Bot, language: str) -> None:
    page = propose(slack, bot, language)
    assert PAIR[language][0] not in kb(slack, "alice").shown
    page.ephemeral_to = slack.person("alice").id
    slack.press("alice", page, "synonym_add")
    settle(slack, bot)
    assert PAIR[language] not in bot.services.registry.synonyms.pairs


@pytest.mark.parametrize("language", ["en"], indirect=True)
def test_words_of_a_private_channel_are_for_its_members(
    slack: LocalSlack, start: Start, knowledge: Path, language: str
) -> None:
    (knowledge / "keiri.csv").write_text(ENGLISH, encoding="utf-8")
    slack.invite_bot("keiri")
    slack.remove("olivia", "keiri")
    for who in {*PEOPLE, "ichiro"}:
        slack.invite(who, "keiri")
    bot = start(admin_users=(slack.person("olivia").id, slack.person("ichiro").id))
    confirm(slack, bot, language, "keiri")
    look_for_synonyms(bot.services, LATER)
    assert "laptop" in kb(slack, "ichiro").shown
    outside = kb(slack, "olivia")
    assert "laptop" not in outside.shown
    assert "notebook" not in outside.shown
    assert slack.bot_messages(slack.person("olivia")) == []
    for pressed in ("synonym_add", "synonym_dismiss"):
        page = kb(slack, "ichiro")
        page.ephemeral_to = slack.person("olivia").id  # as if she had been in the channel when it was listed
        slack.press("olivia", page, pressed)
        settle(slack, bot)
    assert len(bot.services.registry.synonyms) == 0
    assert len(Synonyms(bot.services.database).all()) == 1


@pytest.mark.filterwarnings("ignore:Did not recognize type 'vector'")
@pytest.mark.parametrize("language", ["en"], indirect=True)
def test_whoever_is_forgotten_leaves_no_word(
    slack: LocalSlack, bot: Bot, language: str, database_url: str | None
) -> None:
    propose(slack, bot, language)
    forget(database_url or f"sqlite:///{bot.services.database.file}", slack.person("hanako").id)
    assert Synonyms(bot.services.database).all() == []
    look_for_synonyms(bot.services, 2 * LATER)
    assert Synonyms(bot.services.database).all() == []


@pytest.mark.parametrize("language", ["en"], indirect=True)
def test_a_second_admin_presses_a_decided_button(slack: LocalSlack, bot: Bot, language: str) -> None:
    first = propose(slack, bot, language)
    second = kb(slack, "olivia")
    slack.press("olivia", first, "synonym_add")
    settle(slack, bot)
    slack.press("olivia", second, "synonym_add")
    settle(slack, bot)
    assert bot.services.registry.synonyms.pairs == (("wlan", "Wi-Fi"), PAIR[language])
