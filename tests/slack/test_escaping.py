"""Nothing that a CSV or a person wrote comes alive: no mentions, no disguised links, no broken blocks."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack, Message, live_mentions
from tests.slack.conftest import Start, settle

pytestmark = pytest.mark.usefixtures("lawful")

NASTY = [
    "<!channel>",
    "<!here|here> <!everyone>",
    "<@U0123456789>",
    "<!subteam^S0123456789|@helpdesk>",
    "<https://evil.example.com/|https://id.example.com/reset>",
    "＜！channel＞ ＜＠U0123456789＞",
    "&lt;!channel&gt; &amp;lt;!channel&amp;gt;",
    "javascript:alert(1) <javascript:alert(1)|click>",
    "*bold* _italic_ ~gone~ `code` ```block",
    "> quote\n- list\n1. one",
    "https://ok.example.com/<!channel>?a=1&b=<@U0123456789>|x",
    '=HYPERLINK("https://evil.example.com")',
    "<mailto:evil@example.com|safe@example.com>",
    "<#C0123456789|general> <!date^1392734382^{date}|now>",
    "\u202egnp.exe \u200b\u2066 e\u0301",
]
HEADER = ["question", "answer", "category", "url", "updated", "owner", "keywords", "note", "<!channel>"]


def rows(texts: list[str]) -> str:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(HEADER)
    for number, text in enumerate(texts):
        url = text if number % 2 else f"https://x.example.com/{text}"
        table.writerow([f"wifi {number} {text}", f"{text} answer {number}", text, url, text, text, text, text, text])
    return written.getvalue()


@pytest.fixture
def nasty(knowledge: Path, start: Start) -> Bot:
    """A bot whose every cell tries something."""
    (knowledge / "it-help.csv").write_text(rows(NASTY), encoding="utf-8")
    return start(ConfigFile.model_validate({"channels": {"it-help": {"auto_reply": "on", "threshold": 0.0}}}))


LIVE = re.compile(r"<[^<>]*>")
HARMLESS = re.compile(r"<https?://[^\s|<>]+(\|link)?>")


ALIVE = {"user", "usergroup", "channel", "broadcast", "date"}


def parts_of(content: object) -> Iterator[dict[str, Any]]:
    """Every object in some blocks."""
    if isinstance(content, list):
        for each in content:
            yield from parts_of(each)
    elif isinstance(content, dict):
        yield content
        yield from parts_of(list(content.values()))


def assert_dead(message: Message) -> None:
    """All that Slack would interpret are web addresses that are seen as they are, and the answer's own link."""
    assert message.live_mentions == []
    parts = list(parts_of(message.blocks))
    marked_up = [message.text, *(part["text"] for part in parts if part.get("type") == "mrkdwn")]
    live = LIVE.findall(" ".join(marked_up))
    assert [each for each in live if not HARMLESS.fullmatch(each)] == []
    assert ALIVE.isdisjoint(part.get("type") for part in parts)
    links = [part for part in parts if part.get("type") == "link"]
    assert all(re.fullmatch(r"https?://[^\s<>|]+", part["url"]) and "text" not in part for part in links)


def test_csv_cells_stay_text_wherever_they_are_shown(slack: LocalSlack, nasty: Bot) -> None:
    for number, text in enumerate(NASTY):
        private = slack.reply(slack.command("alice", "it-help", f"/search wifi {number} {text}"))
        public = slack.reply(slack.mention("alice", "it-help", f"wifi {number}"))
        volunteered = slack.reply(slack.say("alice", "it-help", f"wifi {number} answer"))
        for button in ("show_2", "show_3"):
            slack.press("alice", public, button)
            slack.wait_until(lambda button=button, at=public: button not in str(at.blocks))  # type: ignore[misc]
        slack.press("alice", volunteered, "auto_wrong")
        slack.wait_until(lambda at=volunteered: "auto_show" in str(at.blocks))  # type: ignore[misc]
        for message in (private, public, volunteered):
            assert_dead(message)
    settle(slack, nasty)


