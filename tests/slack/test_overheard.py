"""Who overhears: an open reply shows only what everybody there may see, and the asker is told where the rest is."""

from typing import Any

import pytest
from slack_sdk import WebClient

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import Channel, LocalSlack
from handlers.access import REMEMBERED_SECONDS, Access
from handlers.learning.misses import digest
from handlers.outsiders import STANDING_SECONDS
from tests.slack.conftest import Start, settle

pytestmark = pytest.mark.usefixtures("lawful")

ASK_WIFI = "How do I connect to the office Wi-Fi?"
WIFI = "Choose the network Sample-Office and sign in with your work account."
ADDRESS, TOKYO = "オフィスの住所を教えてください", "東京都千代田区1-2-3です。"
INTERNAL = ("Sample-Office", "two-factor", "再設定", "Network", "VPN クライアント")
NOTHING = "Not everybody here may see what I know, so I don't show it here. Use `/search` to be answered privately."
NOTHING_JA = (
    "この場には社内向けの情報を見られない方がいるため、ここでは回答を表示しません。"
    "`/search` なら、あなただけにお答えします。"
)
MORE = "Not everybody here may see all that I know, so this is not everything. `/search` shows you the rest privately."
MORE_JA = (
    "この場には社内向けの情報を見られない方がいるため、表示していない情報があります。"
    "`/search` なら、残りもあなただけに表示します。"
)
EAGER = {"auto_reply": "on", "threshold": 0.5}
SHARED_IS_PUBLIC = {"_shared": {"public": True}}


def overheard(slack: LocalSlack, *places: str | Channel) -> list[str]:
    """What of the internal knowledge base stands open in these places."""
    shown = "".join(f"{each.text} {each.blocks}" for place in places for each in slack.bot_messages(place))
    return [word for word in INTERNAL if word in shown]


def a_minute_later(bot: Bot) -> None:
    bot.services.access._remembered.clear()


def join(slack: LocalSlack, bot: Bot, who: str = "guest", where: str = "it-help") -> None:
    """Somebody joins, and a minute passes."""
    slack.channel(where).members.append(slack.person(who).id)
    a_minute_later(bot)


def whispers(slack: LocalSlack, who: str) -> list[str]:
    return [each.shown for each in slack.ephemerals(who)]


def listed(slack: LocalSlack, who: str, where: str) -> str:
    """What `/kb channels` says of a channel."""
    shown = slack.reply(slack.command(who, "general", "/kb channels")).shown
    [line] = [line for line in shown.split("• ") if line.startswith((f"<#{slack.channel(where).id}>", f"#{where}"))]
    return line


def test_a_guest_who_has_just_joined_reads_along_at_once(slack: LocalSlack, bot: Bot) -> None:
    slack.reply(slack.mention("alice", "it-help", f"<@{slack.bot}> {ASK_WIFI}"))
    assert overheard(slack, "it-help")
    before = len(slack.bot_messages("it-help"))
    slack.invite("guest", "it-help")
    settle(slack, bot)
    slack.mention("alice", "it-help", f"<@{slack.bot}> {ASK_WIFI}")
    settle(slack, bot)
    shown = "".join(f"{each.text} {each.blocks}" for each in slack.bot_messages("it-help")[before:])
    assert [word for word in INTERNAL if word in shown] == []
    assert whispers(slack, "alice") == [NOTHING]


def test_a_guest_who_joins_while_slack_says_who_is_there_counts_from_the_next_answer_on(
    slack: LocalSlack, bot: Bot
) -> None:
    slack.faults.slow("conversations.members", seconds=1, applied=True)
    first = slack.mention("alice", "it-help", ASK_WIFI)
    slack.wait_until(lambda: slack.calls_of("conversations.members"), what="the question who is there")
    slack.invite("guest", "it-help")
    slack.reply(first)
    settle(slack, bot)
    before = len(slack.bot_messages("it-help"))
    slack.mention("alice", "it-help", ASK_WIFI)
    slack.wait_until(lambda: whispers(slack, "alice") == [NOTHING], what="the whisper")
    settle(slack, bot)
    shown = "".join(f"{each.text} {each.blocks}" for each in slack.bot_messages("it-help")[before:])
    assert [word for word in INTERNAL if word in shown] == []


