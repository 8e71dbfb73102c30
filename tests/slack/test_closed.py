"""Content of a private channel's knowledge base is for its members, admins too; names and counts are for admins."""

import json
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.learning.store.misses import Misses
from tests.slack.conftest import Start, reject, settle, stop

ROWS = "id,質問,回答\nkansa,監査はいつですか？,極秘の火曜日です。\nplace,監査の資料はどこですか？,極秘の棚の上です。\n"
BAD_ROW = "kansa,監査は誰ですか？,極秘の方です。\n,,\n"
SECRETS = ("極秘", "監査", "kansa")
CLOSED = "belongs to a private channel that you are not in"


@pytest.fixture
def keiri(slack: LocalSlack, start: Start, knowledge: Path) -> Bot:
    """The bot in a private channel where Ichiro is, and Olivia, an admin as well, is not."""
    (knowledge / "keiri.csv").write_text(ROWS, encoding="utf-8")
    slack.invite_bot("keiri")
    slack.remove("olivia", "keiri")
    return start(admin_users=(slack.person("olivia").id, slack.person("ichiro").id))


def kb(slack: LocalSlack, who: str, line: str, where: str = "it-help") -> Message:
    return slack.reply(slack.command(who, where, f"/kb {line}"))


def leaks(slack: LocalSlack, who: str = "olivia") -> list[str]:
    """What of the knowledge base somebody could read anywhere: privately, in a form, on the Home tab, in a file."""
    direct = slack.person(who)
    shown = [f"{each.text} {each.blocks}" for each in [*slack.ephemerals(who), *slack.bot_messages(direct)]]
    shown += [str(view.content) for view in [*slack.views(who), slack.home(who)] if view]
    files = [file.data.decode() for each in slack.bot_messages(direct) for file in each.files]
    return [word for word in SECRETS if word in "".join([*shown, *files])]


def add(slack: LocalSlack, bot: Bot) -> None:
    """Let Ichiro add an entry."""
    slack.command("ichiro", "keiri", "/kb add")
    form = slack.wait_until(lambda: slack.views("ichiro"), what="the form")[-1]
    slack.submit("ichiro", form, {"question": "監査は誰がしますか？", "answer": "極秘の方です。"})
    settle(slack, bot)


# -- Versions, files and reports -----------------------------------------------------------------------


@pytest.mark.parametrize("line", ["versions keiri", "rollback keiri", "rollback keiri 1", "export keiri"])
@pytest.mark.usefixtures("lawful")
def test_an_admin_outside_gets_no_version_and_no_export(slack: LocalSlack, keiri: Bot, line: str) -> None:
    assert CLOSED in kb(slack, "olivia", line).shown
    settle(slack, keiri)
    assert leaks(slack) == []
    assert CLOSED not in kb(slack, "ichiro", line).shown


def test_nor_by_an_old_button(slack: LocalSlack, keiri: Bot) -> None:
    add(slack, keiri)
    listed = kb(slack, "ichiro", "versions keiri")
    listed.ephemeral_to = slack.person("olivia").id  # as if she had been in the channel when it was listed
    told = slack.reply(slack.press("olivia", listed, "version_restore"))
    assert CLOSED in told.shown
    listed.ephemeral_to = slack.person("ichiro").id
    assert leaks(slack) == []


@pytest.mark.usefixtures("lawful")
def test_an_upload_is_not_compared_with_what_its_sender_may_not_read(
    slack: LocalSlack, keiri: Bot, knowledge: Path
) -> None:
    slack.upload("olivia", slack.person("olivia"), "keiri.csv", "質問,回答\n何？,これ。\n".encode())
    slack.wait_until(lambda: slack.bot_messages(slack.person("olivia")), what="the refusal")
    slack.upload("olivia", slack.person("olivia"), "new.csv", "質問,回答\n何？,これ。\n".encode())
    card = slack.wait_until(lambda: slack.bot_messages(slack.person("olivia"))[1:], what="the question")[0]
    told = slack.reply(slack.press("olivia", card, "upload_choose", "keiri"))
    settle(slack, keiri)
    assert CLOSED in slack.bot_messages(slack.person("olivia"))[0].shown
    assert CLOSED in told.shown
    assert leaks(slack) == []
    assert (knowledge / "keiri.csv").read_text("utf-8") == ROWS


