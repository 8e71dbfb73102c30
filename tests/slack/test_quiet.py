"""Quiet: nothing that nobody asked for is posted, whatever kind it is; questions are answered as always."""

import ast
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.app import Bot
from bot.cli import main
from bot.config_file import ConfigFile
from bot.digest import WeeklyDigest
from bot.housekeeping import Housekeeping
from bot.playground import LocalSlack
from bot.quiet import be_quiet
from bot.reviews import WeeklyReviews
from bot.settings import load_settings
from bot.status import format_status, read_status, write_status
from handlers.admin.quiet import span
from handlers.admin.views.recovery import damaged_now
from handlers.admins import tell_admins
from handlers.channel_rules import Unproved
from handlers.schema import open_database
from handlers.store.installation import KEEP_AUTO_REPLY, QUIET, REVIEWED, Installation
from handlers.store.questions import Questions
from handlers.store.quiet import Quiet
from indexes.messages import Translatable
from tests.slack.conftest import ILLEGAL, Start, asked_so_far, settle, stop
from tests.slack.test_proposals import propose
from tests.slack.test_synonyms import ENGLISH, confirm

PASSWORD, PRINTER = "パスワードを忘れました", "プリンターで印刷できません。"
WIFI, MFA = "How do I connect to the office Wi-Fi?", "How do I set up two-factor authentication?"
ERROR = "What does ERR-4012 mean?"
POSTING = ("chat.postMessage", "chat.postEphemeral", "chat.update", "assistant.threads.setSuggestedPrompts")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
OVERDUE = "question,answer,review_by\nWhen are salaries paid?,On the 25th.,2020-01-31\n"
PROVED = 14
"""Replies, all of them right, that prove a precision of 80%."""


class Stage(NamedTuple):
    slack: LocalSlack
    bot: Bot
    round: int


Act = Callable[[], object]


def automatic_answer(at: Stage) -> Act:
    return lambda: at.slack.say("hanako", "it-help", PASSWORD)


def report_of_shadow_mode(at: Stage) -> Act:
    return lambda: at.slack.say("alice", "dev-faq", ERROR)


def follow_up(at: Stage) -> Act:
    asked = at.slack.mention("alice", "it-help", WIFI)
    return lambda: at.slack.say("alice", "it-help", MFA, thread_ts=asked.ts)


def edit_of_what_was_answered_unasked(at: Stage) -> Act:
    asked = at.slack.say("hanako", "it-help", PASSWORD)
    return lambda: at.slack.edit(asked, PRINTER)


def suggestions(at: Stage) -> Act:
    return lambda: at.slack.open_home("alice", "messages")


def introduction(at: Stage) -> Act:
    place = at.slack.create_channel("olivia", f"new-{at.round}")
    return lambda: at.slack.invite_bot(place)


def call_of_people(at: Stage) -> Act:
    answer = at.slack.reply(at.slack.command("alice", "it-help", "/search Where is the fax?"))
    return lambda: at.slack.press("alice", answer, "ask_person")


def proposal(at: Stage) -> Act:
    return lambda: propose(at.slack, at.bot)


def damage(at: Stage) -> Act:
    return lambda: tell_admins(at.bot.services, damaged_now)


DROPPED = (
    automatic_answer,
    report_of_shadow_mode,
    follow_up,
    edit_of_what_was_answered_unasked,
    suggestions,
    introduction,
    call_of_people,
    proposal,
    damage,
)
"""What is not posted afterwards either, unless it happens again."""


def digest(at: Stage) -> None:
    channel = at.slack.channel("words").id
    WeeklyDigest(at.bot.services, channel, lambda: MONDAY + timedelta(hours=at.round)).send_if_due()


def housekeeping(at: Stage) -> None:
    """Look 91 days from now, when what was asked today is old."""
    later = (datetime.now(UTC) + timedelta(days=91)).timestamp()
    Housekeeping(at.bot.services, 90, lambda: later + at.round).tidy()


def look_for_files_and_channels(at: Stage) -> None:
    at.bot.services.rescan()


