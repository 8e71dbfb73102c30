"""What people say of an answer: why it didn't help, which of the others it was, and none of these."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack, Message, View
from handlers.learning.store.alias_votes import AliasVotes
from handlers.learning.store.misses import Miss, Misses
from handlers.store.questions import Questions
from tests.slack.conftest import Start, admit_guests, asked_so_far, labels, settle

pytestmark = pytest.mark.usefixtures("lawful")

WIFI = "How do I connect to the office Wi-Fi?"
UNCERTAIN = "lunch anyone?"


def ask(slack: LocalSlack, who: str, question: str, where: str = "it-help") -> Message:
    return slack.reply(slack.command(who, where, f"/search {question}"))


def reason_form(slack: LocalSlack, who: str, answer: Message) -> View:
    """The form that 👎 opens."""
    slack.press(who, answer, "vote", 1)
    return slack.wait_until(lambda: slack.views(who))[-1]


def misses(bot: Bot) -> list[Miss]:
    return Misses(bot.services.database).open(0, 9)


# -- Why not ---------------------------------------------------------------------------------------


def test_a_bad_vote_asks_why_and_becomes_a_miss(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "hanako", WIFI)
    form = reason_form(slack, "hanako", answer)
    assert form.content["title"]["text"] == "どこが違いましたか？"
    reasons = ["聞きたいことと違う", "内容が古い", "わかりにくい", "その他"]
    assert labels(Message("C", "1", "U", "", blocks=form.blocks))[:4] == reasons
    sent = slack.submit("hanako", form, {"reason": "outdated", "comment": "SSID が変わりました"})
    settle(slack, bot)
    assert (sent.error, slack.views("hanako")) == (None, [])
    assert [(miss.text, miss.reported) for miss in misses(bot)] == [(WIFI, True)]
    assert Misses(bot.services.database).reasons([asked_so_far(bot)[0].id]) == ["outdated: SSID が変わりました"]
    assert "👎 ありがとうございます。「役に立たなかった」と記録しました。" in answer.shown


def test_something_else_needs_a_word(slack: LocalSlack, bot: Bot) -> None:
    form = reason_form(slack, "alice", ask(slack, "alice", WIFI))
    refused = slack.submit("alice", form, {"reason": "other", "comment": "  "})
    assert refused.errors == {"comment": "Please say in a few words what it is."}
    slack.submit("alice", form, {"comment": "wrong <!channel> office"})
    settle(slack, bot)
    assert Misses(bot.services.database).reasons([asked_so_far(bot)[0].id]) == ["other: wrong <!channel> office"]


def test_a_vote_counts_though_the_form_is_closed(slack: LocalSlack, bot: Bot) -> None:
    slack.close_view("alice", reason_form(slack, "alice", ask(slack, "alice", WIFI)))
    settle(slack, bot)
    assert Questions(bot.services.database).votes(asked_so_far(bot)[0].id) == {slack.person("alice").id: "unhelpful"}
    assert len(misses(bot)) == 1


def test_a_changed_mind_is_no_miss_any_more(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "alice", WIFI)
    slack.close_view("alice", reason_form(slack, "alice", answer))
    slack.press("alice", answer, "👍 Helpful")
    settle(slack, bot)
    assert misses(bot) == []
    assert answer.shown.endswith("👍 Thank you. Noted as helpful.")


def test_in_the_home_tab_too(slack: LocalSlack, bot: Bot) -> None:
    view = slack.open_home("alice")
    assert view
    slack.press("alice", view, "home_ask", WIFI)
    slack.wait_until(lambda: "👎 Not helpful" in slack.home("alice").shown)  # type: ignore[union-attr]
    home = slack.home("alice")
    assert home
    slack.press("alice", home, "vote_unhelpful")
    form = slack.wait_until(lambda: [each for each in slack.views("alice") if each.type == "modal"])[-1]
    slack.submit("alice", form, {"reason": "none"})
    settle(slack, bot)
    assert Misses(bot.services.database).reasons([asked_so_far(bot)[0].id]) == ["none"]
    assert "👎 Thank you. Noted as not helpful." in slack.home("alice").shown  # type: ignore[union-attr]


# -- It was this one, none of these ----------------------------------------------------------------


def test_one_of_the_others_is_confirmed_once_it_was_shown(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "alice", f"{WIFI} VPN")
    assert "It was this one" not in labels(answer)
    slack.press("alice", answer, "show_2")
    slack.wait_until(lambda: "It was this one" in labels(answer))
    for _ in range(2):
        if "It was this one" in labels(answer):
            slack.press("alice", answer, "It was this one")
            settle(slack, bot)
    alice = slack.person("alice").id
    noted = asked_so_far(bot)[0]
    [opinion] = AliasVotes(bot.services.database).recent()
    assert (opinion.user, opinion.target, opinion.agrees) == (alice, noted.hits[1].target, True)
    assert Questions(bot.services.database).votes(asked_so_far(bot)[0].id) == {alice: "hit_2"}
    assert "✓ Thank you. Noted that it was this one." in answer.shown
    assert "show_3" in str(answer.blocks)


def test_none_of_the_closest_is_a_miss(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "alice", UNCERTAIN)
    assert "I found nothing certain. The closest are:" in answer.shown
    assert labels(answer) == ["Show", "Show", "None of these"]
    slack.press("alice", answer, "None of these")
    settle(slack, bot)
    assert "Noted: none of these. It is now among the unanswered questions." in answer.shown
    assert "None of these" not in labels(answer)
    assert [(miss.text, miss.reported) for miss in misses(bot)] == [(UNCERTAIN, True)]


def test_what_everybody_reads_says_how_many(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("alice", "it-help", UNCERTAIN))
    slack.press("alice", answer, "show_1")
    slack.wait_until(lambda: "this_one_1" in str(answer.blocks))
    for who in ("alice", "hanako"):
        slack.press(who, answer, "this_one_1")
        settle(slack, bot)
    slack.press("ichiro", answer, "vote_none")
    settle(slack, bot)
    assert "✓ It was this one: 2" in answer.shown
    assert answer.shown.endswith("None of these 1")


def test_guests_say_nothing_of_what_they_may_not_see(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("alice", "it-help", WIFI))
    before = answer.shown
    admit_guests(slack)
    told = slack.reply(slack.press("guest", answer, "👎 Not helpful"))
    assert "full members" in told.shown
    settle(slack, bot)
    assert (answer.shown, Questions(bot.services.database).votes(asked_so_far(bot)[0].id), slack.views("guest")) == (
        before,
        {},
        [],
    )


def test_a_press_that_is_delivered_twice_counts_once(slack: LocalSlack, bot: Bot) -> None:
    answer = ask(slack, "alice", UNCERTAIN)
    slack.faults.duplicate("envelope")
    slack.press("alice", answer, "None of these")
    settle(slack, bot)
    assert len(misses(bot)) == 1


# -- Read all --------------------------------------------------------------------------------------


@pytest.fixture
def long_answers(knowledge: Path, start: Start) -> Bot:
    """A bot whose answers are longer than is shown at first."""
    answer = "".join(f"手順{number}を確認します。" for number in range(300))
    rows = f"question,answer\nルーターの設定方法を教えてください,{answer}\nVPN の設定,{answer}VPN\n"
    (knowledge / "it-help.csv").write_text(rows, encoding="utf-8")
    config = {"channels": {"it-help": {"auto_reply": "on", "threshold": 0.3}}}
    return start(ConfigFile.model_validate(config))


@pytest.mark.usefixtures("long_answers")
def test_a_long_answer_ends_with_a_sentence_and_opens_whole(slack: LocalSlack) -> None:
    private = ask(slack, "hanako", "ルーターの設定方法を教えてください")
    volunteered = slack.reply(slack.say("hanako", "it-help", "ルーターの設定方法を教えてください"))
    for message in (private, volunteered):
        body = message.shown.split("\n")[2 if message is private else 1]
        assert body.endswith("を確認します。")
        assert "手順299" not in message.shown
        slack.press("hanako", message, "全文を読む")
        view = slack.wait_until(lambda: slack.views("hanako"))[-1]
        assert "手順299を確認します。" in view.shown
        assert view.content["title"]["text"] == "回答の全文"
        slack.close_view("hanako", view)


@pytest.mark.usefixtures("long_answers")
def test_guests_read_no_more_than_they_may(slack: LocalSlack) -> None:
    answer = slack.reply(slack.mention("alice", "it-help", "ルーターの設定方法を教えてください"))
    admit_guests(slack)
    assert "full members" in slack.reply(slack.press("guest", answer, "read_1")).shown
    assert slack.views("guest") == []