@pytest.mark.usefixtures("lawful")
def test_nor_applied_when_they_left_meanwhile(slack: LocalSlack, keiri: Bot, knowledge: Path) -> None:
    slack.upload("ichiro", slack.person("ichiro"), "keiri.csv", "質問,回答\n何？,これ。\n".encode())
    card = slack.wait_until(lambda: slack.bot_messages(slack.person("ichiro")), what="the card")[0]
    slack.remove("ichiro", "keiri")
    keiri.services.access._remembered.clear()
    assert "参加していない非公開チャンネル" in slack.reply(slack.press("ichiro", card, "upload_apply")).shown
    assert (knowledge / "keiri.csv").read_text("utf-8") == ROWS


@pytest.mark.usefixtures("keiri", "lawful")
def test_a_reload_tells_them_numbers_only(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "keiri.csv").write_text(ROWS + BAD_ROW, encoding="utf-8")
    slack.command("olivia", "it-help", "/kb reload keiri")
    slack.wait_until(lambda: len(slack.ephemerals("olivia")) == 2, what="the report")
    report = slack.ephemerals("olivia")[1].shown
    assert "Problems: 2." in report
    assert leaks(slack) == []
    slack.command("ichiro", "it-help", "/kb reload keiri")
    slack.wait_until(lambda: len(slack.ephemerals("ichiro")) == 2, what="the report")
    assert "kansa" in slack.ephemerals("ichiro")[1].shown


@pytest.mark.usefixtures("keiri", "lawful")
def test_why_a_file_can_not_be_read_is_told_to_members_only(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "keiri.csv").write_text("監査の日,極秘の人\n火曜日,山田\n", encoding="utf-8")
    slack.command("olivia", "it-help", "/kb reload keiri")
    slack.wait_until(lambda: len(slack.ephemerals("olivia")) == 2, what="the report")
    shown = kb(slack, "olivia", "status").shown
    assert "keiri" in shown
    assert leaks(slack) == []


@pytest.mark.parametrize("how", ["convention", "name", "id", "settings"])
@pytest.mark.parametrize("gone", ["archived", "left"])
def test_it_stays_closed_when_its_channel_is_gone(
    slack: LocalSlack, start: Start, knowledge: Path, how: str, gone: str
) -> None:
    (knowledge / ("keiri.csv" if how == "convention" else "salaries.csv")).write_text(ROWS, encoding="utf-8")
    slack.invite_bot("keiri")
    slack.remove("olivia", "keiri")
    place, name = slack.channel("keiri"), "keiri" if how == "convention" else "salaries"
    key = {"name": "#keiri", "id": place.id}.get(how)
    config = ConfigFile(channels={key: ChannelSection(knowledge_bases=(name,))} if key else {})
    bot = start(config, admin_users=(slack.person("olivia").id, slack.person("ichiro").id))
    if how == "settings":
        bot.services.channels.set(place.id, "knowledge_bases", json.dumps([name]), slack.person("ichiro").id)
    slack.rename(place, "keiri-old")
    if gone == "archived":
        slack.archive(place)
    else:
        place.members.remove(slack.bot)
    slack.create_channel("olivia", "keiri")
    slack.invite_bot(slack.channel("keiri"))
    bot.services.access._remembered.clear()
    kb(slack, "olivia", "channels")
    assert CLOSED in kb(slack, "olivia", f"export {name}").shown
    assert CLOSED in kb(slack, "olivia", f"versions {name}").shown
    settle(slack, bot)
    assert leaks(slack) == []


