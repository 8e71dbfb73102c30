"""Entries that are due for a check: owners are asked once a week, and a press writes the date into the file."""

import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack, Message
from bot.playground.slack.app_config import DEFAULT_SCOPES
from bot.reviews import StoppingError, WeeklyReviews
from handlers.channel_rules import AutoReply
from handlers.features import Feature
from handlers.freshness.store.reviews import RESUMED_SECONDS, ReviewRequests, requests
from handlers.freshness.views.reviews import MINE, Pressed, digest_of
from handlers.store.audit import AuditLog
from handlers.store.installation import REVIEWED, Installation
from handlers.texts import ENGLISH, JAPANESE
from indexes.encoder import ModelManager
from tests.conftest import FOLDER
from tests.faults import stale_year
from tests.replicas import replicas
from tests.slack.conftest import Put, Start, settle, starting, stop
from tests.slack.test_routes import button
from tests.workbooks import sheets

MONDAY = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
WEEK = timedelta(days=7)
TODAY, NEXT = "2026-11-30", "2027-05-29"
HEADER = "id,質問,回答,担当,更新日,確認期限"
CONFIG = ConfigFile(
    timezone="UTC",
    channels={"it-help": ChannelSection(auto_reply=AutoReply.ON, threshold=0.5)},
    knowledge_bases={"it-help": KnowledgeBaseSection.model_validate({"review_after": "180d"})},
)
HINTS = (ENGLISH("review.hint"), JAPANESE("review.hint"))
NOT_YOURS = ENGLISH("review.not_yours")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock(MONDAY)


def write(slack: LocalSlack, folder: Path, name: str = "it-help") -> None:
    """Write a file: a due row of Hanako's, two of Alice's, three of nobody's whom the bot can ask, and two not due."""
    hanako, alice, gone = (slack.person(who).id for who in ("hanako", "alice", "gone"))
    rows = [
        f"pw,パスワードを忘れました。,再設定ページを開いてください。,総務 <@{hanako}>,2026-01-01,",
        f"wifi,How do I connect to the Wi-Fi?,Choose Sample-Office.,{alice},2026-04-01,2026-10-01",
        f"mfa,How do I set up two-factor authentication?,Install the app.,{alice},2026-05-01,",
        "print,プリンターで印刷できません。,用紙を確かめてください。,@taro,2026-05-20,",
        f"vpn,VPNにつながりません。,ルーターを再起動してください。,{gone},2026-05-21,",
        "door,鍵をなくしました。,守衛室に届け出てください。,,2026-05-22,",
        f"scan,How do I scan?,Use the scanner.,{alice},2026-11-01,",
        f"desk,Where is the desk?,Upstairs.,{alice},,",
    ]
    (folder / f"{name}.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")


@pytest.fixture
def bot(slack: LocalSlack, start: Start, knowledge: Path, clock: Clock) -> Bot:
    """The bot, which asked everybody last week."""
    write(slack, knowledge)
    bot = start(CONFIG, clock, admin_users=(slack.person("olivia").id,))
    clock.at = MONDAY - WEEK
    ask(bot)
    clock.at = MONDAY
    return bot


def ask(bot: Bot) -> None:
    """Look once whether it is time to ask, as a process does that has just been started."""
    WeeklyReviews(bot.services, pause_seconds=0).ask_if_due()


def asked(slack: LocalSlack, who: str) -> list[Message]:
    """The messages in which somebody was asked."""
    return [each for each in slack.bot_messages(slack.person(who)) if any(hint in each.shown for hint in HINTS)]


def cells(folder: Path, name: str = "it-help") -> dict[str, tuple[str, str]]:
    """The two dates of each row."""
    lines = (folder / f"{name}.csv").read_text("utf-8").splitlines()[1:]
    return {line.split(",")[0]: (line.split(",")[-2], line.split(",")[-1]) for line in lines}


def press(slack: LocalSlack, bot: Bot, who: str, message: Message, what: str | int) -> None:
    slack.press(who, message, what)
    settle(slack, bot)