# -- Mentions ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("guests")
def test_a_guest_reads_nothing_internal_and_the_asker_is_told_where_it_is(slack: LocalSlack, bot: Bot) -> None:
    slack.mention("alice", "it-help", ASK_WIFI)
    slack.mention("hanako", "it-help", "VPNにつながりません")
    slack.wait_until(lambda: slack.ephemerals("hanako") and slack.ephemerals("alice"), what="the whispers")
    settle(slack, bot)
    assert slack.bot_messages("it-help") == []
    assert (whispers(slack, "alice"), whispers(slack, "hanako")) == ([NOTHING], [NOTHING_JA])
    assert WIFI in slack.reply(slack.command("alice", "it-help", f"/search {ASK_WIFI}")).shown


@pytest.mark.usefixtures("guests")
def test_what_is_public_is_answered_and_the_asker_is_told_of_the_rest_once(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile.model_validate({"knowledge_bases": SHARED_IS_PUBLIC}))
    asked = slack.mention("hanako", "it-help", ADDRESS)
    assert TOKYO in slack.reply(asked).shown
    slack.edit(asked, f"@kotae {ADDRESS} VPN")
    settle(slack, bot)
    assert overheard(slack, "it-help") == []
    assert whispers(slack, "hanako") == [MORE_JA]
    assert TOKYO in slack.reply(slack.mention("multi", "it-help", ADDRESS)).shown
    settle(slack, bot)
    assert whispers(slack, "multi") == whispers(slack, "guest") == []
    assert MORE in slack.reply(slack.mention("alice", "it-help", "office 住所")).shown + "".join(
        whispers(slack, "alice")
    )


def test_where_everybody_is_a_member_nothing_changes(slack: LocalSlack, bot: Bot) -> None:
    assert WIFI in slack.reply(slack.mention("alice", "it-help", ASK_WIFI)).shown
    settle(slack, bot)
    assert whispers(slack, "alice") == []


@pytest.mark.parametrize("method", ["conversations.members", "conversations.info"])
def test_when_slack_can_not_say_who_is_there_nothing_is_shown(slack: LocalSlack, bot: Bot, method: str) -> None:
    slack.faults.error(method, "internal_error", times=None)
    slack.mention("alice", "it-help", ASK_WIFI)
    slack.wait_until(lambda: slack.ephemerals("alice"), what="the whisper")
    settle(slack, bot)
    assert (whispers(slack, "alice"), slack.bot_messages()) == ([NOTHING], [])


def test_nor_when_it_can_not_say_who_somebody_there_is(slack: LocalSlack, bot: Bot) -> None:
    slack.reply(slack.command("alice", "it-help", f"/search {ASK_WIFI}"))  # she is known, the others are not
    slack.faults.error("users.info", "internal_error", times=None)
    slack.mention("alice", "it-help", ASK_WIFI)
    slack.wait_until(lambda: len(slack.ephemerals("alice")) == 2, what="the whisper")
    settle(slack, bot)
    assert (whispers(slack, "alice")[1], slack.bot_messages()) == (NOTHING, [])


# -- Unasked -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("guests")
def test_unasked_there_is_silence_and_no_whisper(slack: LocalSlack, start: Start) -> None:
    config = {"channels": {"it-help": EAGER}, "knowledge_bases": SHARED_IS_PUBLIC}
    bot = start(ConfigFile.model_validate(config))
    slack.say("alice", "it-help", ASK_WIFI)
    slack.say("guest", "it-help", ASK_WIFI)
    settle(slack, bot)
    assert slack.bot_messages("it-help") == []
    assert whispers(slack, "alice") == []
    assert TOKYO in slack.reply(slack.say("hanako", "it-help", ADDRESS)).shown
    settle(slack, bot)
    assert whispers(slack, "hanako") == []


