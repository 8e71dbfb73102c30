"""A bot that is killed while requests wait: what it has acked is done by the next one, and nothing twice."""

import csv
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.playground import Interaction, View
from tests.faults.kill_queued import KILLS, QUESTION, World, run, world
from tests.slack.conftest import redeliver

pytestmark = pytest.mark.long("kills bots")

DIAL = {"question": "Which number do I dial?", "answer": "0120-000-000"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as running:
        running.slack.wait_until(running.has_read, what="the knowledge bases")
        yield running


def killed(running: World) -> None:
    """Kill the bot, and let Slack forget what was slow."""
    running.stop(signal.SIGKILL)
    running.slack.faults.clear()


def restarted(running: World) -> None:
    running.process = running.start()
    running.slack.wait_until(running.has_read, what="the knowledge bases")


def waiting(running: World) -> list[Any]:
    """The rows of the inbox."""
    with closing(sqlite3.connect(running.folder / ".kotae" / "state.db")) as database:
        return database.execute("SELECT * FROM inbox").fetchall()


def done(running: World) -> None:
    """Wait until nothing is left to do."""
    running.slack.wait_until(lambda: not waiting(running), what="the end of the work")
    running.slack.quiet(0.5)


def opened(running: World, who: str) -> View:
    form = running.slack.command(who, "it-help", "/kb add")
    running.slack.wait_until(lambda: form.views, what="the form")
    return form.views[0]


@contextmanager
def called(running: World, method: str) -> Iterator[None]:
    """Wait after the block until the bot hangs in a call that Slack is slow to answer."""
    before = len(running.slack.calls_of(method))
    yield
    running.slack.wait_until(lambda: len(running.slack.calls_of(method)) > before, what=method)


def test_what_was_acked_is_done_after_kill_9_and_done_once() -> None:
    row = run(6 / KILLS)
    assert row.trials >= 6 * 20
    assert row.failures == 0, row.worst


def test_an_entry_that_was_written_is_not_written_again(running: World) -> None:
    view = opened(running, "olivia")
    running.slack.faults.slow("views.update", seconds=4, times=None)
    running.slack.submit("olivia", view, DIAL)
    running.slack.wait_until(lambda: entries(running) == 1, what="the writing")
    killed(running)
    restarted(running)
    done(running)
    assert entries(running) == 1
    assert any("it-help" in str(each.content) for each in running.slack.views("olivia"))


def entries(running: World) -> int:
    with (running.folder / "knowledge" / "it-help.csv").open(encoding="utf-8", newline="") as file:
        return sum(DIAL["question"] in row for row in csv.reader(file))


def test_a_shared_answer_is_posted_once_and_its_link_is_found(running: World) -> None:
    slack = running.slack
    answer = slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    slack.faults.slow("chat.getPermalink", seconds=4, times=None)
    before = len(slack.bot_messages("it-help"))
    slack.press("hanako", answer, "share")
    slack.wait_until(lambda: len(slack.bot_messages("it-help")) > before, what="the sharing")
    killed(running)
    restarted(running)
    done(running)
    assert len(slack.bot_messages("it-help")) == before + 1
    with closing(sqlite3.connect(running.folder / ".kotae" / "state.db")) as database:
        [(message, link)] = database.execute("SELECT message, link FROM publications").fetchall()
    assert message == slack.bot_messages("it-help")[-1].ts
    assert message.replace(".", "") in link


def test_a_proposal_is_stored_once_and_no_admin_asked_twice(running: World) -> None:
    slack = running.slack
    slack.command("olivia", "it-help", "/kb threshold 0.5")  # who did something lately is an active admin
    view = opened(running, "hanako")
    slack.faults.slow("views.update", seconds=4, times=None)
    olivia = slack.person("olivia")
    before = len(slack.bot_messages(olivia))
    slack.submit("hanako", view, DIAL)
    slack.wait_until(lambda: len(slack.bot_messages(olivia)) > before, what="the question to the admin")
    killed(running)
    restarted(running)
    done(running)
    assert len(slack.bot_messages(olivia)) == before + 1
    with closing(sqlite3.connect(running.folder / ".kotae" / "state.db")) as database:
        assert database.execute("SELECT count(*) FROM proposals").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM proposal_requests").fetchone() == (1,)


@pytest.mark.parametrize("decision", ["Approve", "Decline"])
def test_a_decision_is_told_once_though_the_bot_ended_right_after_it(running: World, decision: str) -> None:
    slack = running.slack
    slack.command("olivia", "it-help", "/kb threshold 0.5")
    olivia, hanako = slack.person("olivia"), slack.person("hanako")
    slack.submit("hanako", opened(running, "hanako"), DIAL)
    asked = slack.wait_until(lambda: slack.bot_messages(olivia), what="the question to the admin")[-1]
    slack.faults.slow("chat.update", seconds=4, times=None)
    with called(running, "chat.update"):
        pressed = slack.press("olivia", asked, decision)
        if decision == "Decline":
            form = slack.wait_until(lambda: pressed.views, what="the form")[0]
            slack.submit("olivia", form, {"reason": "It is in the handbook."})
    killed(running)
    restarted(running)
    done(running)
    assert f"{decision.removesuffix('e')}ed by" in asked.shown
    assert len(slack.bot_messages(hanako)) == 1
    assert entries(running) == (decision == "Approve")
    with closing(sqlite3.connect(running.folder / ".kotae" / "state.db")) as database:
        logged = database.execute(
            "SELECT count(*) FROM audit WHERE action IN ('audit.decline', 'audit.add')"
        ).fetchone()
    assert logged == (1,)


def test_a_form_that_can_not_be_opened_any_more_is_apologised_for(running: World) -> None:
    slack = running.slack
    slack.faults.slow("users.info", seconds=4, times=None)
    asked = slack.command("person-1", "it-help", "/kb add")
    killed(running)
    time.sleep(slack.timing.trigger)
    restarted(running)
    slack.wait_until(lambda: asked.messages, what="the apology")
    assert "open" in asked.messages[0].shown
    assert asked.views == []


def test_what_is_older_than_two_minutes_is_dropped_and_counted(running: World) -> None:
    slack = running.slack
    slack.faults.slow("users.info", seconds=4, times=None)
    slack.dm("person-1", QUESTION)
    slack.wait_until(lambda: waiting(running) and slack.envelopes[-1].outcome == "acked", what="the request")
    killed(running)
    with closing(sqlite3.connect(running.folder / ".kotae" / "state.db")) as database:
        database.execute("UPDATE inbox SET received = received - 121")
        database.commit()
    restarted(running)
    slack.quiet(1)
    assert slack.bot_messages(slack.person("person-1")) == []
    assert waiting(running) == []
    assert "too old to be answered: 1" in running.log.read_text("utf-8")


def test_an_event_that_slack_sends_again_after_the_restart_is_answered_once(running: World) -> None:
    slack = running.slack
    slack.faults.slow("chat.postMessage", seconds=2, times=None)
    with called(running, "chat.postMessage"):
        mentioned = slack.mention("person-1", "it-help", QUESTION)
    killed(running)
    restarted(running)
    for envelope in [each for each in slack.envelopes if each.event.get("ts") == mentioned.ts]:
        redeliver(slack, envelope)
    done(running)
    assert len(slack.replies(mentioned)) == 1


def test_a_private_answer_is_repeated_once_at_most(running: World) -> None:
    asked: list[Interaction] = []
    for _ in range(3):
        running.slack.faults.slow("response_url", seconds=2, times=None)
        if not asked:
            asked.append(running.slack.command("person-1", "it-help", f"/search {QUESTION}"))
        running.slack.wait_until(lambda: waiting(running), what="the request")
        time.sleep(1)
        killed(running)
        restarted(running)
    done(running)
    assert 1 <= len(asked[0].messages) <= 2


def test_nothing_of_what_is_done_is_left_in_any_file(running: World) -> None:
    slack = running.slack
    asked = slack.command("person-1", "it-help", f"/search {QUESTION}")
    slack.reply(asked)
    done(running)

    def left() -> list[str]:
        files = (each for each in (running.folder / ".kotae").rglob("*") if each.is_file())
        return [each.name for each in files if asked.response_url.encode() in each.read_bytes()]

    slack.wait_until(lambda: not left(), 10, what="the end of what was kept")