def done(bot: Bot, count: int) -> list[str]:
    """What was last logged, the newest first."""
    entries = AuditLog(bot.services.database).newest(count)
    return [entry.done.key.removeprefix("audit.") for entry in entries]


def place(message: Message, action: str, row: str) -> int:
    """The place of a row's button among all controls of a message."""
    elements = [each for block in message.blocks for each in block.get("elements", ()) if "action_id" in each]
    return next(
        n for n, each in enumerate(elements) if each["action_id"] == action and each["value"].endswith(f"\n{row}")
    )


# Asking


@pytest.mark.usefixtures("lawful")
def test_everybody_is_asked_once_a_week_about_their_own_in_their_language(
    slack: LocalSlack, bot: Bot, clock: Clock
) -> None:
    for at in (MONDAY - timedelta(hours=1), MONDAY, MONDAY, MONDAY + timedelta(days=3), MONDAY + WEEK, MONDAY + WEEK):
        clock.at = at
        ask(bot)
    assert [len(asked(slack, who)) for who in ("hanako", "alice", "olivia")] == [2, 2, 2]
    assert [who for who in ("ichiro", "guest", "external", "gone") if asked(slack, who)] == []
    to_hanako, to_alice, to_olivia = (asked(slack, who)[0].shown for who in ("hanako", "alice", "olivia"))
    assert JAPANESE("review.title", entries="1件") in to_hanako
    assert re.findall("パスワード|Wi-Fi|two-factor|scan|desk", to_hanako) == ["パスワード"]
    assert ENGLISH("review.title", entries="2 entries") in to_alice
    assert re.findall("パスワード|Wi-Fi|two-factor|scan|desk", to_alice) == ["Wi-Fi", "two-factor"]
    assert "due since 2026-10-01" in to_alice
    assert ENGLISH("review.unowned", entries="3 entries") in to_olivia
    assert re.findall("プリンター|VPN|鍵|パスワード|Wi-Fi", to_olivia) == ["プリンター", "VPN", "鍵"]


@pytest.mark.usefixtures("lawful")
def test_after_an_upgrade_the_next_monday_is_waited_for(
    slack: LocalSlack, start: Start, knowledge: Path, clock: Clock
) -> None:
    write(slack, knowledge)
    bot = start(CONFIG, clock)
    for days, expected in ((2, 0), (3, 0), (6.9, 0), (7, 1), (8, 1)):
        clock.at = MONDAY + timedelta(days=days)
        ask(bot)
        assert len(asked(slack, "hanako")) == expected, days


@pytest.mark.usefixtures("lawful")
def test_files_without_the_columns_ask_nobody(slack: LocalSlack, start: Start, clock: Clock) -> None:
    bot = start(ConfigFile(timezone="UTC"), clock, admin_users=(slack.person("olivia").id,))
    for _ in range(3):
        ask(bot)
        clock.at += WEEK
    assert slack.calls_of("chat.postMessage") == []
    assert ENGLISH("stale.none") in slack.reply(slack.command("olivia", "it-help", "/kb stale")).shown


@pytest.mark.usefixtures("lawful")
def test_where_it_is_switched_off_nobody_is_asked(slack: LocalSlack, bot: Bot) -> None:
    bot.services.channels.set("", "features_off_for_all", Feature.REVIEWS.value, slack.person("olivia").id)
    ask(bot)
    assert slack.calls_of("chat.postMessage") == []