@pytest.mark.usefixtures("guests", "bot")
def test_who_switches_it_on_is_told_that_not_everybody_may_see_everything(slack: LocalSlack) -> None:
    told = slack.reply(slack.command("olivia", "it-help", "/kb auto-reply on")).shown
    assert "Not everybody in this channel may see internal answers" in told
    assert "Not everybody" not in slack.reply(slack.command("olivia", "dev-faq", "/kb auto-reply on")).shown
    told = slack.reply(slack.command("ichiro", "it-help", "/kb auto-reply on")).shown
    assert "このチャンネルには社内向けの情報を見られない方（ゲストやほかの組織の方）がいる" in told


@pytest.mark.usefixtures("guests")
def test_the_list_of_channels_says_where_auto_reply_uses_only_what_is_public(slack: LocalSlack, start: Start) -> None:
    channels = {"it-help": EAGER, "dev-faq": EAGER}
    bot = start(ConfigFile.model_validate({"channels": channels, "knowledge_bases": SHARED_IS_PUBLIC}))
    assert (
        ":warning: Guests or people of another organisation are in the channel, so auto-reply uses only public"
        " knowledge bases there: _shared"
    ) in listed(slack, "olivia", "it-help")
    assert "ゲストやほかの組織の方がいるため、自動回答では公開のナレッジベースだけを使います: _shared" in listed(
        slack, "ichiro", "it-help"
    )
    assert ":warning:" not in listed(slack, "olivia", "dev-faq")
    join(slack, bot, where="dev-faq")
    assert ":warning: Guests" in listed(slack, "olivia", "dev-faq")


@pytest.mark.usefixtures("guests")
def test_the_list_of_channels_says_where_auto_reply_is_silent(slack: LocalSlack, start: Start) -> None:
    start(ConfigFile.model_validate({"channels": {"it-help": EAGER | {"auto_reply": "shadow"}}}),
          admin_users=(slack.person("olivia").id,))  # fmt: skip
    assert "so auto-reply stays silent there: none of its knowledge bases is public" in listed(
        slack, "olivia", "it-help"
    )
    assert "公開のナレッジベースがないため、自動回答はしません" in listed(slack, "ichiro", "it-help")


@pytest.mark.usefixtures("guests", "bot")
def test_the_list_of_channels_says_nothing_of_guests_where_auto_reply_is_off(slack: LocalSlack) -> None:
    assert ":warning:" not in listed(slack, "olivia", "it-help")


@pytest.mark.usefixtures("guests")
def test_shadow_mode_rehearses_what_would_be_shown(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile.model_validate({"channels": {"it-help": EAGER | {"auto_reply": "shadow"}}}),
                admin_users=(slack.person("olivia").id,))  # fmt: skip
    slack.say("alice", "it-help", ASK_WIFI)
    settle(slack, bot)
    assert slack.bot_messages(slack.person("olivia")) == []


# -- When somebody joins later -------------------------------------------------------------------------