def reviews(at: Stage) -> None:
    WeeklyReviews(at.bot.services, lambda: MONDAY + timedelta(hours=at.round), pause_seconds=0).ask_if_due()


LATER = (digest, housekeeping, look_for_files_and_channels, reviews)
"""What is done in the background: it tells afterwards what it did not tell meanwhile."""
TOLD_LATER = {
    "words": ("Unanswered questions",),
    "olivia": (
        "is proved",
        "was on before the upgrade",
        "days old",
        "synonym",
        "*salaries*",
        "Due for a check",
    ),
}


def posted(slack: LocalSlack) -> int:
    return sum(call.ok for method in POSTING for call in slack.calls_of(method))


def kb(slack: LocalSlack, line: str, who: str = "olivia") -> str:
    return slack.reply(slack.command(who, "it-help", f"/kb {line}")).shown


def told(slack: LocalSlack, where: str) -> str:
    return "\n".join(each.shown for each in slack.bot_messages(slack.person(where) if where == "olivia" else where))


@pytest.fixture(autouse=True)
def legal(slack: LocalSlack) -> Iterator[None]:
    """Whatever was sent to Slack must have been legal; proposals mention people."""
    yield
    assert slack.warnings == []
    assert [call for call in slack.calls if call.error in ILLEGAL] == []


@pytest.fixture
def bot(slack: LocalSlack, start: Start, knowledge: Path, helpers: list[str]) -> Bot:
    """A bot that has something to say of every kind."""
    (knowledge / "words.csv").write_text(ENGLISH, encoding="utf-8")
    (knowledge / "salaries.csv").write_text(OVERDUE, encoding="utf-8")
    channels = {
        "it-help": {"knowledge_bases": ["it-help"], "auto_reply": "on", "threshold": 0.5, "ask": helpers},
        "dev-faq": {"knowledge_bases": ["dev-faq"], "auto_reply": "shadow", "threshold": 0.3},
        "hr-somu": {"knowledge_bases": ["dev-faq"], "auto_reply": "on", "threshold": 0.3, "promise": 0.8},
    }
    slack.workspace.add_channel("words", [slack.person(who) for who in ("hanako", "alice", "olivia", "bot")])
    config = ConfigFile.model_validate({"promise": 0.0, "channels": channels})
    return start(config, admin_users=slack.person("olivia").id)


def prepare_what_waits(slack: LocalSlack, bot: Bot) -> None:
    """Let things happen of which the background work will tell."""
    services, somu = bot.services, slack.channel("hr-somu").id
    slack.reply(slack.mention("alice", "words", f"<@{slack.bot}> Who waters the plants on the fourth floor?"))
    confirm(slack, bot, "en", "words")
    slack.reply(slack.command("alice", "hr-somu", f"/search {ERROR}"))
    judged = asked_so_far(bot)[-1]
    for place in range(PROVED):
        number = Questions(services.database).add(replace(judged, text=f"{ERROR} {place}"))
        assert number is not None
        Questions(services.database).vote(number, slack.person("alice").id, "right", member=True)
    services.channels.allow_unproved(somu, Unproved.KEPT, "")
    Installation(services.database).set(KEEP_AUTO_REPLY, "kept")
    Installation(services.database).set(REVIEWED, "2020-01-06")


def test_no_kind_of_message_is_posted_unasked_until_it_ends(slack: LocalSlack, bot: Bot) -> None:
    prepare_what_waits(slack, bot)
    meanwhile, afterwards = Stage(slack, bot, 1), Stage(slack, bot, 2)
    acts = {kind.__name__: kind(meanwhile) for kind in DROPPED}
    settle(slack, bot)
    assert "Quiet until `/kb quiet off`" in kb(slack, "quiet")
    slack.create_channel("alice", "salaries")
    slack.invite_bot("salaries", "alice")
    for name, act in acts.items():
        before = posted(slack)
        act()
        settle(slack, bot)
        assert posted(slack) == before, name
    for work in LATER:
        before = posted(slack)
        work(meanwhile)
        settle(slack, bot)
        assert posted(slack) == before, work.__name__
    assert "No longer quiet" in kb(slack, "quiet off")
    for kind in DROPPED:
        act = kind(afterwards)
        settle(slack, bot)
        before = posted(slack)
        act()
        settle(slack, bot)
        assert posted(slack) > before, kind.__name__
    for work in LATER:
        work(afterwards)
        settle(slack, bot)
    for where, texts in TOLD_LATER.items():
        assert [text for text in texts if text not in told(slack, where)] == []


