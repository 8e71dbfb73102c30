"""Buttons and forms when something is different from when they were shown, or goes wrong in the middle."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.digest import WeeklyDigest
from bot.playground import LocalSlack
from handlers.entries.store.proposals import Proposals
from handlers.learning.learned_aliases import apply_aliases
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.misses import Misses
from handlers.store.audit import AuditLog
from handlers.store.questions import AskedQuestion, Origin, Questions
from tests.audit import action, outcome
from tests.slack.conftest import Start, labels, settle
from tests.slack.test_editing import SCANNER, add, direct, save
from tests.slack.test_proposals import propose, request
from tests.state import change

SECRET = "監査は来週の火曜日です。"


@pytest.fixture
def audited(slack: LocalSlack, start: Start, knowledge: Path) -> Bot:
    """A bot in the private channel of the accountants, with a knowledge base for them alone."""
    folded = "監査の資料はどこですか？,棚の上です。\n" + "監査は誰がしますか？,外部の方です。\n"
    (knowledge / "keiri.csv").write_text(f"質問,回答\n監査はいつですか？,{SECRET}\n{folded}", encoding="utf-8")
    slack.invite_bot("keiri")
    return start(admin_users=slack.person("olivia").id)


def break_the_audit_log(state_url: str) -> None:
    change(state_url, "ALTER TABLE audit RENAME TO audited")


# Seen no more


@pytest.mark.usefixtures("lawful")
def test_who_left_the_channel_sees_its_answers_no_more(slack: LocalSlack, audited: Bot) -> None:
    answer = slack.reply(slack.dm("ichiro", "監査はいつですか？"))
    assert SECRET in answer.shown
    slack.remove("ichiro", "keiri")
    audited.services.access._remembered.clear()
    slack.press("ichiro", answer, "show_2")
    settle(slack, audited)
    assert SECRET not in answer.shown
    assert "棚の上です。" not in answer.shown
    assert "外部の方です。" not in answer.shown
    assert "この項目はその後、変更または削除されました" in answer.shown


@pytest.mark.usefixtures("lawful")
def test_nor_are_its_questions_suggested_to_them(slack: LocalSlack, audited: Bot) -> None:
    slack.open_home("ichiro", "messages")
    greeting = slack.wait_until(lambda: slack.bot_messages(slack.person("ichiro")), what="the greeting")[0]
    place = labels(greeting).index("監査はいつですか？")
    slack.remove("ichiro", "keiri")
    audited.services.access._remembered.clear()
    slack.press("ichiro", greeting, f"suggest_{place + 1}")
    told = slack.wait_until(lambda: slack.ephemerals("ichiro"), what="the refusal")[-1]
    assert "この項目はその後、変更または削除されました。" in told.shown


@pytest.mark.usefixtures("lawful")
def test_an_admin_who_is_none_any_more_hears_nothing_of_shadow_mode(slack: LocalSlack, audited: Bot) -> None:
    slack.reply(slack.command("ichiro", "keiri", "/kb auto-reply shadow"))
    slack.reply(slack.command("ichiro", "keiri", "/kb threshold 0.3"))
    slack.person("ichiro").is_admin = slack.person("ichiro").is_owner = False
    audited.services.access._remembered.clear()
    slack.say("olivia", "keiri", "監査はいつですか？")
    slack.wait_until(lambda: slack.bot_messages(slack.person("olivia")), what="the report to who is named")
    settle(slack, audited)
    assert slack.bot_messages(slack.person("ichiro")) == []


# Never silent, never lost


@pytest.mark.sqlite("its file is lost; a server: test_lost_server")
def test_a_button_answers_though_the_database_is_gone(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    answer = slack.reply(slack.command("alice", "it-help", "/search How do I connect to the office Wi-Fi?"))
    settle(slack, bot)
    for part in (knowledge.parent / "data").glob("*.db*"):
        part.unlink()
    told = slack.reply(slack.press("alice", answer, "👍 Helpful"))
    assert "This entry has been changed or removed since." in told.shown


@pytest.mark.usefixtures("lawful")
def test_a_vote_counts_though_its_form_can_not_be_opened(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.command("alice", "it-help", "/search How do I connect to the office Wi-Fi?"))
    slack.faults.error("views.open", "expired_trigger_id")
    slack.press("alice", answer, "👎 Not helpful")
    settle(slack, bot)
    assert [miss.reported for miss in Misses(bot.services.database).open(0, 9)] == [True]
    assert "👎 Thank you. Noted as not helpful." in answer.shown
    assert slack.ephemerals("alice")[-1].shown == "I was too slow to open the form. Please try again."


@pytest.mark.usefixtures("lawful")
@pytest.mark.parametrize("failure", ["refused", "broken off"])
def test_people_are_called_once_though_slack_has_no_address(
    slack: LocalSlack, start: Start, helpers: list[str], failure: str
) -> None:
    bot = start(ConfigFile(channels={"dev-faq": ChannelSection(ask=tuple(helpers))}))
    answer = slack.reply(slack.command("alice", "dev-faq", "/search Where is the fax?"))
    if failure == "refused":
        slack.faults.error("chat.getPermalink", "access_denied")
    else:
        slack.faults.drop_response("chat.getPermalink", times=None)
    for _ in range(2):
        slack.press("alice", answer, "ask_person", wait=False)
        settle(slack, bot)
        if "ask_person" not in str(answer.blocks):
            break
    assert len(slack.bot_messages("dev-faq")) == 1
    assert "🙋 I have asked." in answer.shown


def test_people_are_called_in_the_channel_when_the_thread_is_gone(
    slack: LocalSlack, start: Start, helpers: list[str]
) -> None:
    bot = start(ConfigFile(channels={"dev-faq": ChannelSection(ask=tuple(helpers))}))
    question = slack.mention("alice", "dev-faq", "What does ERR-4012 mean?")
    slack.press("alice", slack.reply(question), "👎 Not helpful")
    form = slack.wait_until(lambda: slack.views("alice"), what="the form")[-1]
    slack.delete(question)
    settle(slack, bot)
    slack.submit("alice", form, {"reason": "unclear", "ask": ["ask"]})
    settle(slack, bot)
    [call] = [each for each in slack.bot_messages("dev-faq") if "ask_resolved" in str(each.blocks)]
    assert call.thread_ts is None


@pytest.mark.usefixtures("lawful")
def test_what_is_written_is_not_offered_for_writing_again(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = add(slack, "olivia")
    slack.faults.error("views.update", "access_denied")
    save(slack, bot, "olivia", view, SCANNER)
    assert (knowledge / "it-help.csv").read_text("utf-8").count(SCANNER["question"]) == 1
    assert view.shown.startswith(":white_check_mark: Saved in *it-help*.")


@pytest.mark.usefixtures("lawful")
def test_an_entry_that_is_not_in_the_audit_log_counts_as_saved(
    slack: LocalSlack, bot: Bot, knowledge: Path, state_url: str
) -> None:
    view = add(slack, "olivia")
    break_the_audit_log(state_url)
    save(slack, bot, "olivia", view, SCANNER)
    assert SCANNER["question"] in (knowledge / "it-help.csv").read_text("utf-8")
    assert view.shown.startswith(":warning: Saved in *it-help*, but: This is done but not in the audit log")


def test_a_proposal_that_is_not_in_the_audit_log_is_decided_and_told(
    slack: LocalSlack, start: Start, state_url: str
) -> None:
    bot = start(admin_users=slack.person("olivia").id)
    propose(slack, bot)
    break_the_audit_log(state_url)
    slack.press("olivia", request(slack, "olivia"), "Approve")
    settle(slack, bot)
    assert "not in the audit log" in slack.ephemerals("olivia")[-1].shown
    assert Proposals(bot.services.database).waiting() == []
    assert direct(slack, "alice")[-1].startswith(":white_check_mark: Your entry")


@pytest.mark.parametrize("failure", ["refused", "broken off"])
def test_everybody_hears_of_a_decision_though_one_message_can_not_be_changed(
    slack: LocalSlack, start: Start, knowledge: Path, failure: str
) -> None:
    bot = start(admin_users=f"{slack.person('olivia').id},{slack.person('ichiro').id}")
    propose(slack, bot)
    if failure == "refused":
        slack.faults.error("chat.update", "cant_update_message")
    else:
        slack.faults.drop_response("chat.update", times=None, applied=False)
    slack.press("olivia", request(slack, "olivia"), "Approve")
    settle(slack, bot)
    assert slack.ephemerals("olivia") == []
    assert SCANNER["question"] in (knowledge / "it-help.csv").read_text("utf-8")
    assert direct(slack, "alice")[-1].startswith(":white_check_mark: Your entry")


@pytest.mark.usefixtures("lawful")
def test_going_live_twice_is_answered_twice(slack: LocalSlack, bot: Bot) -> None:
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply shadow"))
    report = slack.reply(slack.command("olivia", "it-help", "/kb stats"))
    for _ in range(2):
        assert "From now on I answer" in slack.reply(slack.press("olivia", report, "shadow_go_live")).shown
    actions = [outcome(entry) for entry in AuditLog(bot.services.database).newest() if action(entry) == "auto-reply"]
    assert actions == ["on, after shadow mode", "Shadow"]


@pytest.mark.usefixtures("bot", "lawful")
def test_statistics_are_told_without_their_picture(slack: LocalSlack) -> None:
    slack.faults.server_error("upload", times=None)
    told = slack.reply(slack.command("olivia", "it-help", "/kb stats"))
    assert "▁" in told.shown


# Behind the scenes


def test_two_learned_aliases_at_once_are_both_applied(bot: Bot) -> None:
    services = bot.services
    with services.locks("learned aliases"):  # as if another were between reading and handing over
        late = Thread(target=apply_aliases, args=(services,))
        late.start()
        LearnedAliases(services.database).add(StoredAlias("it-help", "wifi", "?", "wlan", "WLAN?", ("U1",), "U1"))
    late.join()
    services.maintenance.reload("it-help").result()
    [record] = [each for each in services.registry.loaded["it-help"].index.records if each.id == "wifi"]
    assert "WLAN?" in record.aliases


def test_a_digest_that_fails_does_not_stop_the_next(slack: LocalSlack, bot: Bot) -> None:
    missed = AskedQuestion(
        Origin.MENTION, slack.channel("it-help").id, slack.person("alice").id, "fax?", (), 0.0, 0.9, answered=False
    )
    Questions(bot.services.database).add(missed)
    looks: Iterator[OSError | datetime] = iter([OSError("no clock"), datetime(2026, 1, 5, 9).astimezone()])

    def clock() -> datetime:
        if isinstance(look := next(looks), OSError):
            raise look
        return look

    weekly = WeeklyDigest(bot.services, slack.channel("general").id, clock, 0.05)
    weekly.start()
    slack.wait_until(lambda: slack.bot_messages("general"), what="the digest")
    weekly.close()