@pytest.mark.parametrize("may", [False, True])
def test_by_mail_address_if_the_app_may_look_it_up(
    empty_data: Path, knowledge: Path, manager: ModelManager, clock: Clock, database_url: str | None, *, may: bool
) -> None:
    rows = ["a,Where?,Here.,Alice@Example.com,2026-01-01,", "b,When?,Now.,gone@example.com,2026-01-01,"]
    (knowledge / "it-help.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    scopes = (*DEFAULT_SCOPES, "users:read.email") if may else DEFAULT_SCOPES
    with LocalSlack(scopes=scopes) as slack, starting(slack, knowledge, manager, empty_data, database_url) as start:
        bot = start(CONFIG, clock, admin_users=(slack.person("olivia").id,))
        ask(bot)
        clock.at += WEEK
        ask(bot)
        assert (len(asked(slack, "alice")), len(asked(slack, "olivia"))) == (may, 1)
        assert ("Where?" in asked(slack, "olivia")[0].shown) == (not may)
        for message in asked(slack, "alice"):
            press(slack, bot, "alice", message, "review_right")
            assert cells(knowledge)["a"] == ("2026-12-07", "")


@pytest.mark.usefixtures("lawful")
def test_slack_that_cannot_say_who_somebody_is_is_asked_again_and_whoever_takes_no_messages_is_left_to_the_admins(
    slack: LocalSlack, bot: Bot
) -> None:
    slack.faults.error("users.info", "team_access_not_granted", times=None)
    ask(bot)
    assert slack.calls_of("chat.postMessage") == []
    slack.faults.clear()
    slack.faults.error("chat.postMessage", "messages_tab_disabled")  # to the first one
    ask(bot)
    owners = [who for who in ("hanako", "alice") if asked(slack, who)]
    assert len(owners) == 1
    refused = "パスワード" if owners == ["alice"] else "Wi-Fi"
    assert refused in asked(slack, "olivia")[0].shown
    ask(bot)
    assert sum(len(asked(slack, who)) for who in ("hanako", "alice", "olivia")) == 2


@pytest.mark.usefixtures("lawful")
def test_a_message_whose_call_broke_off_or_whose_process_was_killed_comes_once(
    slack: LocalSlack, start: Start, bot: Bot, clock: Clock
) -> None:
    users = {who: slack.person(who).id for who in ("hanako", "alice", "olivia")}
    slack.faults.drop_response("chat.postMessage", times=1)
    ask(bot)
    assert [len(asked(slack, who)) for who in users] == [1, 1, 1]
    database = bot.services.database
    database.write("go back to before it was known", update(requests).values(sent=False))
    Installation(database).set(REVIEWED, "2026-11-23")
    stop(slack, bot)
    again = start(CONFIG, clock, admin_users=(users["olivia"],))
    ask(again)
    assert [len(asked(slack, who)) for who in users] == [1, 1, 1]
    begun = ReviewRequests(again.services.database)
    assert [begun.begin(user, "2026-12-07") for user in users.values()] == [True, True, True]
    long_ago = update(requests).where(requests.c.user == users["alice"]).values(at=time.time() - RESUMED_SECONDS - 1)
    again.services.database.write("let time pass", long_ago)
    clock.at = MONDAY + WEEK
    ask(again)
    ask(again)
    assert [len(asked(slack, who)) for who in users] == [2, 1, 2]


@pytest.mark.usefixtures("lawful")
def test_a_bot_that_stops_in_the_middle_goes_on_after_the_next_start(slack: LocalSlack, bot: Bot) -> None:
    reviews = WeeklyReviews(bot.services, pause_seconds=0)
    reviews._stop.set()
    with pytest.raises(StoppingError):
        reviews.ask_if_due()
    ask(bot)
    assert [len(asked(slack, who)) for who in ("hanako", "alice", "olivia")] == [1, 1, 1]


@pytest.mark.usefixtures("lawful")
def test_what_is_closed_to_the_active_admins_is_told_to_an_admin_who_is_in_its_channel(
    slack: LocalSlack, start: Start, knowledge: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    hanako = slack.person("hanako").id  # not in the channel: what is closed to her she is not asked about
    (knowledge / "keiri.csv").write_text(
        f"{HEADER}\nk,監査はいつですか？,極秘。,{hanako},,2026-01-01\n", encoding="utf-8"
    )
    slack.invite_bot("keiri")
    slack.remove("olivia", "keiri")
    bot = start(ConfigFile(timezone="UTC"), clock, admin_users=(slack.person("olivia").id,))
    ask(bot)
    clock.at += WEEK
    ask(bot)
    assert [len(asked(slack, who)) for who in ("hanako", "olivia", "ichiro")] == [0, 0, 1]
    assert "監査" in asked(slack, "ichiro")[0].shown
    slack.remove("ichiro", "keiri")
    bot.services.access.note_joined(slack.channel("keiri").id)
    clock.at += WEEK
    ask(bot)
    assert len(asked(slack, "ichiro")) == 1
    assert "1 entries are due for a check, and there is nobody to ask" in caplog.text


# Pressing


@pytest.mark.usefixtures("lawful")
def test_still_right_writes_the_date_like_an_edit_and_shows_what_is_left(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    bot.services.maintenance.record_versions().result(60)
    before = cells(knowledge)
    ask(bot)
    [message] = asked(slack, "alice")
    press(slack, bot, "alice", message, "review_right")
    assert cells(knowledge) == {**before, "wifi": (TODAY, NEXT)}
    assert message.shown.startswith(ENGLISH("review.checked", title="How do I connect to the Wi-Fi?"))
    assert "two-factor" in message.shown
    press(slack, bot, "alice", message, "review_right")
    assert cells(knowledge)["mfa"] == (TODAY, "")
    assert ENGLISH("review.none") in message.shown
    assert done(bot, 2) == ["checked", "checked"]
    source = bot.services.registry.source("it-help")
    assert [each.origin for each in bot.services.maintenance.versions.of(source)][:2] == ["edit", "edit"]
    undone = slack.reply(slack.command("olivia", "it-help", "/kb rollback it-help"))
    press(slack, bot, "olivia", undone, "upload_apply")
    assert cells(knowledge) == {**before, "wifi": (TODAY, NEXT)}


@pytest.mark.usefixtures("lawful")
def test_the_owner_edits_in_the_form_although_no_admin_and_that_counts_as_a_check(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    ask(bot)
    [message] = asked(slack, "alice")
    press(slack, bot, "alice", message, "review_edit")
    [form] = slack.views("alice")
    assert form.title == ENGLISH("edit.title.edit")
    slack.submit("alice", form, {"answer": "Choose Sample-Guest."})
    settle(slack, bot)
    assert "Choose Sample-Guest." in (knowledge / "it-help.csv").read_text("utf-8")
    assert cells(knowledge)["wifi"] == (TODAY, NEXT)
    press(slack, bot, "alice", message, "review_right")  # the same button: it is not due any more
    assert cells(knowledge)["mfa"] == ("2026-05-01", "")
    assert "Wi-Fi" in message.shown.splitlines()[0]


@pytest.mark.usefixtures("lawful")
def test_not_mine_leaves_it_to_the_admins_for_good(slack: LocalSlack, bot: Bot, clock: Clock, knowledge: Path) -> None:
    ask(bot)
    [message] = asked(slack, "hanako")
    press(slack, bot, "hanako", message, "review_not_mine")
    assert JAPANESE("review.none") in message.shown
    assert done(bot, 1) == ["not_mine"]
    clock.at += WEEK
    ask(bot)
    assert (len(asked(slack, "hanako")), len(asked(slack, "olivia"))) == (1, 2)
    assert "パスワード" in asked(slack, "olivia")[1].shown
    listed = slack.reply(slack.command("olivia", "it-help", "/kb stale"))
    assert "パスワード" in listed.shown
    press(slack, bot, "olivia", listed, place(listed, "review_right", "pw"))
    assert cells(knowledge)["pw"] == ("2026-12-07", "")


PRESSES = ("review_right", "review_edit", "review_not_mine")


@pytest.mark.usefixtures("lawful", "guests")
def test_nobody_else_may_press_whatever_the_button_carries(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    before = (knowledge / "it-help.csv").read_bytes()
    record = bot.services.registry.record("it-help", "pw")
    assert record
    value = str(Pressed(MINE, 0, digest_of(record), "it-help", "pw"))
    for who, told in (("alice", NOT_YOURS), ("guest", ENGLISH("access.members"))):
        for action_id in PRESSES:
            carried = "it-help\npw" if action_id == "review_edit" else value
            slack.press(who, button(slack, "it-help", action_id, carried), action_id)
        settle(slack, bot)
        assert [each.shown for each in slack.ephemerals(who)] == [told] * len(PRESSES)
    assert slack.views("alice") == []
    press(slack, bot, "olivia", button(slack, "it-help", "review_edit", "it-help\npw"), "review_edit")
    [form] = slack.views("olivia")
    form.user = slack.person("alice").id  # a form that was opened by who may
    slack.submit("alice", form, {"answer": "Mine."})
    settle(slack, bot)
    assert ENGLISH("access.admins") in form.shown
    assert (knowledge / "it-help.csv").read_bytes() == before


@pytest.mark.usefixtures("lawful")
def test_what_changed_since_it_was_shown_is_not_called_right(
    slack: LocalSlack, bot: Bot, knowledge: Path, put: Put
) -> None:
    ask(bot)
    [message] = asked(slack, "alice")
    put("it-help.csv", (knowledge / "it-help.csv").read_text("utf-8").replace("Sample-Office", "Sample-Guest"))
    bot.services.maintenance.reload("it-help").result(60)
    press(slack, bot, "alice", message, "review_right")
    assert message.shown.startswith(ENGLISH("review.changed", title="How do I connect to the Wi-Fi?"))
    assert cells(knowledge)["wifi"] == ("2026-04-01", "2026-10-01")
    press(slack, bot, "alice", message, "review_right")
    assert cells(knowledge)["wifi"] == (TODAY, NEXT)


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_a_file_that_somebody_is_changing_by_hand_is_read_again_first(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    ask(bot)
    [message] = asked(slack, "alice")
    path = knowledge / "it-help.csv"
    path.write_text(path.read_text("utf-8").replace("Sample-Office", "Sample-Guest"), "utf-8")
    press(slack, bot, "alice", message, "review_right")
    assert message.shown.startswith(ENGLISH("review.file_changed"))
    assert "Sample-Guest" in message.shown
    press(slack, bot, "alice", message, "review_right")
    assert cells(knowledge)["wifi"] == (TODAY, NEXT)


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_a_file_that_cannot_be_written_is_named_and_the_buttons_stay(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    ask(bot)
    [message] = asked(slack, "alice")
    lock = knowledge / ".it-help.csv.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()  # so that nobody can write, root included
    press(slack, bot, "alice", message, "review_right")
    assert "it-help.csv: can't be written" in slack.ephemerals("alice")[-1].shown
    assert cells(knowledge)["wifi"] == ("2026-04-01", "2026-10-01")
    lock.rmdir()
    press(slack, bot, "alice", message, "review_right")
    assert cells(knowledge)["wifi"] == (TODAY, NEXT)


# Listing


@pytest.mark.usefixtures("lawful")
def test_admins_list_what_is_due_page_by_page_and_not_what_is_closed_to_them(
    slack: LocalSlack, start: Start, knowledge: Path, clock: Clock
) -> None:
    write(slack, knowledge)
    rows = [f"k{n},監査{n}はいつですか？,極秘。,,2026-01-01," for n in range(3)]
    (knowledge / "keiri.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    many = [f"d{n},Question {n:02}?,Answer.,,,2026-{n % 9 + 1:02}-01" for n in range(25)]
    (knowledge / "dev-faq.csv").write_text("\n".join([HEADER, *many]) + "\n", encoding="utf-8")
    due = [HEADER.split(","), ["h", "有休は？", "画面から。", "", "", "2025-01-01"]]
    (knowledge / "hr-somu.xlsx").write_bytes(sheets(FAQ=due))
    slack.invite_bot("keiri")
    slack.remove("olivia", "keiri")
    sections = {**CONFIG.knowledge_bases, "keiri": KnowledgeBaseSection.model_validate({"review_after": "4w"})}
    config = CONFIG.model_copy(update={"knowledge_bases": sections})
    bot = start(config, clock, admin_users=(slack.person("olivia").id,))
    page = slack.reply(slack.command("olivia", "it-help", "/kb stale"))
    assert ENGLISH("stale.title", entries="32 entries") in page.shown
    assert ENGLISH("stale.elsewhere", count=3) in page.shown
    assert ENGLISH("stale.undated", names="it-help (1)") in page.shown
    assert ENGLISH("review.workbook") in page.shown
    assert "極秘" not in str(page.blocks) + page.text
    seen = [re.findall(r"Question \d\d", page.shown)]
    for _ in range(3):
        press(slack, bot, "olivia", page, "review_more")
        seen.append(re.findall(r"Question \d\d", page.shown))
    assert sorted(title for titles in seen for title in titles) == [f"Question {n:02}" for n in range(25)]
    for _ in range(3):
        press(slack, bot, "olivia", page, "review_back")
    press(slack, bot, "olivia", page, place(page, "review_right", "d0"))
    assert ENGLISH("stale.title", entries="31 entries") in page.shown
    assert cells(knowledge, "dev-faq")["d0"] == ("2026-11-30", NEXT)


# Answers


@pytest.mark.usefixtures("lawful")
@pytest.mark.parametrize(
    ("limit", "late", "given"), [("30d", 30, True), ("30d", 31, False), ("2w", 15, False), ("never", 900, True)]
)
def test_an_overdue_entry_says_so_and_is_not_given_unasked_from_the_limit_on(
    slack: LocalSlack, start: Start, knowledge: Path, clock: Clock, limit: str, late: int, *, given: bool
) -> None:
    since = (MONDAY.date() - timedelta(days=late)).isoformat()
    row = f"pw,パスワードを忘れました。,再設定ページを開いてください。,U012AB3CD,2025-12-01,{since}"
    (knowledge / "it-help.csv").write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
    bot = start(
        ConfigFile.model_validate({**CONFIG.model_dump(include={"timezone", "channels"}), "overdue_limit": limit}),
        clock,
    )
    said = slack.say("hanako", "it-help", "パスワードを忘れました。")
    settle(slack, bot)
    note = JAPANESE("answer.overdue", date="2025-12-01", since=since)
    assert [note in each.shown for each in slack.replies(said)] == [True] * given
    found = slack.reply(slack.command("hanako", "it-help", "/search パスワードを忘れました。"))
    assert note in found.shown
    assert "U012AB3CD" not in found.shown
    why = bot.services.registry.why(bot.services.registry.search("パスワードを忘れました。", ["it-help"]), 0.5)
    assert (why[0].key == "why.overdue") == (not given)


# Replicas


@pytest.fixture
def both(
    slack: LocalSlack, tmp_path: Path, postgresql: str, manager: ModelManager, knowledge: Path, clock: Clock
) -> Iterator[list[Bot]]:
    """Two replicas, which asked everybody last week."""
    write(slack, knowledge)
    with replicas(slack, tmp_path, postgresql) as several:
        several.import_files()
        config = CONFIG.model_copy(update={"promise": 0.0})
        bots = [several.start(name, manager, config, clock=clock) for name in ("a", "b")]
        clock.at = MONDAY - WEEK
        ask(bots[0])
        clock.at = MONDAY
        yield bots


def test_replicas_ask_once_and_of_two_presses_one_counts(slack: LocalSlack, both: Sequence[Bot]) -> None:
    for _ in range(2):
        for each in both:
            ask(each)
    assert [len(asked(slack, who)) for who in ("hanako", "alice")] == [1, 1]
    [message] = asked(slack, "alice")
    first = place(message, "review_right", "wifi")
    for _ in range(2):
        slack.press("alice", message, first, wait=False)
    for each in both:
        settle(slack, each)
    slack.wait_until(lambda: "two-factor" in message.shown and "review_right" in str(message.blocks), what="the rest")
    assert done(both[0], 20).count("checked") == 1
    slack.wait_until(lambda: all(due_of_wifi(each) is None for each in both), what="both read it")


def due_of_wifi(bot: Bot) -> Any:
    record = bot.services.registry.record("it-help", "wifi")
    return record and bot.services.registry.overdue("it-help", record)


# A year


@pytest.mark.long("goes through a year")
def test_a_year_every_due_row_is_asked_about_and_nobody_twice_in_a_week() -> None:
    row = stale_year.run(0.02)
    assert row.failures == 0, row.worst
    assert row.trials > 100
