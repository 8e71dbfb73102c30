"""Who is answered: full members; others only from public knowledge bases; nobody whom Slack can't vouch for."""

from collections.abc import Callable

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from tests.slack.conftest import Start, ack_took, admit_guests, asked_so_far, settle

pytestmark = pytest.mark.usefixtures("lawful")

WIFI = "Choose the network Sample-Office and sign in with your work account."
ASK_WIFI = "How do I connect to the office Wi-Fi?"
INTERNAL = ("Sample-Office", "two-factor", "再設定", "it-help", "Network")
ONLY_MEMBERS = "Sorry, I answer only full members of this workspace."
UNCHECKED = "I couldn't check with Slack who you are"
PARTNERS = ConfigFile.model_validate(
    {"channels": {"partner-it": {"knowledge_bases": ["it-help", "dev-faq"], "auto_reply": "on", "threshold": 0.5}}}
)
PUBLIC = ConfigFile.model_validate(
    {
        "channels": {
            "partner-it": {"knowledge_bases": ["it-help", "dev-faq"], "auto_reply": "on", "threshold": 0.5},
            "it-help": {"auto_reply": "on", "threshold": 0.5},
        },
        "knowledge_bases": {"dev-faq": {"public": True}, "_shared": {"public": True}},
    }
)


def told(slack: LocalSlack, who: str) -> str:
    """Everything that this person could read of the bot."""
    person = slack.person(who)
    places = [each for each in slack.workspace.channels.values() if slack.workspace.person_sees(person, each)]
    seen = [*slack.ephemerals(who), *(message for place in places for message in slack.bot_messages(place))]
    home = slack.home(who)
    return "\n".join(f"{each.text} {each.blocks}" for each in seen) + str(home.content if home else "")


def leaks(text: str) -> list[str]:
    return [word for word in INTERNAL if word in text]


# -- Guests and other organisations ----------------------------------------------------------------


@pytest.mark.parametrize(("who", "words"), [("guest", ONLY_MEMBERS), ("multi", "正式なメンバーの方にだけ")])
@pytest.mark.usefixtures("guests")
def test_guests_are_told_and_see_nothing_internal(slack: LocalSlack, bot: Bot, who: str, words: str) -> None:
    assert words in slack.reply(slack.command(who, "it-help", f"/search {ASK_WIFI}")).shown
    assert words in slack.reply(slack.command(who, "it-help", "/search")).shown
    assert words in slack.reply(slack.command(who, "it-help", "/search help")).shown
    assert words in slack.reply(slack.dm(who, ASK_WIFI)).shown
    slack.mention(who, "it-help", ASK_WIFI)
    slack.wait_until(lambda: len(slack.ephemerals(who)) == 4)
    slack.open_home(who)
    settle(slack, bot)
    assert words in slack.ephemerals(who)[3].shown
    assert slack.ephemerals(who)[3].thread_ts is None
    assert slack.bot_messages("it-help") == []
    assert leaks(told(slack, who)) == []


def test_people_of_other_organisations_see_nothing_internal(slack: LocalSlack, start: Start) -> None:
    bot = start(PARTNERS)
    assert ONLY_MEMBERS in slack.reply(slack.command("external", "partner-it", f"/search {ASK_WIFI}")).shown
    assert ONLY_MEMBERS in slack.reply(slack.dm("external", ASK_WIFI)).shown
    assert ONLY_MEMBERS in slack.reply(slack.dm("stranger", ASK_WIFI)).shown
    slack.mention("external", "partner-it", ASK_WIFI)
    slack.wait_until(lambda: len(slack.ephemerals("external")) == 2)
    slack.say("external", "partner-it", ASK_WIFI)
    slack.open_home("external")
    settle(slack, bot)
    assert slack.bot_messages("partner-it") == []
    assert leaks(told(slack, "external")) == []
    assert asked_so_far(bot) == []


def test_in_a_shared_channel_members_are_answered_privately_only(slack: LocalSlack, start: Start) -> None:
    bot = start(PARTNERS)
    assert WIFI in slack.reply(slack.command("alice", "partner-it", f"/search {ASK_WIFI}")).shown
    asked = slack.mention("alice", "partner-it", ASK_WIFI)
    slack.wait_until(lambda: len(slack.ephemerals("alice")) == 2)
    slack.say("alice", "partner-it", ASK_WIFI)
    slack.edit(asked, f"@kotae {ASK_WIFI} Please")
    settle(slack, bot)
    refusal = slack.ephemerals("alice")[1]
    assert "so I don't show it here. Use `/search` to be answered privately." in refusal.shown
    assert slack.bot_messages() == []
    assert leaks(told(slack, "external")) == []


@pytest.mark.usefixtures("guests")
def test_a_public_knowledge_base_is_for_everybody(slack: LocalSlack, start: Start) -> None:
    bot = start(PUBLIC)
    ask = "What does ERR-4012 mean?"
    assert "Split the file." in slack.reply(slack.command("external", "partner-it", f"/search {ask}")).shown
    assert "Split the file." in slack.reply(slack.mention("external", "partner-it", ask)).shown
    assert "Split the file." in slack.reply(slack.mention("alice", "partner-it", ask)).shown
    assert "Split the file." in slack.reply(slack.say("external", "partner-it", ask)).shown
    assert "東京都" in slack.reply(slack.command("guest", "it-help", "/search オフィスの住所を教えてください")).shown
    slack.reply(slack.command("guest", "it-help", f"/search {ASK_WIFI}"))
    slack.reply(slack.mention("alice", "partner-it", ASK_WIFI))
    slack.reply(slack.command("guest", "it-help", "/search help"))
    slack.say("guest", "it-help", ASK_WIFI)
    settle(slack, bot)
    assert leaks(told(slack, "external")) == []
    assert leaks(told(slack, "guest")) == []


