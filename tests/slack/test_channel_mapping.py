"""Which channel is served what: names prove nothing once a knowledge base is served, and kotae.toml decides."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message
from tests.slack.conftest import Put, Start, settle, stop
from tests.slack.test_admin import audited, kb
from tests.slack.test_reload import reload
from tests.state import change

SECRET = "4711 euros"
SALARIES = f"question,answer\nHow much does the director earn?,{SECRET} a month.\n"
ASK = "How much does the director earn?"
FOR_DEV = ConfigFile(channels={"dev-faq": ChannelSection(knowledge_bases=("salaries",))})

pytestmark = pytest.mark.usefixtures("lawful")


@pytest.fixture
def salaries(knowledge: Path) -> Path:
    file = knowledge / "salaries.csv"
    file.write_text(SALARIES, encoding="utf-8")
    return file


def reads(slack: LocalSlack, who: str, where: str) -> bool:
    """Tell whether somebody gets the secret there, by command or mention."""
    said = [slack.reply(slack.command(who, where, f"/search {ASK}")).shown]
    if slack.person("bot").id in slack.channel(where).members:
        said.append(slack.reply(slack.mention(who, where, ASK)).shown)
    assert len({SECRET in each for each in said}) == 1
    return SECRET in said[0]


def reads_directly(slack: LocalSlack, bot: Bot, who: str) -> bool:
    bot.services.access._remembered.clear()
    return SECRET in slack.reply(slack.dm(who, ASK)).shown


def create(slack: LocalSlack, bot: Bot, name: str = "salaries", *, is_private: bool = False) -> None:
    """A member makes a channel and invites the bot."""
    slack.create_channel("alice", name, is_private=is_private)
    slack.invite_bot(name, "alice")
    slack.wait_until(lambda: slack.bot_messages(name), what="the introduction")
    settle(slack, bot)


def asked(slack: LocalSlack, who: str = "olivia") -> list[Message]:
    """The questions to an admin about channels."""
    return [each for each in slack.bot_messages(slack.person(who)) if "channel_serve" in str(each.blocks)]


def admins(slack: LocalSlack) -> tuple[str, ...]:
    return slack.person("olivia").id, slack.person("ichiro").id


def renamed_into(slack: LocalSlack, bot: Bot) -> None:
    create(slack, bot, "lunch")
    slack.rename("lunch", "salaries", "alice")
    settle(slack, bot)


def made_private(slack: LocalSlack, bot: Bot) -> None:
    create(slack, bot, is_private=True)


def named_before_the_bot_came(slack: LocalSlack, bot: Bot) -> None:
    slack.create_channel("alice", "lunch")
    slack.rename("lunch", "salaries", "alice")
    slack.invite_bot("salaries", "alice")
    settle(slack, bot)


def invited_again(slack: LocalSlack, bot: Bot) -> None:
    """The bot leaves a private channel, which gets the name meanwhile: nobody tells the bot of either."""
    create(slack, bot, "lunch", is_private=True)
    slack.channel("lunch").members.remove(slack.person("bot").id)
    slack.rename("lunch", "salaries", "alice")
    slack.invite_bot("salaries", "alice")
    settle(slack, bot)


WAYS: list[Callable[[LocalSlack, Bot], None]] = [
    create,
    renamed_into,
    made_private,
    named_before_the_bot_came,
    invited_again,
]


# kotae.toml


@pytest.mark.usefixtures("salaries")
@pytest.mark.parametrize("way", WAYS)
def test_what_kotae_toml_gives_to_a_channel_is_served_nowhere_else(
    slack: LocalSlack, start: Start, way: Callable[[LocalSlack, Bot], None]
) -> None:
    bot = start(FOR_DEV, admin_users=admins(slack))
    slack.remove("alice", "dev-faq")
    way(slack, bot)
    assert not reads(slack, "alice", "salaries")
    assert not reads_directly(slack, bot, "alice")
    assert reads(slack, "hanako", "dev-faq")
    assert asked(slack) == []
    stop(slack, bot)
    again = start(FOR_DEV, admin_users=admins(slack))
    assert not reads(slack, "alice", "salaries")
    stop(slack, again)
    unclaimed = start(admin_users=admins(slack))
    assert not reads(slack, "alice", "salaries"), "out of kotae.toml again, its name is still no proof"
    assert len(slack.wait_until(lambda: asked(slack))) == 1
    settle(slack, unclaimed)


@pytest.mark.usefixtures("salaries")
@pytest.mark.parametrize(
    ("key", "before"),
    [(key, before) for key in ("dev-faq", "#dev-faq", "id") for before in (True, False)]
    + [("salaries", True), ("#salaries", True)],  # kotae.toml must name channels that are there
)
def test_whatever_the_key_and_the_order(slack: LocalSlack, start: Start, key: str, *, before: bool) -> None:
    if before:
        slack.create_channel("alice", "salaries")
        slack.invite_bot("salaries", "alice")
    key = slack.channel("dev-faq").id if key == "id" else key
    config = ConfigFile(channels={key: ChannelSection(knowledge_bases=("salaries",)), "hr-somu": ChannelSection()})
    bot = start(config)
    if not before:
        create(slack, bot)
    theirs = "salaries" if "salaries" in key else "dev-faq"
    for where in ("salaries", "dev-faq", "hr-somu"):
        assert reads(slack, "olivia" if where != "salaries" else "alice", where) == (where == theirs)


@pytest.mark.usefixtures("salaries")
def test_a_channel_that_kotae_toml_names_is_known_by_its_id(slack: LocalSlack, start: Start) -> None:
    first = start(FOR_DEV, admin_users=admins(slack))
    slack.rename("dev-faq", "developers", "hanako")
    create(slack, first, "dev-faq")
    for bot in (first, None):
        if bot is None:
            stop(slack, first)
            start(FOR_DEV, admin_users=admins(slack))
        assert reads(slack, "hanako", "developers")
        assert not reads(slack, "alice", "dev-faq")
    assert len(asked(slack)) == 1
    assert "it is not the channel that had it before" in asked(slack)[0].shown


# The convention


@pytest.mark.usefixtures("salaries")
@pytest.mark.parametrize("way", WAYS)
def test_a_channel_that_gets_the_name_later_waits_for_an_admin(
    slack: LocalSlack, start: Start, way: Callable[[LocalSlack, Bot], None]
) -> None:
    bot = start(admin_users=admins(slack))
    way(slack, bot)
    assert not reads(slack, "alice", "salaries")
    assert not reads_directly(slack, bot, "alice")
    [question] = slack.wait_until(lambda: asked(slack))
    settle(slack, bot)
    assert len(asked(slack, "ichiro")) == 1
    stop(slack, bot)
    again = start(admin_users=admins(slack))
    settle(slack, again)
    assert not reads(slack, "alice", "salaries")
    assert len(asked(slack)) == 1, "told once, whatever happens"
    slack.press("olivia", question, "Serve")
    settle(slack, again)
    channel = slack.channel("salaries")
    assert f"<#{channel.id}> is served *salaries* from now on" in question.shown
    assert audited(again) == [(slack.person("olivia").id, "serve salaries", "salaries")]
    assert reads(slack, "alice", "salaries")
    assert reads_directly(slack, again, "alice")
    slack.rename("salaries", "pay")
    stop(slack, again)
    start()
    assert reads(slack, "alice", "pay"), "bound by its id"


@pytest.mark.usefixtures("salaries")
def test_a_channel_that_was_declined_is_not_asked_about_again(slack: LocalSlack, start: Start) -> None:
    bot = start(admin_users=admins(slack))
    create(slack, bot)
    [question] = slack.wait_until(lambda: asked(slack))
    slack.press("olivia", question, "Don't serve")
    settle(slack, bot)
    slack.press("ichiro", asked(slack, "ichiro")[0], "公開する")
    settle(slack, bot)
    assert "確認は不要になりました" in slack.bot_messages(slack.person("ichiro"))[-1].shown
    assert "wait for an admin" not in kb(slack, "olivia", "channels")
    assert not reads(slack, "alice", "salaries")
    assert audited(bot) == [(slack.person("olivia").id, "don't serve salaries", "salaries")]


@pytest.mark.usefixtures("salaries")
def test_only_an_admin_decides_checked_when_the_button_is_pressed(slack: LocalSlack, start: Start) -> None:
    bot = start(admin_users=admins(slack))
    create(slack, bot)
    [question] = slack.wait_until(lambda: asked(slack))
    olivia = slack.person("olivia")
    olivia.is_admin = olivia.is_owner = False
    stop(slack, bot)
    again = start(admin_users=(slack.person("ichiro").id,))
    slack.press("olivia", question, "Serve")
    settle(slack, again)
    assert audited(again) == []
    assert not reads(slack, "alice", "salaries")


@pytest.mark.usefixtures("salaries")
def test_a_channel_that_has_another_name_by_then_is_not_served(slack: LocalSlack, start: Start) -> None:
    bot = start(admin_users=admins(slack))
    create(slack, bot)
    [question] = slack.wait_until(lambda: asked(slack))
    slack.rename("salaries", "lunch", "alice")
    settle(slack, bot)
    slack.press("olivia", question, "Serve")
    settle(slack, bot)
    assert question.shown.startswith("There is nothing to decide any more")
    assert not reads(slack, "alice", "lunch")
    assert "wait for an admin" not in kb(slack, "olivia", "channels")


@pytest.mark.usefixtures("salaries")
def test_who_waits_is_listed_and_can_be_decided_there(slack: LocalSlack, start: Start) -> None:
    bot = start()
    create(slack, bot)
    listed = slack.reply(slack.command("olivia", "general", "/kb channels"))
    assert f"<#{slack.channel('salaries').id}> has the name of the knowledge base *salaries*" in listed.shown
    assert "*管理者の確認待ちのチャンネル*" in kb(slack, "ichiro", "channels", "general")
    slack.press("olivia", listed, "Serve")
    settle(slack, bot)
    assert reads(slack, "alice", "salaries")


def test_a_bound_channel_keeps_its_own_when_it_takes_another_name(slack: LocalSlack, bot: Bot, put: Put) -> None:
    put("salaries.csv", SALARIES)
    reload(slack, "salaries")
    slack.rename("it-help", "salaries", "hanako")
    settle(slack, bot)
    assert not reads(slack, "hanako", "salaries")
    assert (
        "再設定ページから" in slack.reply(slack.command("hanako", "salaries", "/search パスワードを忘れました")).shown
    )
    create(slack, bot, "it-help")
    assert "再設定" not in slack.reply(slack.command("alice", "it-help", "/search パスワードを忘れました")).shown


def test_the_channel_that_is_there_when_a_knowledge_base_is_first_served_gets_it(
    slack: LocalSlack, start: Start, put: Put
) -> None:
    """Whether the bot is in it or not: the convention needs no admin."""
    slack.create_channel("alice", "salaries")
    bot = start()
    put("salaries.csv", SALARIES)
    reload(slack, "salaries")
    assert reads(slack, "alice", "salaries")
    slack.archive("salaries")
    assert slack.channel("salaries").id not in kb(slack, "olivia", "channels", "general")
    slack.channel("salaries").is_archived = False
    stop(slack, bot)
    start()
    assert reads(slack, "alice", "salaries")


def test_what_an_admin_gave_to_a_channel_in_slack_needs_no_channel_by_its_name(
    slack: LocalSlack, bot: Bot, salaries_later: Path
) -> None:
    """The file was there, but no reload had looked for its channel."""
    salaries_later.write_text(SALARIES, encoding="utf-8")
    channel = slack.channel("dev-faq").id
    bot.services.channels.set(channel, "knowledge_bases", '["salaries"]', slack.person("olivia").id)
    create(slack, bot)
    reload(slack, "salaries")
    assert not reads(slack, "alice", "salaries")
    assert reads(slack, "hanako", "dev-faq")


@pytest.fixture
def salaries_later(knowledge: Path) -> Path:
    return knowledge / "salaries.csv"


# After an upgrade


@pytest.mark.sqlite("no version that could use a server was without them")
@pytest.mark.usefixtures("salaries")
@pytest.mark.parametrize("has_bot", [True, False])
def test_after_an_upgrade_channels_that_the_bot_is_in_are_remembered(
    slack: LocalSlack, start: Start, state_url: str, *, has_bot: bool
) -> None:
    slack.create_channel("alice", "salaries")
    if has_bot:
        slack.invite_bot("salaries", "alice")
    stop(slack, start())
    change(state_url, "DELETE FROM channel_names")  # as the version before left it, but for an empty table
    bot = start(admin_users=admins(slack))
    settle(slack, bot)
    assert reads(slack, "alice", "salaries") == has_bot
    assert len(asked(slack)) == (not has_bot)
    assert "再設定ページから" in slack.reply(slack.command("hanako", "it-help", "/search パスワードを忘れました")).shown


# Spelling


@pytest.mark.parametrize(
    ("file", "channel"), [("ガイド", "ガイド"), ("Salaries", "salaries"), ("ｓａｌａｒｉｅｓ", "salaries")]
)
@pytest.mark.parametrize("ending", [".csv", ".CSV"])
def test_a_file_serves_its_channel_however_its_name_is_spelled(
    slack: LocalSlack, start: Start, knowledge: Path, file: str, channel: str, ending: str
) -> None:
    (knowledge / (unicodedata.normalize("NFD", file) + ending)).write_text(SALARIES, encoding="utf-8")
    slack.create_channel("alice", channel)
    slack.invite_bot(channel, "alice")
    start(ConfigFile(channels={"hr-somu": ChannelSection(knowledge_bases=(file,))}))
    assert not reads(slack, "alice", channel), "kotae.toml may spell it in its own way"
    assert reads(slack, "hanako", "hr-somu")
