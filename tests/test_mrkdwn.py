"""Text on its way to and from Slack: nothing live ever, no entity cut, limits held, whatever the text."""

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.playground.slack.text import live_mentions
from handlers.slack.mrkdwn import (
    as_written,
    bold,
    escape,
    has_words,
    is_address,
    length,
    link,
    mrkdwn,
    one_line,
    person,
    plain,
)
from handlers.texts import ENGLISH, JAPANESE

TOKENS = [
    *"<>&|!@#*_~`:;.,/= \n\t\r",
    "<!channel>",
    "<@U0123456789>",
    "<!subteam^S0123456789>",
    "<https://evil.example.com|label>",
    "https://example.com/a?b=c&d=e",
    "http://日本語.example/路",
    "mailto:a@example.com",
    "javascript:alert(1)",
    "＜！channel＞",
    "&lt;!here&gt;",
    "&amp;",
    "&#60;!channel&#62;",
    ":smile:",
    "😀",
    "👨‍👩‍👧",
    "パスワード",
    "e\u0301",
    "\u202e\u200b\ufeff",
    "word",
    "x" * 50,
]
hostile = st.lists(st.sampled_from(TOKENS) | st.text(max_size=8), max_size=40).map("".join)
limits = st.integers(min_value=3, max_value=300)

ENTITY = re.compile(r"&(?:amp|lt|gt);")
LINK = re.compile(r"<(https?://[^\s<>|]+)>")


def assert_safe(text: str) -> None:
    """Only complete web links and entities have special characters."""
    assert live_mentions(text) == []
    rest = ENTITY.sub("", LINK.sub("", text))
    assert not re.search(r"[<>&]", rest), rest


# -- Escaping and clipping -------------------------------------------------------------------------


@given(hostile, limits)
@example("&" * 300, 12)
@example("https://example.com/" + "a" * 280, 40)
def test_mrkdwn_is_safe_and_within_its_limit(text: str, limit: int) -> None:
    shown = mrkdwn(text, limit)
    assert_safe(shown)
    assert length(shown) <= limit


@given(hostile, limits)
def test_one_line_is_safe_short_and_one_line(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    assert live_mentions(shown) == []
    assert not re.search(r"[<>&]", ENTITY.sub("", shown))
    assert length(shown) <= limit
    assert len(shown.splitlines()) <= 1


@given(hostile, limits)
def test_bold_is_safe_and_within_its_limit(text: str, limit: int) -> None:
    shown = bold(text, limit)
    assert length(shown) <= limit
    assert not re.search(r"[<>&]", ENTITY.sub("", shown))
    if shown.startswith("*") and shown.endswith("*") and len(shown) > 1 and "*" not in text:
        assert "*" not in shown[1:-1]


@given(hostile)
def test_what_fits_says_exactly_what_was_written(text: str) -> None:
    shown = mrkdwn(text, 100_000)
    assert html.unescape(LINK.sub(r"\1", shown)) == text or LINK.search(shown)
    assert html.unescape(one_line(text, 100_000)) == " ".join(text.split())


@given(hostile, limits)
def test_what_does_not_fit_is_the_beginning_and_an_ellipsis(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    whole = " ".join(text.split())
    if length(escape(whole)) > limit:
        assert shown.endswith("…")
        assert whole.startswith(html.unescape(shown[:-1]))
    else:
        assert shown == escape(whole)


@given(hostile)
def test_escaping_can_be_undone_by_the_reader(text: str) -> None:
    assert html.unescape(escape(text)).replace("\r", "") == html.unescape(html.escape(text, quote=False)).replace(
        "\r", ""
    )
    assert live_mentions(escape(text)) == []


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("a & b", 7, "a…"),
        ("a & b", 9, "a &amp; b"),
        ("&&&", 10, "&amp;…"),
        ("&&&", 11, "&amp;&amp;…"),
        ("😀😀😀", 5, "😀😀…"),
        ("😀😀😀", 4, "😀…"),
        ("one two three", 8, "one two…"),
        ("see https://example.com/long/path now", 20, "see…"),
        ("", 5, ""),
    ],
)
def test_clipping(text: str, limit: int, shown: str) -> None:
    assert mrkdwn(text, limit) == shown


def test_length_counts_as_slack_does() -> None:
    assert [length(text) for text in ("", "a", "あ", "😀", "👨‍👩‍👧")] == [0, 1, 1, 2, 8]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://example.com.", "<https://example.com>."),
        ("(https://example.com/a)", "(<https://example.com/a>)"),
        ("https://example.com/?a=1&b=2", "<https://example.com/?a=1&amp;b=2>"),
        ("詳細はhttps://example.com/aを参照。", "詳細は<https://example.com/aを参照>。"),
        ("詳細は「https://example.com/a」", "詳細は「<https://example.com/a>」"),
        (
            "<https://evil.example.com|https://good.example.com>",
            "&lt;<https://evil.example.com>|<https://good.example.com>&gt;",
        ),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("ftp://example.com", "ftp://example.com"),
        ("https://", "https://"),
        ("https://" + "a" * 2000, "https://" + "a" * 2000),
    ],
)
def test_addresses_in_answers(text: str, shown: str) -> None:
    assert mrkdwn(text, 3000) == shown