def test_what_somebody_asks_for_is_answered_meanwhile(slack: LocalSlack, bot: Bot) -> None:
    mentioned, direct = slack.mention("alice", "it-help", WIFI), slack.dm("alice", MFA)
    unasked = slack.say("hanako", "it-help", PASSWORD)
    answers = [slack.reply(each) for each in (mentioned, direct)]
    automatic = slack.reply(unasked)
    private = slack.reply(slack.command("alice", "it-help", "/search Where is the fax?"))
    settle(slack, bot)
    kb(slack, "quiet 1h")
    slack.edit(mentioned, MFA)
    slack.edit(direct, WIFI)
    slack.edit(unasked, PRINTER)
    slack.wait_until(lambda: "authenticator app" in answers[0].shown, what="the edited mention's answer")
    slack.wait_until(lambda: "Sample-Office" in answers[1].shown, what="the edited direct message's answer")
    slack.wait_until(lambda: automatic.deleted, what="the withdrawal")
    turned = slack.say("alice", "it-help", "Lunch, anyone?")
    slack.edit(turned, f"<@{slack.bot}> {WIFI}")
    assert "Sample-Office" in slack.reply(turned).shown
    assert "authenticator app" in slack.reply(slack.command("alice", "it-help", f"/search {MFA}")).shown
    assert "made me quiet" in slack.reply(slack.press("alice", private, "ask_person")).shown
    slack.press("alice", answers[0], "vote", 0)
    settle(slack, bot)


def test_status_home_and_the_audit_log_show_it(slack: LocalSlack, bot: Bot, tmp_path: Path) -> None:
    assert "Quiet until" not in kb(slack, "status")
    assert "I was not quiet" in kb(slack, "quiet off")
    assert "at most 31 days" in kb(slack, "quiet soon")
    assert "質問にはこれまでどおり答えます" in kb(slack, "quiet 2時間", "ichiro")
    for shown in (kb(slack, "status"), slack.open_home("olivia")):
        assert "Quiet until <!date^" in (shown if isinstance(shown, str) else shown.shown if shown else "")
    write_status(tmp_path, bot.services)
    assert "Quiet until" in format_status(read_status(tmp_path) or {})
    kb(slack, "quiet")
    write_status(tmp_path, bot.services)
    assert "Quiet until `kotae quiet off`" in format_status(read_status(tmp_path) or {})
    kb(slack, "quiet off")
    done = kb(slack, "audit").splitlines()
    assert [line.partition("*quiet* · ")[2] for line in done if "quiet" in line] == [
        "ended", "until it is ended", "for 2 h",
    ]  # fmt: skip
    assert "ワークスペースの管理者だけ" in kb(slack, "quiet", "hanako")


def silent(slack: LocalSlack, bot: Bot) -> bool:
    asked = slack.say("hanako", "it-help", PASSWORD)
    settle(slack, bot)
    return slack.replies(asked) == []


