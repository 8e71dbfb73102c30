"""The whole circle: a question is missed, answered, approved, found, confirmed, learned and unlearned."""

from pathlib import Path

from bot.app import Bot
from bot.playground import LocalSlack, Message
from handlers.learning.store.misses import Misses
from tests.slack.conftest import Start, approve, settle
from tests.slack.test_editing import add, field, save
from tests.slack.test_proposals import request

CP932 = (
    "番号,質問,回答,社内メモ\r\n"
    '001,経費の締め日は？,毎月末です。,"経理,確認済"\r\n'
    "002,有休の申請は？,画面からどうぞ。,\r\n"
)
QUESTION = "名刺を追加で注文したいのですが"
PARAPHRASE = "名刺がなくなりそう"
ANSWER = "総務の注文フォームに枚数を書いてください。"


def kb(slack: LocalSlack, what: str) -> Message:
    return slack.reply(slack.command("olivia", "it-help", f"/kb {what}"))


def search(slack: LocalSlack, who: str, question: str) -> Message:
    return slack.reply(slack.command(who, "it-help", f"/search {question}"))


def confidence(bot: Bot) -> float:
    return bot.services.registry.search(PARAPHRASE, ["it-help"]).confidence


def test_an_answer_comes_to_stay(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    file = knowledge / "it-help.csv"
    file.write_bytes(CP932.encode("cp932"))
    bot = start(admin_users=slack.person("olivia").id)
    # Missed, and seen among the misses
    search(slack, "hanako", QUESTION)
    assert QUESTION in kb(slack, "misses").shown
    # Answered by a colleague, approved by an admin
    form = add(slack, "alice", QUESTION)
    save(slack, bot, "alice", form, {"answer": ANSWER})
    assert file.read_bytes() == CP932.encode("cp932")
    slack.press("olivia", request(slack, "olivia"), "Approve")
    settle(slack, bot)
    written = file.read_bytes()
    assert written.startswith(CP932.encode("cp932"))
    assert f"{QUESTION},{ANSWER},\r\n" in written.decode("cp932")
    assert kb(slack, "misses").shown == "Nothing is unanswered from the last 30 days."
    # Found by the next asker, and in other words
    assert ANSWER in search(slack, "ichiro", QUESTION).shown
    assert confidence(bot) < 0.9
    for who in ("hanako", "alice"):
        found = search(slack, who, PARAPHRASE)
        assert ANSWER in found.shown
        approve(slack, who, found)
        settle(slack, bot)
    # Learned, visible, undone, gone
    slack.wait_until(lambda: confidence(bot) > 0.9, what="the phrasing to be learned")
    page = kb(slack, "learned")
    assert f"“{PARAPHRASE}” → {QUESTION}" in page.shown
    assert file.read_bytes() == written
    slack.press("olivia", page, "Undo")
    settle(slack, bot)
    assert PARAPHRASE not in page.shown
    slack.wait_until(lambda: confidence(bot) < 0.9, what="the phrasing to be gone")


def test_add_answer_in_the_list_closes_the_miss(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    search(slack, "hanako", QUESTION)
    page = kb(slack, "misses")
    pressed = slack.press("olivia", page, "Add answer")
    slack.wait_until(lambda: pressed.views, what="the form")
    [form] = pressed.views
    assert field(form, "question")["element"]["initial_value"] == QUESTION
    save(slack, bot, "olivia", form, {"answer": ANSWER})
    assert ANSWER in (knowledge / "it-help.csv").read_text("utf-8")
    assert Misses(bot.services.database).open(0, 10) == []