# -- Links from a CSV's column ---------------------------------------------------------------------


@given(st.sampled_from(["https://", "HTTP://", "mailto:", "javascript:", "", " https://x/"]), hostile)
def test_a_link_leads_to_the_web_or_mail_or_is_none(scheme: str, rest: str) -> None:
    shown = link(scheme + rest, "link")
    assert live_mentions(shown) == []
    if shown.startswith("<"):
        assert re.fullmatch(r"<(?:https?://|mailto:)[^<>|\x00-\x20]+\|link>", shown, re.IGNORECASE)
    else:
        assert not re.search(r"[<>&]", ENTITY.sub("", shown))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/", "<https://example.com/|link>"),
        (" https://example.com/a b\n", "<https://example.com/a%20b|link>"),
        ("https://example.com/a|b>c<d", "<https://example.com/a%7Cb%3Ec%3Cd|link>"),
        ("mailto:desk@example.com", "<mailto:desk@example.com|link>"),
        ("https://example.com/1\nhttps://example.com/2", "<https://example.com/1|link>"),
        ("javascript:alert(1)//https://", "javascript:alert(1)//https://"),
        ("data:text/html,<b>", "data:text/html,&lt;b&gt;"),
        ("https:// example.com", "https:// example.com"),
        ("wiki", "wiki"),
        ("", ""),
    ],
)
def test_links(url: str, shown: str) -> None:
    assert link(url, "link") == shown


# -- On the way in ---------------------------------------------------------------------------------


@given(st.text())
def test_plain_never_fails_and_is_one_line(text: str) -> None:
    words = plain(text)
    assert words == " ".join(words.split())


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("<@U0123456789> how &amp; why?", "how & why?"),
        ("<@U0123456789|kotae> VPN", "VPN"),
        ("<!here> VPN <!subteam^S1|@desk>", "VPN"),
        ("see <https://example.com/a|example.com/a>", "see example.com/a"),
        ("see <https://example.com/a>", "see https://example.com/a"),
        ("in <#C0123456789|it-help>", "in #it-help"),
        ("in <#C0123456789>", "in"),
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt;!channel&amp;gt;", "&lt;!channel&gt;"),
        (":smile: VPN :+1::skin-tone-2:", "VPN"),
        ("at 10:30:00 or 12:00", "at 10:30:00 or 12:00"),
        ("`make run` and ```make test```", "make run and make test"),
        ("VPN\n\tに  つながらない", "VPN に つながらない"),
        ("std::vector::size", "std::vector::size"),
        (":smile::heart: VPN", "VPN"),
        ("12:30: a:b:c", "12:30: a:b:c"),
        ("broken \ud83d half", "broken \ufffd half"),
        ("", ""),
    ],
)
def test_plain(typed: str, words: str) -> None:
    assert plain(typed) == words


@pytest.mark.parametrize("text", ["a", "あ", "7", "ERR-4012", "？あ", "ｗ", "٣"])
def test_words_to_search_for(text: str) -> None:
    assert has_words(text)


@pytest.mark.parametrize("text", ["", " ", "？！。、…", "---", "😀👨‍👩‍👧", "\u200b\u3000", "♪", "<>&"])
def test_nothing_to_search_for(text: str) -> None:
    assert not has_words(text)


@pytest.mark.parametrize(
    ("posted", "written"),
    [
        ("2 &amp; <https://a.example/b|portal>:\n  `scan --pdf`", "2 & portal (https://a.example/b):\n  `scan --pdf`"),
        ("<https://a.example/b> <https://a.example|a.example>", "https://a.example/b https://a.example"),
        ("<mailto:it@example.com|it@example.com>", "mailto:it@example.com"),
        ("<@U0123456789> see <#C0123456789|it-help> <!here>", "see #it-help"),
        ("&lt;!channel&gt; :tada:\r\n\n1. one  ", "<!channel> :tada:\n\n1. one"),
        ("broken \ud83d half", "broken \ufffd half"),
        ("", ""),
    ],
)  # fmt: skip
def test_as_written(posted: str, written: str) -> None:
    assert as_written(posted) == written


@pytest.mark.parametrize("text", ["https://a.example", " HTTP://a.example/b ", "mailto:a@b.example"])
def test_addresses(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text", ["", "a.example", "javascript:x", "https://", "https://a b", "https://a\nb", "x https://a"]
)
def test_no_addresses(text: str) -> None:
    assert not is_address(text)


def test_who_was_forgotten_is_said_in_words() -> None:
    assert person("U012AB3CD", ENGLISH) == "<@U012AB3CD>"
    assert person("forgotten", ENGLISH) == "someone who was removed"
    assert person("", JAPANESE) == "削除されたユーザー"