@pytest.mark.parametrize("how", ["file", "settings"])
def test_it_is_closed_once_it_moved_to_a_private_channel(
    slack: LocalSlack, start: Start, knowledge: Path, how: str
) -> None:
    (knowledge / "random.csv").write_text(ROWS, encoding="utf-8")
    admins = (slack.person("olivia").id, slack.person("ichiro").id)
    slack.invite_bot("keiri")
    slack.remove("olivia", "keiri")
    bot = start(admin_users=admins)
    assert CLOSED not in kb(slack, "olivia", "versions random").shown, "a public channel has it by its name"
    if how == "settings":
        for where, names in (("random", []), ("keiri", ["random"])):
            bot.services.channels.set(slack.channel(where).id, "knowledge_bases", json.dumps(names), admins[1])
    else:
        stop(slack, bot)
        start(ConfigFile(channels={"keiri": ChannelSection(knowledge_bases=("random",))}), admin_users=admins)
    assert CLOSED in kb(slack, "olivia", "versions random").shown
    assert CLOSED not in kb(slack, "ichiro", "versions random").shown


# -- Giving it to another channel ----------------------------------------------------------------------


@pytest.mark.usefixtures("lawful")
def test_an_admin_outside_can_not_give_it_to_a_channel_of_theirs(slack: LocalSlack, keiri: Bot) -> None:
    before = keiri.services.channels.of(slack.channel("it-help").id).knowledge_bases
    for who in ("olivia", "ichiro"):
        slack.command(who, "it-help", "/kb settings")
        form = slack.wait_until(lambda who=who: slack.views(who), what="the form")[-1]  # type: ignore[misc]
        slack.submit(who, form, {"bases": ["it-help", "keiri"]})
        settle(slack, keiri)
        if who == "olivia":
            assert CLOSED in slack.bot_messages(slack.person("olivia"))[-1].shown
            assert keiri.services.channels.of(slack.channel("it-help").id).knowledge_bases == before
    assert leaks(slack) == []
    assert "keiri" in keiri.services.channels.of(slack.channel("it-help").id).knowledge_bases


@pytest.mark.usefixtures("lawful")
def test_nor_let_it_be_served_to_one_that_has_its_name_now(slack: LocalSlack, keiri: Bot) -> None:
    slack.rename("keiri", "keiri-old")
    slack.create_channel("olivia", "keiri")
    slack.invite_bot(slack.channel("keiri"))
    keiri.services.rescan()
    card = slack.wait_until(
        lambda: [each for each in slack.bot_messages(slack.person("olivia")) if "channel_serve" in str(each.blocks)],
        what="the question",
    )[-1]
    slack.press("olivia", card, "channel_serve")
    settle(slack, keiri)
    assert CLOSED in slack.bot_messages(slack.person("olivia"))[-1].shown + str(slack.ephemerals("olivia"))
    slack.reply(slack.command("olivia", "keiri", "/search いつですか？"))
    assert leaks(slack) == []


# -- What people asked ---------------------------------------------------------------------------------


def test_misses_of_the_channel_are_counted_for_others(slack: LocalSlack, keiri: Bot) -> None:
    slack.reply(slack.mention("ichiro", "keiri", "極秘の金庫の番号は？"))
    reject(slack, "ichiro", slack.reply(slack.dm("ichiro", "監査の資料はどこですか？")))
    slack.reply(slack.mention("hanako", "it-help", "ぬぬぬは？"))
    settle(slack, keiri)
    page = kb(slack, "olivia", "misses")
    assert "ぬぬぬ" in page.shown
    assert "asked in private channels that you are not in: 2." in page.shown
    slack.open_home("olivia")
    settle(slack, keiri)
    assert leaks(slack) == []
    assert "極秘の金庫" in kb(slack, "ichiro", "misses").shown


