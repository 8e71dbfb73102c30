"""Cells as rich text: lists, tables, code, HTML and Markdown as people write them; legal and dead whatever they are."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.playground.slack.block_kit.validation import check_message_blocks, check_view
from bot.playground.slack.text import live_mentions, visible_text
from handlers.answers.views.full_answer import whole
from handlers.result import Entry
from handlers.slack.mrkdwn import beginning, length
from handlers.slack.rich_text import matched, rich
from handlers.texts import ENGLISH
from indexes.records import Record


def elements(text: str, question: str = "", title: str = "") -> list[dict[str, Any]]:
    block: dict[str, Any] = rich(title, text, question).to_dict()
    check_message_blocks([block])
    found: list[dict[str, Any]] = block["elements"]
    return found


def said(part: dict[str, Any]) -> str:
    """One part in short: bold in asterisks, code in backquotes, items after a dash or their number."""
    if part["type"] == "rich_text_list":
        first = part.get("offset", 0) + 1
        marks = [f"{first + n}." if part["style"] == "ordered" else "-" for n in range(len(part["elements"]))]
        indent = "  " * part["indent"]
        return "\n".join(f"{indent}{mark} {said(item)}" for mark, item in zip(marks, part["elements"], strict=True))
    if part["type"] == "rich_text_preformatted":
        return f"```{part['elements'][0]['text']}```"
    return "".join(_word(each) for each in part["elements"])


def _word(element: dict[str, Any]) -> str:
    if element["type"] == "link":
        return f"[{element.get('text', '')}]({element['url']})"
    style = element.get("style", {})
    mark = "*" if style.get("bold") else "`" if style.get("code") else ""
    return f"{mark}{element['text']}{mark}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One line.", ["One line."]),
        ("Two\nlines.\n\nAnd more.", ["Two\nlines.\n\nAnd more."]),
        ("手順:\n1. 開く\n2. 閉じる\n以上", ["手順:", "1. 開く\n2. 閉じる", "以上"]),
        ("1) a\n  more of a\n2) b\nbetween\n3) c", ["1. a\nmore of a\n2. b", "between", "3. c"]),
        ("１．全角\n2．半角", ["1. 全角\n2. 半角"]),
        ("・火災：119番\n・事件：110番", ["- 火災：119番\n- 事件：110番"]),
        ("- a\n  - b\n  - c\n- d", ["- a", "  - b\n  - c", "- d"]),
        ("2026. That was a year.", ["2026. That was a year."]),
        ("3. Alone it is a sentence.", ["3. Alone it is a sentence."]),
        ("1.5 GB and -5 degrees\n-5", ["1.5 GB and -5 degrees\n-5"]),
        ("Run:\n```\nmake\n  test\n```\nDone.", ["Run:", "```make\n  test```", "Done."]),
        ("```\nnever closed", ["```never closed```"]),
        ("## Heading\nText", ["*Heading*\nText"]),
        ("Use `make test` or **this**, *that*.", ["Use `make test` or *this*, *that*."]),
        ("2*3*4 と*重要*です", ["2*3*4 と*重要*です"]),
        ("See [the wiki](https://w.example.com/a).", ["See [the wiki](https://w.example.com/a)."]),
        ("[https://good.example.com](https://evil.example.com)", ["https://good.example.com https://evil.example.com"]),
        ("https://x.example.com/?a=1&b=2.", ["[](https://x.example.com/?a=1&b=2)."]),
        ("a<br>b<br/>c", ["a\nb\nc"]),
        ("<p>One</p><ul><li>a</li><li><b>b</b></li></ul>", ["One", "- a\n- *b*"]),
        ("a &lt; b &amp; c < d", ["a &lt; b &amp; c < d"]),
        (
            '<p>Send it <a class="x" href="https://w.example.com/a?b=1&amp;c=2" id=x>to <b>us</b></a> by post.</p>',
            ["Send it [to us](https://w.example.com/a?b=1&c=2) by post."],
        ),
        ("<a href='https://w.example.com/(a)'>Brackets</a>", ["[Brackets](https://w.example.com/%28a%29)"]),
        ("<a href=mailto:help@example.com>Write</a>", ["Write help@example.com"]),
        ('<a href="javascript:alert(1)">Click</a> <a name="top">here</a>', ["Click here"]),
        ('<a href="https://w.example.com/a">https://w.example.com/a</a>', ["[](https://w.example.com/a)"]),
        ("<p>Use <em>the</em> &lt;br&gt; <span style='x'>tag</span></p>", ["Use the <br> tag"]),
        ("a <b c, x<a and y>z", ["a <b c, x<a and y>z"]),
        ("| Code | Means |\n|---|---|\n| 1 | error |", ["```Code  Means\n----  -----\n1     error```"]),
        ("| 名前 | 内線 |\n|:--|--:|\n| 総務 | 3200 |\n| 人事 | |", ["- *総務*: 3200\n- *人事*"]),
        ("名前\t内線\t階\n総務\t3200\t8\n人事\t\t7", ["- *総務* – 内線: 3200 · 階: 8\n- *人事* – 階: 7"]),
        ("a | b\nno table", ["a | b\nno table"]),
    ],
)
def test_what_people_write(text: str, parts: list[str]) -> None:
    assert [said(part) for part in elements(text)] == parts


def test_a_title_is_bold_above_the_text() -> None:
    first, second = elements("1. a\n2. b", title="Title")
    assert (said(first), said(second)) == ("*Title*", "1. a\n2. b")
    assert said(elements("Text.", title="Title")[0]) == "*Title*\nText."


def test_a_word_of_the_question_is_bold_the_first_time() -> None:
    text = "VPNの再設定は、VPN画面の再設定から。Router settings."
    [part] = elements(text, "vpn を再設定したい router")
    assert said(part) == "*VPN*の*再設定*は、VPN画面の再設定から。*Router* settings."


@pytest.mark.parametrize(
    ("question", "text", "words"),
    [
        ("VPNにつながりません", "ＶＰＮ クライアント", ["ＶＰＮ"]),
        ("How do I reset my password?", "How to reset a Password", ["reset", "Password"]),
        ("パスワード忘れた", "パスワードを忘れました", ["パスワード"]),
        ("鍵をなくした", "鍵を借りる。合鍵", ["鍵"]),
        ("使い方を忘れた", "やり方を忘れました", []),
        ("VPN", "tokyo.vpn.example.com and VPN-Client of VPN", ["VPN"]),
        ("ルーター", "プリンター", []),
        ("プリンタ", "プリンターで印刷", ["プリンタ"]),
        ("設定 再設定", "設定と再設定", ["再設定"]),
        ("ERR-4012", "err4012 と ERR 4012", ["ERR", "4012"]),
        ("ERR-4012 とは", "ERR-4031 is not ERR-4012", ["ERR-4012"]),
        ("the and of", "the and of", []),
        ("", "anything", []),
    ],
)
def test_which_words_matched(question: str, text: str, words: list[str]) -> None:
    assert matched(question, text) == words


PIECES = ["- ", "1. ", "2) ", "```", "|", "|---|", "\t", "\n", "  ", "**", "*", "`", "<br>", "<li>", "# ", "・"]
PIECES += [
    "[a](https://x.example.com)",
    "https://x.example.com/<!channel>",
    "<@U0123456789>",
    "<!here>",
    "語",
    "x" * 300,
]
hostile = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(hostile, hostile, st.sampled_from(["", "語 x", "<!channel> https"]))
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_is_legal_and_dead(title: str, text: str, question: str) -> None:
    block = rich(" ".join(title.split())[:200], beginning(text, 1500), question).to_dict()
    check_message_blocks([block])
    assert live_mentions([block]) == []
    assert set(re.findall(r"'type': '(\w+)'", str(block))) <= {"text", "link", "rich_text", *PARTS}


PARTS = ("rich_text_section", "rich_text_list", "rich_text_preformatted")


# -- Beginnings, and the whole ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "limit", "start"),
    [
        ("fits", 4, "fits"),
        ("One. Two. Three and more.", 12, "One. Two."),
        ("一つ。二つ。三つ目は長い", 8, "一つ。二つ。"),
        ("「はい。」と言う。まだ続く", 10, "「はい。」と言う。"),
        ("first line\nsecond line is long", 16, "first line"),
        ("A. " + "b" * 50, 20, "A. " + "b" * 16 + "…"),
        ("3.14159 is no end of a sentence", 12, "3.14159 is…"),
        ("😀" * 10, 9, "😀😀😀😀…"),
    ],
)
def test_a_beginning_ends_with_a_sentence_if_it_can(text: str, limit: int, start: str) -> None:
    assert beginning(text, limit) == start
    assert length(start) <= limit


@given(st.text(max_size=50), st.integers(2, 40))
def test_a_beginning_is_what_it_says(text: str, limit: int) -> None:
    start = beginning(text, limit)
    assert length(start) <= limit
    assert text.startswith(start.removesuffix("…")) or start == text


def test_the_whole_answer_is_in_the_modal_however_long() -> None:
    sentences = [f"文その{number}は、ここまでです。" for number in range(3000)]
    view = whole(Entry(Record(id="r", question="長い話", answer="".join(sentences)), "kb", 1.0), ENGLISH).to_dict()
    check_view(view)
    shown = visible_text(view["blocks"])
    assert shown.startswith("長い話\n文その0は")
    assert all(sentence in shown.replace("\n", "") for sentence in sentences)


def test_what_even_a_modal_cannot_hold_is_cut_and_said() -> None:
    view = whole(Entry(Record(id="r", question="q", answer="あ" * 500_000), "kb", 1.0), ENGLISH).to_dict()
    check_view(view)
    assert "The rest is too long for Slack." in visible_text(view["blocks"])


def test_code_cut_in_two_stays_code() -> None:
    code = "```\n" + "\n".join(f"line {number}" for number in range(600)) + "\n```\nThe end."
    blocks = whole(Entry(Record(id="r", question="q", answer=code), "kb", 1.0), ENGLISH).to_dict()["blocks"]
    kinds = {part["type"] for block in blocks[1:-2] for part in block["elements"]}
    assert kinds == {"rich_text_preformatted"}
    assert "The end." in visible_text(blocks)