def test_an_edited_question_is_not_answered_openly_any_more(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    join(slack, bot)
    slack.edit(asked, f"@kotae {ASK_WIFI} Please")
    slack.wait_until(lambda: slack.ephemerals("alice"), what="the whisper")
    settle(slack, bot)
    assert answer.deleted
    assert (slack.bot_messages("it-help"), whispers(slack, "alice")) == ([], [NOTHING])


@pytest.mark.parametrize("pressed", ["show_2", "vote"])
def test_a_button_pressed_later_shows_nothing_internal(slack: LocalSlack, bot: Bot, pressed: str) -> None:
    answer = slack.reply(slack.mention("alice", "it-help", f"{ASK_WIFI} VPN"))
    join(slack, bot)
    slack.press("alice", answer, pressed, 0 if pressed == "vote" else None)
    slack.wait_until(lambda: slack.ephemerals("alice"), what="the whisper")
    settle(slack, bot)
    assert (overheard(slack, "it-help"), whispers(slack, "alice")) == ([], [NOTHING])


def test_a_volunteered_answer_is_not_unfolded_again(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile.model_validate({"channels": {"it-help": EAGER}}))
    answer = slack.reply(slack.say("alice", "it-help", ASK_WIFI))
    slack.press("hanako", answer, "auto_wrong")
    settle(slack, bot)
    join(slack, bot)
    slack.press("alice", answer, "auto_show")
    slack.wait_until(lambda: slack.ephemerals("alice"), what="the whisper")
    settle(slack, bot)
    assert (overheard(slack, "it-help"), whispers(slack, "alice")) == ([], [NOTHING])


def test_the_whole_of_an_answer_is_opened_for_its_reader_alone(slack: LocalSlack, start: Start, knowledge: Any) -> None:
    with (knowledge / "it-help.csv").open("a", encoding="utf-8") as file:
        file.write(f"long,Where is the printer manual?,{'Sample-Office ' * 200},,,,\n")
    bot = start()
    answer = slack.reply(slack.mention("alice", "it-help", "Where is the printer manual?"))
    join(slack, bot)
    slack.press("alice", answer, "read_1")
    form = slack.wait_until(lambda: slack.views("alice"), what="the modal")[-1]
    assert form.shown.count("Sample-Office") > 100


# -- Introduction, share, digest, asking a person ------------------------------------------------------


def test_the_introduction_names_nothing_internal(slack: LocalSlack, start: Start) -> None:
    slack.remove("bot", "it-help")
    slack.channel("it-help").members.append(slack.person("guest").id)
    bot = start()
    slack.invite_bot("it-help")
    slack.wait_until(lambda: slack.bot_messages("it-help"), what="the introduction")
    settle(slack, bot)
    said = "".join(each.shown for each in slack.bot_messages("it-help"))
    assert [word for word in (*INTERNAL, "it-help", "アカウント") if word in said] == []


@pytest.mark.usefixtures("guests")
def test_people_are_asked_without_the_entries_that_were_looked_at(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile.model_validate({"channels": {"it-help": {"ask": [slack.person("ichiro").id]}}}))
    answer = slack.reply(slack.command("alice", "it-help", f"/search {ASK_WIFI}"))
    slack.press("alice", answer, "ask_person")
    slack.wait_until(lambda: slack.bot_messages("it-help"), what="the call")
    settle(slack, bot)
    said = slack.bot_messages("it-help")[0].shown
    assert "two-factor" not in said
    assert "Wi-Fi" in said  # her own question


def test_the_digest_quotes_nothing_where_guests_read_it(slack: LocalSlack, bot: Bot) -> None:
    slack.reply(slack.mention("alice", "it-help", "Who waters the plants on the fourth floor?"))
    settle(slack, bot)
    quoted = digest(bot.services, 7, slack.channel("dev-faq").id)
    counted = digest(bot.services, 7, slack.channel("general").id)  # guests are there
    assert quoted
    assert counted
    assert ("plants" in str(quoted.blocks), "plants" in str(counted.blocks)) == (True, False)


# -- Direct messages of several people -----------------------------------------------------------------


def group(slack: LocalSlack, *keys: str) -> Channel:
    return slack.workspace.add_group_dm([slack.person(key) for key in keys])


def test_a_group_of_members_is_answered_from_what_all_of_them_see(slack: LocalSlack, start: Start) -> None:
    slack.remove("hanako", "it-help")
    bot = start()
    all_in_it, not_all = group(slack, "alice", "ichiro"), group(slack, "alice", "hanako")
    assert WIFI in slack.reply(slack.mention("alice", all_in_it, ASK_WIFI)).shown
    slack.reply(slack.mention("alice", not_all, ASK_WIFI))
    settle(slack, bot)
    assert overheard(slack, not_all) == []
    assert whispers(slack, "alice") == [MORE]
    assert "Split the file." in slack.reply(slack.mention("hanako", not_all, "What does ERR-4012 mean?")).shown


def test_in_a_group_with_a_guest_only_what_is_public_is_shown(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile.model_validate({"knowledge_bases": SHARED_IS_PUBLIC}))
    mixed = group(slack, "alice", "guest")
    assert TOKYO in slack.reply(slack.mention("alice", mixed, ADDRESS)).shown
    slack.reply(slack.mention("alice", mixed, ASK_WIFI))
    settle(slack, bot)
    assert overheard(slack, mixed) == []


def test_a_private_answer_in_a_group_comes_from_all_ones_channels(slack: LocalSlack, bot: Bot) -> None:
    mixed = group(slack, "alice", "guest")
    assert WIFI in slack.reply(slack.command("alice", mixed, f"/search {ASK_WIFI}")).shown
    settle(slack, bot)
    assert slack.bot_messages(mixed) == []


# -- What it costs -------------------------------------------------------------------------------------


def looking(slack: LocalSlack, now: list[float]) -> Access:
    client = WebClient(slack.bot_token, base_url=slack.api_url)
    home: dict[str, Any] = client.auth_test().data  # type: ignore[assignment]
    return Access(client, home, clock=lambda: now[0])


def crowd(slack: LocalSlack, size: int) -> Channel:
    people = [slack.workspace.add_person(f"p{number}", f"Person {number}") for number in range(size)]
    return slack.workspace.add_channel("everybody", [*people, slack.workspace.bot])


def calls(slack: LocalSlack, before: int) -> dict[str, int]:
    made = [each.method for each in slack.calls[before:]]
    return {method: made.count(method) for method in dict.fromkeys(made)}


def test_a_channel_of_two_thousand_costs_some_calls_and_then_three_a_minute(slack: LocalSlack) -> None:
    now = [0.0]
    channel, access = crowd(slack, 2000).id, looking(slack, now)
    costs = []
    for seconds in (0, 1, REMEMBERED_SECONDS + 1, 2 * REMEMBERED_SECONDS + 2, STANDING_SECONDS + 1):
        now[0], before = float(seconds), len(slack.calls)
        assert not access.readers(channel).has_outsiders
        costs.append(calls(slack, before))
    first = {"conversations.info": 1, "conversations.members": 3, "users.list": 3}
    minute = {"conversations.info": 1, "conversations.members": 3}
    assert costs == [first, {}, minute, minute, first]


def test_a_guest_who_joins_is_noticed_within_a_minute(slack: LocalSlack) -> None:
    now = [0.0]
    crowded, access = crowd(slack, 300), looking(slack, now)
    assert not access.readers(crowded.id).has_outsiders
    crowded.members.append(slack.person("guest").id)
    now[0] = REMEMBERED_SECONDS
    before = len(slack.calls)
    assert access.readers(crowded.id).has_outsiders
    assert calls(slack, before) == {"conversations.info": 1, "conversations.members": 1}  # she was listed already
    late = slack.workspace.add_person("late", "Late Guest", is_restricted=True)
    small = slack.workspace.add_channel("small", [slack.person("alice"), late])
    assert access.readers(small.id).has_outsiders
    crowded.members.remove(slack.person("guest").id)
    now[0] += REMEMBERED_SECONDS
    assert not access.readers(crowded.id).has_outsiders


def test_a_member_who_is_made_a_guest_is_noticed_when_standings_are_asked_anew(slack: LocalSlack) -> None:
    now = [0.0]
    channel, access = slack.channel("it-help").id, looking(slack, now)
    assert not access.readers(channel).has_outsiders
    slack.person("alice").is_restricted = True
    now[0] = STANDING_SECONDS
    assert access.readers(channel).has_outsiders
    slack.person("alice").is_restricted = False
    access.person(slack.person("hanako").id)
    slack.person("hanako").is_restricted = True
    now[0] += REMEMBERED_SECONDS
    access.person(slack.person("hanako").id)  # whoever asks is looked up anyway
    assert access.readers(channel).has_outsiders


def test_whom_slack_does_not_list_counts_as_a_guest_when_they_are_too_many_to_look_up(slack: LocalSlack) -> None:
    channel, access = crowd(slack, 100).id, looking(slack, [0.0])
    slack.faults.error("users.list", "internal_error", times=None)
    before = len(slack.calls)
    assert access.readers(channel).has_outsiders
    assert sum(calls(slack, before).values()) < 10