def test_it_outlasts_a_restart_and_ends_by_itself_or_from_the_shell(
    slack: LocalSlack,
    start: Start,
    state_url: str,
    knowledge: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = ConfigFile.model_validate({"channels": {"it-help": {"auto_reply": "on", "threshold": 0.5}}})
    bot = start(config)
    monkeypatch.setenv("DATABASE_URL", state_url)
    monkeypatch.setenv("DATA_DIR", str(knowledge.parent / "data"))
    assert main(["quiet", "1h"]) == 0
    assert "Quiet until" in capsys.readouterr().out
    assert silent(slack, bot)
    stop(slack, bot)
    bot = start(config)
    assert silent(slack, bot)
    assert main(["quiet", "off"]) == 0
    assert not silent(slack, bot)
    assert main(["quiet"]) == 0
    assert silent(slack, bot)
    be_quiet(load_settings(), 0.5)
    slack.wait_until(lambda: bot.services.messenger.quiet.until() is None, what="its end")
    assert not silent(slack, bot)


def test_without_the_database_of_a_bot_the_shell_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///elsewhere.db")
    assert main(["quiet", "1h"]) == 1
    assert "elsewhere.db: no bot of this version works with it" in capsys.readouterr().err
    assert not Path("elsewhere.db").exists()


def test_while_the_database_fails_what_was_last_known_holds_and_a_damaged_time_means_quiet(state_url: str) -> None:
    database = open_database(state_url)
    now = [100.0]
    quiet = Quiet(database, lambda: now[0])
    assert (quiet.until(), quiet.ended()) == (None, 0.0)
    quiet.set(200.0, "U1", "C1", Translatable("audit.quiet_open"))
    assert quiet.until() == 200.0
    now[0] = 200.0
    assert (quiet.until(), quiet.ended()) == (None, 200.0)
    Installation(database).set(QUIET, "2k0.0")
    assert quiet.until() == math.inf
    database.close()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("1h", 3600.0), ("30m", 1800.0), ("90 min", 5400.0), ("2d", 172800.0), ("31d", 2678400.0), ("", math.inf)],
        *[("1時間", 3600.0), ("30分", 1800.0), ("30分間", 1800.0), ("2日間", 172800.0)],
        *[(each, None) for each in ("0h", "32d", "1", "h", "1w", "-1h", "1.5h", "on", "99999d", "１h" * 9)],
    ],
)
def test_spans_of_time(text: str, seconds: float | None) -> None:
    assert span(text) == seconds


# -- Nothing new goes past it ----------------------------------------------------------------------

HOUSE = Path(__file__).parents[2]
SENDING = {"post", "post_ephemeral", "send", "send_file", "inform", "answer", "update_message"}
TELLING = {"tell_admins", "tell_each"}
UNASKED = {
    "bot/digest.py": digest,
    "bot/housekeeping.py": damage,
    "handlers/admin/recovery.py": damage,
    "handlers/admin/waiting.py": look_for_files_and_channels,
    "handlers/admins.py": damage,
    "handlers/answers/auto_reply.py": automatic_answer,
    "handlers/answers/escalation.py": call_of_people,
    "handlers/answers/shadow.py": report_of_shadow_mode,
    "handlers/answers/suggestions.py": suggestions,
    "handlers/entries/proposals.py": proposal,
    "handlers/freshness/asking.py": reviews,
    "handlers/files/fetching.py": look_for_files_and_channels,  # and test_sources
    "handlers/files/removal.py": look_for_files_and_channels,
    "handlers/home/home.py": introduction,
    "handlers/learning/proof.py": housekeeping,
    "handlers/privacy/announcement.py": housekeeping,
    "handlers/synonyms/mining.py": housekeeping,
}
"""Modules that may post unasked, each with what makes it do so above."""
ANSWERING = {
    *("handlers/answers/search.py", "handlers/answers/sharing.py", "handlers/entries/editing.py"),
    *("handlers/files/applying.py", "handlers/files/uploads.py", "handlers/files/versions.py", "handlers/request.py"),
}
"""Modules that only post what somebody asked for."""


def posts(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and node.attr in SENDING:
        owner = ast.unparse(node.value)
        return "messenger" in owner or (owner == "request" and node.attr == "post")
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TELLING


def test_every_module_that_posts_is_known() -> None:
    paths = [path for package in ("bot", "handlers") for path in (HOUSE / package).rglob("*.py")]
    found = {
        path.relative_to(HOUSE).as_posix()
        for path in paths
        if "playground" not in path.parts and any(map(posts, ast.walk(ast.parse(path.read_text("utf-8")))))
    }
    assert found == UNASKED.keys() | ANSWERING
    assert {*UNASKED.values()} <= {*DROPPED, *LATER}