def test_home_and_direct_messages_too(slack: LocalSlack, nasty: Bot) -> None:
    direct = slack.reply(slack.dm("alice", f"wifi 0 {NASTY[0]}"))
    view = slack.open_home("alice")
    assert view
    slack.press("alice", view, "home_ask", "wifi 3 <!channel>")
    slack.wait_until(lambda: ":mag:" in slack.home("alice").shown)  # type: ignore[union-attr]
    settle(slack, nasty)
    assert_dead(direct)
    assert set(live_mentions(slack.home("alice").content)) == {f"<@{slack.bot}>"}  # type: ignore[union-attr]


@pytest.mark.usefixtures("nasty")
def test_a_question_is_restated_dead(slack: LocalSlack) -> None:
    for text in NASTY:
        answer = slack.reply(slack.command("alice", "it-help", f"/search {text} wifi"))
        assert_dead(answer)
        assert answer.shown.startswith(":mag: ")


@pytest.mark.usefixtures("bot")
def test_ordinary_markup_survives_and_links_work(slack: LocalSlack) -> None:
    asked = slack.command("alice", "dev-faq", "/search How do I roll back a deployment?")
    assert "Run make rollback and tell #deploys." in slack.reply(asked).shown
    asked = slack.command("alice", "dev-faq", "/search ERR-4012")
    assert "<https://dev.example.com/err-4012|link>" in slack.reply(asked).shown


def test_only_web_and_mail_addresses_become_links(slack: LocalSlack, knowledge: Path, start: Start) -> None:
    cells = {
        "javascript:alert(1)": "javascript:alert(1)",
        "file:///etc/passwd": "file:///etc/passwd",
        "data:text/html,x": "data:text/html,x",
        "see the wiki": "see the wiki",
        "HTTPS://x.example.com/a b|c": "<HTTPS://x.example.com/a%20b%7Cc|link>",
        "mailto:desk@example.com": "<mailto:desk@example.com|link>",
        "https://x.example.com/?a=1&b=2": "<https://x.example.com/?a=1&amp;b=2|link>",
        "https://x.example.com/1\nhttps://x.example.com/2": "<https://x.example.com/1|link>",
    }
    written = io.StringIO()
    csv.writer(written).writerows(
        [["question", "answer", "url"], *([f"topic{number}", f"text{number}", url] for number, url in enumerate(cells))]
    )
    (knowledge / "it-help.csv").write_text(written.getvalue(), encoding="utf-8")
    start()
    for number, shown in enumerate(cells.values()):
        answer = slack.reply(slack.command("alice", "it-help", f"/search topic{number}"))
        assert answer.shown.splitlines()[3].endswith(f"from it-help · {shown}")


def test_bold_is_not_broken_by_asterisks(slack: LocalSlack, knowledge: Path, start: Start) -> None:
    text = "question,answer\nWhat is 2*3*4?,24\n普通の質問ですか？,はい\n"
    (knowledge / "it-help.csv").write_text(text, encoding="utf-8")
    start()
    starred = slack.reply(slack.command("alice", "it-help", "/search What is 2*3*4?"))
    plain = slack.reply(slack.command("alice", "it-help", "/search 普通の質問ですか？"))
    assert starred.shown.splitlines()[1:3] == ["What is 2*3*4?", "24"]
    assert plain.shown.splitlines()[1:3] == ["普通の質問ですか？", "はい"]


def test_slack_adds_no_meaning_of_its_own(slack: LocalSlack, nasty: Bot) -> None:
    answer = slack.reply(slack.command("alice", "it-help", "/search wifi 1"))
    settle(slack, nasty)
    texts = [each for block in answer.blocks for each in [block.get("text"), *block.get("elements", [])] if each]
    assert all(each["verbatim"] for each in texts if each["type"] == "mrkdwn")


@pytest.mark.usefixtures("bot")
def test_an_error_that_quotes_a_long_text_is_told_clipped_and_dead(slack: LocalSlack) -> None:
    told = slack.reply(slack.command("olivia", "it-help", f"/kb reload {'<!channel>' * 500}"))
    assert_dead(told)
    assert "No knowledge base is called" in told.shown
