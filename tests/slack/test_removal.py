"""Withdrawn knowledge bases: an admin's press removes them, an accident never does, and neither does a restart."""

import shutil
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack, Message
from tests.conftest import FOLDER
from tests.slack.conftest import IT_HELP, Start, settle, stop
from tests.slack.test_admin import audited, kb
from tests.slack.test_channel_mapping import admins
from tests.slack.test_reload import reload

PASSWORD = "パスワードを忘れました"
ANSWER = "再設定ページから"

pytestmark = pytest.mark.usefixtures("lawful")


def answers(slack: LocalSlack) -> bool:
    return ANSWER in slack.reply(slack.command("hanako", "it-help", f"/search {PASSWORD}")).shown


def told(slack: LocalSlack, who: str = "olivia") -> list[Message]:
    return slack.bot_messages(slack.person(who))


def remove(slack: LocalSlack, bot: Bot, line: str = "it-help", button: str = "Remove") -> str:
    asked = slack.reply(slack.command("olivia", "general", f"/kb remove {line}"))
    slack.press("olivia", asked, button)
    settle(slack, bot)
    return asked.shown


# /kb remove


def test_what_is_removed_answers_no_more_and_comes_back_from_its_versions(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    bot = start()
    asked = slack.reply(slack.command("olivia", "general", "/kb remove it-help"))
    assert "Remove *it-help*? 5 entries would no longer answer" in asked.shown
    assert f"<#{slack.channel('it-help').id}>" in asked.shown
    assert ANSWER not in asked.shown
    slack.press("olivia", asked, "Remove")
    settle(slack, bot)
    assert not answers(slack)
    assert not (knowledge / "it-help.csv").exists()
    assert list((knowledge.parent / "data" / "snapshots").glob("it-help-*")) == []
    assert audited(bot) == [(slack.person("olivia").id, "remove it-help", "entries: 5, kept as a version")]
    stop(slack, bot)
    again = start(admin_users=admins(slack))
    settle(slack, again)
    assert not answers(slack), "after a restart, too"
    assert told(slack) == []
    back = slack.reply(slack.command("olivia", "general", "/kb rollback it-help 1"))
    slack.press("olivia", back, "Apply")
    slack.wait_until((knowledge / "it-help.csv").exists, what="the file")
    settle(slack, again)
    assert (knowledge / "it-help.csv").read_text("utf-8") == IT_HELP
    assert answers(slack), "its channel is remembered"


@pytest.mark.parametrize("line", ["IT-HELP.CSV", "*it-help*", "`it-help`", "#it-help", "ｉｔ-ｈｅｌｐ"])
def test_its_name_may_be_typed_as_people_do(slack: LocalSlack, bot: Bot, line: str) -> None:
    assert "*it-help* is removed" in remove(slack, bot, line)
    assert not answers(slack)


def test_cancelled_nothing_changes(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    remove(slack, bot, button="Cancel")
    assert answers(slack)
    assert (knowledge / "it-help.csv").exists()
    assert audited(bot) == []


@pytest.mark.parametrize("line", ["remove", "remove nosuch", "remove _synonyms"])
@pytest.mark.usefixtures("bot")
def test_without_a_name_that_is_there_it_lists_them(slack: LocalSlack, line: str) -> None:
    assert kb(slack, "olivia", line) == (
        "Say which knowledge base: `/kb remove name`. There are: _shared, dev-faq, it-help"
    )


@pytest.mark.usefixtures("bot")
def test_members_can_not(slack: LocalSlack) -> None:
    assert kb(slack, "alice", "remove it-help") == "Only workspace admins can do that."


@pytest.mark.parametrize(
    "config",
    [
        ConfigFile(channels={"dev-faq": ChannelSection(knowledge_bases=("it-help",))}),
        ConfigFile(knowledge_bases={"it-help": KnowledgeBaseSection(public=True)}),
    ],
)
def test_what_kotae_toml_names_is_not_removed_since_no_start_would_be_possible(
    slack: LocalSlack, start: Start, config: ConfigFile
) -> None:
    start(config)
    assert kb(slack, "olivia", "remove it-help").startswith("kotae.toml names *it-help*")


def test_who_is_no_admin_any_more_removes_nothing(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    asked = slack.reply(slack.command("olivia", "general", "/kb remove it-help"))
    olivia = slack.person("olivia")
    olivia.is_admin = olivia.is_owner = False
    bot.services.access._remembered.clear()
    slack.press("olivia", asked, "Remove")
    settle(slack, bot)
    assert answers(slack)
    assert (knowledge / "it-help.csv").exists()


@pytest.mark.sqlite(FOLDER)
def test_a_file_that_can_not_be_deleted_answers_as_before(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    asked = slack.reply(slack.command("olivia", "general", "/kb remove it-help"))
    (knowledge / "it-help.csv").unlink()
    (knowledge / "it-help.csv").mkdir()
    slack.press("olivia", asked, "Remove")
    settle(slack, bot)
    assert "it-help.csv can't be deleted (" in slack.ephemerals("olivia")[-1].shown
    assert answers(slack)
    assert audited(bot) == []


# A file that is gone


@pytest.mark.sqlite(FOLDER)
@pytest.mark.parametrize("how", ["watched", "reload", "restart"])
def test_a_file_that_is_gone_answers_until_an_admin_removes_it(
    slack: LocalSlack, start: Start, knowledge: Path, how: str
) -> None:
    bot = start(ConfigFile(watch=how == "watched"), admin_users=admins(slack))
    if how == "restart":
        stop(slack, bot)
    (knowledge / "it-help.csv").unlink()
    if how == "restart":
        bot = start(admin_users=admins(slack))
    if how == "reload":
        assert "it-help.csv: there is no such file" in reload(slack, "it-help")
    [question] = slack.wait_until(lambda: told(slack), 30)
    settle(slack, bot)
    assert "it-help.csv is not in the knowledge folder any more" in question.shown
    assert "it-help.csv がナレッジフォルダーからなくなりました" in told(slack, "ichiro")[0].shown
    assert answers(slack)
    assert "*it-help*: 5 entries" in kb(slack, "olivia", "status")
    assert "the file is not in the knowledge folder any more" in kb(slack, "olivia", "status")
    reload(slack, "all")
    settle(slack, bot)
    assert answers(slack), "a reload removes nothing"
    assert len(told(slack)) == 1, "told once"
    slack.press("olivia", question, "Remove")
    settle(slack, bot)
    assert not answers(slack)
    assert "*it-help* is removed" in question.shown
    slack.press("ichiro", told(slack, "ichiro")[0], "残す")
    settle(slack, bot)
    assert "すでに決めています" in told(slack, "ichiro")[0].shown
    stop(slack, bot)
    start()
    assert not answers(slack)


@pytest.mark.sqlite(FOLDER)
def test_kept_it_answers_after_a_restart_and_nobody_is_asked_again(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    bot = start(admin_users=admins(slack))
    (knowledge / "it-help.csv").unlink()
    reload(slack, "dev-faq")
    [question] = slack.wait_until(lambda: told(slack))
    slack.press("olivia", question, "Keep")
    settle(slack, bot)
    assert audited(bot)[0] == (slack.person("olivia").id, "keep it-help", "without its file")
    stop(slack, bot)
    again = start(admin_users=admins(slack))
    settle(slack, again)
    assert answers(slack)
    assert len(told(slack)) == 1
    (knowledge / "it-help.csv").write_text(IT_HELP, encoding="utf-8")
    reload(slack, "it-help")
    (knowledge / "it-help.csv").unlink()
    reload(slack, "dev-faq")
    slack.wait_until(lambda: len(told(slack)) == 2, what="the next question, about the next time")


@pytest.mark.sqlite(FOLDER)
def test_a_file_that_is_back_is_not_removed(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    bot = start(admin_users=admins(slack))
    (knowledge / "it-help.csv").unlink()
    reload(slack, "dev-faq")
    [question] = slack.wait_until(lambda: told(slack))
    (knowledge / "it-help.csv").write_text(IT_HELP, encoding="utf-8")
    slack.press("olivia", question, "Remove")
    settle(slack, bot)
    assert question.shown == "The file of *it-help* is back, so nothing was removed."
    assert (knowledge / "it-help.csv").exists()
    assert answers(slack)


# A fault


@pytest.mark.sqlite(FOLDER)
@pytest.mark.parametrize(
    ("how", "while_down"),  # a start without its folder, or with an empty one, is refused
    [("emptied", False), ("two of three", True), ("two of three", False), ("vanished", False)],
)
def test_when_most_files_are_gone_it_is_a_fault_and_nothing_can_be_removed(
    slack: LocalSlack, start: Start, knowledge: Path, how: str, caplog: pytest.LogCaptureFixture, *, while_down: bool
) -> None:
    bot = start(admin_users=admins(slack))
    if while_down:
        stop(slack, bot)
    away = knowledge.with_name("away")
    shutil.copytree(knowledge, away)
    if how == "vanished":
        shutil.rmtree(knowledge)
    else:
        for file in sorted(knowledge.glob("*.csv"))[: 3 if how == "emptied" else 2]:
            file.unlink()
        (knowledge / "it-help.csv").unlink(missing_ok=True)
        if how != "emptied":
            shutil.copy(away / "_shared.csv", knowledge)
    if while_down:
        bot = start(admin_users=admins(slack))
    else:
        reload(slack, "all")
    [said] = slack.wait_until(lambda: told(slack))
    assert said.shown.startswith(":rotating_light: Most files are missing")
    assert "Remove" not in str(said.blocks)
    assert answers(slack)
    assert ":rotating_light: Most files are missing" in kb(slack, "olivia", "status")
    assert "Most files are missing from the knowledge folder" in caplog.text
    reload(slack, "all")
    settle(slack, bot)
    assert len(told(slack)) == 1
    shutil.copytree(away, knowledge, dirs_exist_ok=True)
    reload(slack, "all")
    settle(slack, bot)
    assert "rotating_light" not in kb(slack, "olivia", "status")
    assert len(told(slack)) == 1


@pytest.mark.sqlite(FOLDER)
def test_a_question_about_one_file_removes_nothing_once_the_folder_is_at_fault(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    bot = start(admin_users=admins(slack))
    (knowledge / "it-help.csv").unlink()
    reload(slack, "dev-faq")
    [question] = slack.wait_until(lambda: told(slack))
    (knowledge / "dev-faq.csv").unlink()
    (knowledge / "_shared.csv").unlink()
    slack.press("olivia", question, "Remove")
    settle(slack, bot)
    assert "Most files are missing" in question.shown
    assert answers(slack)


# A file that is called otherwise than before, but by the same name


@pytest.mark.sqlite(FOLDER)
@pytest.mark.parametrize("called", ["IT-Help.CSV", "ｉｔ-ｈｅｌｐ.csv", "it-help.CSV"])
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_a_file_in_other_letters_is_the_same_knowledge_base(
    slack: LocalSlack, start: Start, knowledge: Path, called: str, *, restarted: bool, named: bool
) -> None:
    config = ConfigFile(knowledge_bases={"it-help": KnowledgeBaseSection(public=True)} if named else {})
    bot = start(config, admin_users=admins(slack))
    (knowledge / "it-help.csv").rename(knowledge / called)
    if restarted:
        stop(slack, bot)
        bot = start(config, admin_users=admins(slack))
    reload(slack, "all")
    settle(slack, bot)
    assert bot.services.registry.sources() == ("_shared", "dev-faq", "it-help")
    assert bot.services.registry.source("it-help").path.name == called
    assert told(slack) == [], "nothing is gone, and no channel waits"
    assert answers(slack)
    assert ("it-help" in bot.services.channels.public) == named
    assert "*1*" in kb(slack, "olivia", "versions IT-HELP")
    if not named:  # what kotae.toml names can't be removed
        remove(slack, bot)
        assert not answers(slack)
        assert not (knowledge / called).exists()