def test_guests_may_not_unfold_what_members_asked(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("alice", "it-help", "How do I connect to the office Wi-Fi? VPN"))
    before = answer.shown
    admit_guests(slack)
    refused = slack.reply(slack.press("guest", answer, "show_2"))
    settle(slack, bot)
    assert ONLY_MEMBERS in refused.shown
    assert refused.ephemeral_to == slack.person("guest").id
    assert answer.shown == before


def test_a_deactivated_member_is_one_no_more(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("alice", "it-help", "How do I connect to the office Wi-Fi? VPN"))
    slack.person("hanako").deleted = True
    refused = slack.reply(slack.press("hanako", answer, "show_2"))
    settle(slack, bot)
    assert "show_2" in str(answer.blocks)
    assert WIFI not in refused.shown


def test_the_introduction_to_a_shared_channel_names_nothing_internal(slack: LocalSlack, start: Start) -> None:
    slack.remove("bot", "partner-it")
    bot = start(PARTNERS)
    slack.invite_bot("partner-it")
    slack.wait_until(lambda: slack.bot_messages("partner-it"))
    settle(slack, bot)
    assert leaks(told(slack, "external")) == []


# -- When Slack can't say who somebody is ----------------------------------------------------------


def break_it(how: str) -> Callable[[LocalSlack], None]:
    return {
        "error": lambda slack: slack.faults.error("users.info", "user_not_found", times=None),
        "5xx": lambda slack: slack.faults.server_error("users.info", status=500, times=None),
        "429": lambda slack: slack.faults.rate_limit("users.info", retry_after=0, times=None),
        "cut": lambda slack: slack.faults.drop_response("users.info", times=None),
        "cut halfway": lambda slack: slack.faults.drop_response("users.info", times=None, halfway=True),
    }[how]


@pytest.mark.long("waits for Slack")
@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("how", ["5xx", "429", "cut", "cut halfway"])
def test_then_the_asker_is_told_after_some_tries(slack: LocalSlack, how: str) -> None:
    break_it(how)(slack)
    asked = slack.command("alice", "it-help", f"/search {ASK_WIFI}")
    assert UNCHECKED in slack.reply(asked, timeout=60).shown
    assert leaks(told(slack, "alice")) == []


def test_then_nobody_is_answered_and_everybody_who_asked_is_told(slack: LocalSlack, bot: Bot) -> None:
    break_it("error")(slack)
    alice = slack.person("alice")
    assert UNCHECKED in slack.reply(slack.command("alice", "it-help", f"/search {ASK_WIFI}")).shown
    assert UNCHECKED in slack.reply(slack.command("alice", "it-help", "/search")).shown
    assert UNCHECKED in slack.reply(slack.dm("alice", ASK_WIFI)).shown
    slack.mention("alice", "it-help", ASK_WIFI)
    slack.wait_until(lambda: len(slack.ephemerals("alice")) == 3)
    slack.open_home("alice")
    settle(slack, bot)
    assert UNCHECKED in slack.ephemerals("alice")[2].shown
    assert slack.bot_messages("it-help") == []
    assert len(slack.bot_messages(alice)) == 1
    assert leaks(told(slack, "alice")) == []
    slack.faults.clear()
    assert WIFI in slack.reply(slack.command("alice", "it-help", f"/search {ASK_WIFI}")).shown


@pytest.mark.usefixtures("bot")
def test_one_rate_limit_only_delays(slack: LocalSlack) -> None:
    slack.faults.rate_limit("users.info", retry_after=1)
    assert WIFI in slack.reply(slack.command("alice", "it-help", f"/search {ASK_WIFI}")).shown


@pytest.mark.usefixtures("bot")
def test_slow_lookups_delay_the_answer_but_not_the_ack(slack: LocalSlack) -> None:
    slack.faults.slow("users.info", seconds=2)
    asked = slack.command("alice", "it-help", f"/search {ASK_WIFI}")
    assert asked.envelope
    assert ack_took(asked.envelope) < 2
    assert asked.messages == []
    assert WIFI in slack.reply(asked).shown


def test_a_channel_that_cannot_be_looked_up_counts_as_shared(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("conversations.info", "channel_not_found", times=None)
    slack.mention("alice", "it-help", ASK_WIFI)
    slack.wait_until(lambda: slack.ephemerals("alice"))
    settle(slack, bot)
    assert slack.bot_messages() == []
    assert WIFI in slack.reply(slack.command("alice", "it-help", f"/search {ASK_WIFI}")).shown


def test_channels_that_cannot_be_listed_are_not_searched(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("users.conversations", "internal_error", times=None)
    answer = slack.reply(slack.dm("alice", ASK_WIFI))
    settle(slack, bot)
    assert "Sample-Office" not in str(answer.blocks)


# -- Words -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bot")
def test_private_words_follow_the_locale(slack: LocalSlack) -> None:
    locales = {"hanako": ("ja", "確かな一致"), "alice": ("en-GB", "Strong"), "ichiro": ("de-DE", "Strong")}
    for who, (locale, words) in {**locales, "olivia": ("", "Strong")}.items():
        slack.person(who).locale = locale
        assert words in slack.reply(slack.command(who, "it-help", f"/search {ASK_WIFI}")).shown
