"""Direct messages: just ask; searched is what the asker's own channels know, and nothing else."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from handlers.store.questions import Questions
from tests.slack.conftest import Start, asked_so_far, settle

pytestmark = pytest.mark.usefixtures("lawful")

PASSWORD = "再設定ページから新しいパスワードを設定してください。"
WIFI = "Choose the network Sample-Office and sign in with your work account."
MFA = "Install the authenticator app and scan the code on your profile page."
ASK_WIFI = "How do I connect to the office Wi-Fi?"
SECRET = "question,answer\nHow much is the executive bonus?,The executive bonus is 4711 yen.\n"


@pytest.mark.usefixtures("bot")
def test_a_direct_message_is_answered_with_the_source(slack: LocalSlack) -> None:
    answer = slack.reply(slack.dm("hanako", "パスワードを忘れました"))
    assert PASSWORD in answer.shown
    assert "出典: it-help" in answer.shown
    assert answer.channel == slack.channel(slack.person("hanako")).id
    assert answer.thread_ts is None


@pytest.mark.usefixtures("bot")
def test_it_searches_the_knowledge_bases_of_all_channels_of_the_asker(slack: LocalSlack) -> None:
    assert "from dev-faq" in slack.reply(slack.dm("alice", "What does ERR-4012 mean?")).shown
    assert "from it-help" in slack.reply(slack.dm("alice", ASK_WIFI)).shown
    assert "from _shared" in slack.reply(slack.dm("alice", "オフィスの住所")).shown


@pytest.mark.usefixtures("bot")
def test_a_channel_that_was_left_is_searched_no_more(slack: LocalSlack) -> None:
    slack.remove("alice", "dev-faq")
    answer = slack.reply(slack.dm("alice", "What does ERR-4012 mean?"))
    assert "50 MB" not in str(answer.blocks)
    assert "dev-faq" not in str(answer.blocks)


def test_a_private_channel_answers_its_members_only(slack: LocalSlack, knowledge: Path, start: Start) -> None:
    (knowledge / "keiri.csv").write_text(SECRET, encoding="utf-8")
    slack.invite_bot("keiri")
    bot = start()
    ask = "How much is the executive bonus?"
    assert "4711" in slack.reply(slack.dm("ichiro", ask)).shown
    slack.reply(slack.dm("hanako", ask))
    slack.reply(slack.command("hanako", "it-help", f"/search {ask}"))
    slack.reply(slack.command("hanako", slack.person("hanako"), f"/search {ask}"))
    slack.reply(slack.mention("hanako", "it-help", ask))
    slack.open_home("hanako")
    settle(slack, bot)
    seen = [*slack.bot_messages("it-help"), *slack.bot_messages(slack.person("hanako")), *slack.ephemerals("hanako")]
    assert len(seen) == 4
    told = [str(each.blocks) + each.text for each in seen] + [str(slack.home("hanako").content)]  # type: ignore[union-attr]
    for word in ("4711", "executive bonus is", "keiri"):
        assert not any(word in each for each in told)
    for asker in ("hanako", "ichiro"):
        most = Questions(bot.services.database).most_asked(bot.services.channels.names(frozenset()), limit=9)
        assert all(name != "keiri" for name, _, _ in most), asker


@pytest.mark.usefixtures("bot")
def test_in_a_thread_it_is_answered_there(slack: LocalSlack) -> None:
    first = slack.dm("alice", ASK_WIFI)
    slack.reply(first)
    answer = slack.reply(slack.dm("alice", "How do I set up two-factor authentication?", thread_ts=first.ts))
    assert answer.thread_ts == first.ts
    assert MFA in answer.shown


@pytest.mark.usefixtures("bot")
def test_without_words_it_explains(slack: LocalSlack) -> None:
    for text in ("", ":wave:", "？？", "🎉"):
        assert "Hello! Just ask." in slack.reply(slack.dm("alice", text)).shown
        assert "そのまま質問を書いてください" in slack.reply(slack.dm("hanako", text)).shown


@pytest.mark.usefixtures("bot")
def test_a_mention_in_a_direct_message_is_no_part_of_the_question(slack: LocalSlack) -> None:
    assert WIFI in slack.reply(slack.dm("alice", f"@kotae {ASK_WIFI}")).shown


def test_a_file_with_a_question_is_answered(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.upload("alice", slack.person("alice"), "screen.png", b"png", comment=ASK_WIFI)
    assert WIFI in slack.reply(asked).shown
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1


@pytest.mark.parametrize("how", ["envelope", "retry", "event"])
def test_whatever_comes_twice_is_answered_once(slack: LocalSlack, bot: Bot, how: str) -> None:
    slack.faults.duplicate(how)  # type: ignore[arg-type]
    slack.reply(slack.dm("alice", ASK_WIFI))
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1


def test_an_edit_replaces_the_answer_and_a_deletion_withdraws_it(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.dm("hanako", ASK_WIFI)
    answer = slack.reply(asked)
    slack.edit(asked, "How do I set up two-factor authentication?")
    slack.wait_until(lambda: MFA in answer.shown)
    assert "確かな一致" in answer.shown
    slack.delete(asked)
    slack.wait_until(lambda: answer.deleted)
    settle(slack, bot)
    assert slack.bot_messages() == []


def test_an_edit_that_overtakes_its_question_is_answered_once_and_as_edited(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.delay(0.4)
    asked = slack.dm("alice", ASK_WIFI)
    slack.edit(asked, "How do I set up two-factor authentication?")
    slack.reply(asked)
    slack.wait_until(lambda: all(each.outcome != "waiting" for each in slack.envelopes))
    settle(slack, bot)
    [answer] = slack.bot_messages()
    assert MFA in answer.shown


def test_show_and_votes_work_there_too(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.dm("alice", "How do I connect to the office Wi-Fi? VPN"))
    slack.press("alice", answer, "show_2")
    slack.wait_until(lambda: "show_2" not in str(answer.blocks))
    slack.press("alice", answer, "👍 Helpful")
    slack.wait_until(lambda: "Thank you. Noted as helpful." in answer.shown)
    assert Questions(bot.services.database).votes(asked_so_far(bot)[0].id) == {slack.person("alice").id: "helpful"}


def test_who_has_no_knowledge_base_is_told(slack: LocalSlack, knowledge: Path, start: Start) -> None:
    (knowledge / "_shared.csv").unlink()
    start()
    for channel in ("it-help", "dev-faq"):
        slack.remove("alice", channel)
    answer = slack.reply(slack.dm("alice", ASK_WIFI))
    says = "None of your channels has a knowledge base that I may show you."
    assert answer.shown == says
    assert slack.reply(slack.command("alice", slack.person("alice"), f"/search {ASK_WIFI}")).shown == says


def test_the_bot_does_not_talk_to_itself(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile.model_validate({"auto_reply": "on"}))
    slack.reply(slack.dm("alice", ASK_WIFI))
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1
    assert any(each.event.get("bot_id") for each in slack.envelopes)
