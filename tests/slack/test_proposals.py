"""What members propose: who is asked, who decides, and that everybody hears of it once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack, Message, View
from handlers.entries.store.proposals import Proposals
from handlers.store.audit import AuditLog
from indexes.messages import Translatable
from tests.audit import action
from tests.conftest import FOLDER
from tests.slack.conftest import ILLEGAL, IT_HELP, Start, redeliver, settle
from tests.slack.test_editing import SCANNER, add, direct, save, search

SENT = ":outbox_tray: Sent to an admin. I will tell you in a direct message what they decide."


@pytest.fixture
def bot(slack: LocalSlack, start: Start) -> Bot:
    """A bot whose settings name Olivia; Ichiro is an admin, too, who set something lately."""
    running = start(admin_users=slack.person("olivia").id)
    slack.reply(slack.command("ichiro", "it-help", "/kb auto-reply off"))
    return running


@pytest.fixture(autouse=True)
def legal(slack: LocalSlack) -> Iterator[None]:
    """Whatever was sent to Slack must have been legal."""
    yield
    assert slack.warnings == []
    assert [call for call in slack.calls if call.error in ILLEGAL] == []


def propose(slack: LocalSlack, bot: Bot, who: str = "alice", where: str = "it-help") -> View:
    view = add(slack, who, where=where)
    assert view.title in {"Propose an entry", "ナレッジへの追加を提案"}
    save(slack, bot, who, view, SCANNER)
    return view


def request(slack: LocalSlack, who: str) -> Message:
    """The message in which an admin is asked."""
    return next(each for each in slack.bot_messages(slack.person(who)) if "kb_proposal_approve" in str(each.blocks))


def test_a_proposal_is_approved_searchable_and_told(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = propose(slack, bot)
    assert (view.title, view.shown) == ("Propose an entry", SENT)
    assert (knowledge / "it-help.csv").read_text("utf-8") == IT_HELP
    alice, olivia = (f"<@{slack.person(who).id}>" for who in ("alice", "olivia"))
    asked, other = request(slack, "olivia"), request(slack, "ichiro")
    assert asked.shown.startswith(f":bulb: {alice} proposes an entry for *it-help*\n*How do I scan a document?*")
    assert other.shown.startswith(f":bulb: {alice} さんから *it-help* への追加の提案です")
    slack.press("olivia", asked, "Approve")
    settle(slack, bot)
    assert (knowledge / "it-help.csv").read_text("utf-8").startswith(IT_HELP)
    assert "Use the scanner on floor 2." in search(slack, "hanako", "scan a document")
    assert f":white_check_mark: Approved by {olivia}" in asked.shown
    assert f":white_check_mark: {olivia} さんが承認しました" in other.shown
    assert "kb_proposal_approve" not in f"{asked.blocks}{other.blocks}"
    [told] = direct(slack, "alice")
    assert told.startswith(":white_check_mark: Your entry “How do I scan a document?” is in *it-help* now")
    assert action(AuditLog(bot.services.database).newest()[0]) == "add it-help"


def test_one_decision_only(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    propose(slack, bot)
    asked, other = request(slack, "olivia"), request(slack, "ichiro")
    first = slack.press("olivia", asked, "Approve", wait=False)
    second = slack.press("ichiro", other, "承認", wait=False)
    settle(slack, bot)
    assert first.envelope
    redeliver(slack, first.envelope)
    redeliver(slack, first.envelope, trigger_id="another press")
    settle(slack, bot)
    assert second.error is None
    assert (knowledge / "it-help.csv").read_text("utf-8").count(SCANNER["question"]) == 1
    assert len(direct(slack, "alice")) == 1


def test_an_admin_may_edit_before_approving(slack: LocalSlack, bot: Bot) -> None:
    propose(slack, bot, "hanako")
    used = slack.press("ichiro", request(slack, "ichiro"), "編集")
    slack.wait_until(lambda: used.views, what="the form")
    view = used.views[0]
    assert view.state["answer"]["answer"]["value"] == SCANNER["answer"]
    save(slack, bot, "ichiro", view, {"answer": "Floor 3 now.", "カテゴリ": "プリンター"})
    assert view.shown.startswith(":white_check_mark: *it-help* に追加しました。")
    assert "Floor 3 now." in search(slack, "alice", "scan a document")
    assert "Approved by" in slack.bot_messages(slack.person("olivia"))[0].shown
    [told] = direct(slack, "hanako")
    assert told.startswith(":white_check_mark: 提案された「How do I scan a document?」を *it-help* に追加しました。")


@pytest.mark.parametrize("reason", ["", "We have <!channel> that & more already."])
def test_a_proposal_is_declined_with_a_reason_or_without(
    slack: LocalSlack, bot: Bot, knowledge: Path, reason: str
) -> None:
    propose(slack, bot)
    asked = request(slack, "olivia")
    used = slack.press("olivia", asked, "Decline")
    slack.wait_until(lambda: used.views, what="the form")
    slack.submit("olivia", used.views[0], {"reason": reason})
    settle(slack, bot)
    assert slack.views("olivia") == []
    olivia = f"<@{slack.person('olivia').id}>"
    expected = [f"Your entry “How do I scan a document?” for *it-help* was declined by {olivia}."]
    if reason:
        expected.append("Reason: We have &lt;!channel&gt; that &amp; more already.")
    assert direct(slack, "alice") == ["\n".join(expected)]
    assert f":no_entry_sign: Declined by {olivia}" in asked.shown
    assert (knowledge / "it-help.csv").read_text("utf-8") == IT_HELP
    pressed = slack.command("ichiro", "it-help", "/kb proposals")
    assert slack.reply(pressed).shown == "確認待ちの提案はありません。"


def test_without_a_reachable_admin_it_waits_in_the_list(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    bot = start()
    view = propose(slack, bot)
    assert "I know of no admin whom I could tell. It waits in `/kb proposals`" in view.shown
    asked = slack.command("olivia", "it-help", "/kb proposals")
    listed = slack.reply(asked)
    assert "How do I scan a document?" in listed.shown
    slack.press("olivia", listed, "Approve")
    settle(slack, bot)
    assert SCANNER["question"] in (knowledge / "it-help.csv").read_text("utf-8")
    assert listed.shown == "No proposal is waiting."
    assert len(direct(slack, "alice")) == 1


def test_an_admin_slack_does_not_deliver_to_is_not_counted_on(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("chat.postMessage", "messages_tab_disabled", times=2)
    view = propose(slack, bot)
    assert "I know of no admin whom I could tell." in view.shown
    assert len(Proposals(bot.services.database).waiting()) == 1


@pytest.mark.sqlite(FOLDER)
def test_what_can_not_be_written_waits_on(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    propose(slack, bot)
    path, asked = knowledge / "it-help.csv", request(slack, "olivia")
    path.write_text(IT_HELP + "fax,Fax?,Gone.,,,,\n", encoding="utf-8")
    pressed = slack.press("olivia", asked, "Approve")
    failed = slack.reply(pressed).shown
    assert failed.startswith(":warning: The entry was not added; the proposal still waits.")
    assert "the file has changed since it was read (1 added, 0 changed, 0 removed)" in failed
    settle(slack, bot)
    slack.press("olivia", asked, "Approve")
    settle(slack, bot)
    written = path.read_text("utf-8")
    assert written.startswith(IT_HELP + "fax,Fax?,Gone.,,,,\n")
    assert SCANNER["question"] in written


def test_members_and_admins_elsewhere_can_not_decide(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "keiri.csv").write_text("質問,回答\n監査はいつ？,来週です。\n", encoding="utf-8")
    slack.invite_bot("keiri")
    slack.invite("hanako", "keiri")
    slack.remove("olivia", "keiri")
    bot = start(admin_users=f"{slack.person('olivia').id},{slack.person('ichiro').id}")
    propose(slack, bot, "hanako", "keiri")
    assert slack.bot_messages(slack.person("olivia")) == []
    asked = request(slack, "ichiro")
    assert slack.reply(slack.command("olivia", "it-help", "/kb proposals")).shown == "No proposal is waiting."
    slack.person("ichiro").is_admin = False
    bot.services.access._remembered.clear()
    bot.services.access._admin_users = frozenset()
    pressed = slack.press("ichiro", asked, "承認")
    assert slack.reply(pressed).shown == "この操作はワークスペースの管理者だけが行えます。"
    assert len(Proposals(bot.services.database).waiting()) == 1


def test_one_person_can_not_flood_the_admins(slack: LocalSlack, bot: Bot) -> None:
    for _ in range(20):
        propose(slack, bot)
    view = add(slack, "alice")
    save(slack, bot, "alice", view, SCANNER)
    assert "You have 20 proposals waiting already." in view.shown
    assert view.state["answer"]["answer"]["value"] == SCANNER["answer"]
    assert len(Proposals(bot.services.database).waiting()) == 20


def test_an_approval_that_never_ended_is_taken_up_again(slack: LocalSlack, bot: Bot) -> None:
    """As when the process ends between the decision and the writing."""
    propose(slack, bot)
    kept = Proposals(bot.services.database)
    [proposal] = kept.waiting()
    assert kept.claim(proposal.id, "U1")
    assert not kept.claim(proposal.id, "U2")
    assert kept.waiting() == []
    with kept._database.transaction(Translatable("database.failed.proposal")) as connection:
        connection.exec_driver_sql("UPDATE proposals SET decided_at = decided_at - 601")
    assert [each.id for each in kept.waiting()] == [proposal.id]
    assert kept.claim(proposal.id, "U2")