@pytest.mark.usefixtures("lawful")
def test_nor_can_they_answer_or_close_one_by_an_old_button(slack: LocalSlack, keiri: Bot) -> None:
    slack.reply(slack.mention("ichiro", "keiri", "極秘の金庫の番号は？"))
    settle(slack, keiri)
    page = kb(slack, "ichiro", "misses")
    page.ephemeral_to = slack.person("olivia").id
    slack.press("olivia", page, "kb_add_answer")
    slack.press("olivia", page, "miss_dismiss")
    settle(slack, keiri)
    page.ephemeral_to = slack.person("ichiro").id
    assert slack.views("olivia") == []
    assert [miss.hidden for miss in Misses(keiri.services.database).open(0, 9)] == [False]


def test_learned_phrasings_are_listed_to_members(slack: LocalSlack, keiri: Bot) -> None:
    services, ichiro = keiri.services, slack.person("ichiro").id
    opinion = AliasVote(ichiro, 1, "監査の場所は極秘？", "keiri", "place", agrees=True)
    AliasVotes(services.database).add(opinion)
    for line in ("learned", "audit"):
        kb(slack, "olivia", line)
    assert leaks(slack) == []
    waiting = kb(slack, "ichiro", "learned")
    assert "監査の場所は極秘？" in waiting.shown
    waiting.ephemeral_to = slack.person("olivia").id
    told = slack.reply(slack.press("olivia", waiting, "learned_accept"))
    assert CLOSED in told.shown
    waiting.ephemeral_to = ichiro
    slack.press("ichiro", waiting, "learned_accept")
    settle(slack, keiri)
    kb(slack, "olivia", "learned")
    kb(slack, "olivia", "audit")
    assert leaks(slack) == []
    assert "監査の場所は極秘？" in kb(slack, "ichiro", "audit").shown


def test_the_audit_log_says_what_was_done_but_not_to_which_entry(slack: LocalSlack, keiri: Bot) -> None:
    add(slack, keiri)
    assert "add keiri" in kb(slack, "olivia", "audit").shown
    assert leaks(slack) == []
    assert "監査は誰がしますか？" in kb(slack, "ichiro", "audit").shown


@pytest.mark.usefixtures("lawful")
def test_shadow_reports_go_to_members_only(slack: LocalSlack, keiri: Bot) -> None:
    channel = slack.channel("keiri").id
    keiri.services.channels.set(channel, "auto_reply", "shadow", "kotae")
    keiri.services.channels.set(channel, "threshold", "0.3", "kotae")
    slack.say("ichiro", "keiri", "監査はいつですか？")
    slack.wait_until(lambda: slack.bot_messages(slack.person("ichiro")), what="the report")
    settle(slack, keiri)
    assert leaks(slack) == []
    assert slack.bot_messages(slack.person("olivia")) == []


@pytest.mark.usefixtures("lawful")
def test_numbers_and_names_stay_the_admins(slack: LocalSlack, keiri: Bot) -> None:
    slack.reply(slack.mention("ichiro", "keiri", "監査はいつですか？"))
    settle(slack, keiri)
    assert "keiri" in kb(slack, "olivia", "status").shown
    assert "keiri" in kb(slack, "olivia", "stats").shown
    home = slack.open_home("olivia")
    settle(slack, keiri)
    assert home
    assert leaks(slack) == []


@pytest.mark.usefixtures("lawful")
def test_a_base_that_a_public_channel_has_too_is_open_to_admins(slack: LocalSlack, keiri: Bot) -> None:
    keiri.services.channels.set(slack.channel("dev-faq").id, "knowledge_bases", '["keiri"]', "U1")
    assert CLOSED not in kb(slack, "olivia", "versions keiri").shown


@pytest.mark.usefixtures("lawful")
def test_a_channel_that_the_bot_had_to_leave_stays_closed(slack: LocalSlack, keiri: Bot) -> None:
    slack.remove("bot", "keiri")
    keiri.services.rescan()
    keiri.services.access._remembered.clear()
    assert CLOSED in kb(slack, "olivia", "export keiri").shown
    assert leaks(slack) == []
