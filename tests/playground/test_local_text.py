from __future__ import annotations

import pytest

from bot.playground import live_mentions, sample_workspace
from bot.playground.slack.text import escape, visible_text

WORKSPACE = sample_workspace()
BOT = WORKSPACE.bot.id
IT_HELP = WORKSPACE.channel("it-help").id


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("@Kotae パスワード", f"<@{BOT}> パスワード"),
        ("@kotae?", f"<@{BOT}>?"),
        ("@nobody hello", "@nobody hello"),
        ("see #it-help.", f"see <#{IT_HELP}|it-help>."),
        ("@channel @here", "<!channel> <!here>"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("https://example.com/a?b=1&c=2 です", "<https://example.com/a?b=1&amp;c=2> です"),
        ("https://example.com/#it-help", "<https://example.com/#it-help>"),
        ("mail it@example.com", "mail <mailto:it@example.com|it@example.com>"),
    ],
    ids=range(10),
)
def test_typed_text_is_stored_as_slack_does(typed: str, stored: str) -> None:
    assert WORKSPACE.typed(typed) == stored


def test_groups_become_subteam_mentions() -> None:
    group = next(iter(WORKSPACE.groups.values()))
    assert WORKSPACE.typed("@helpdesk!") == f"<!subteam^{group.id}>!"


def test_live_mentions_are_those_that_notify() -> None:
    text = f"<!channel> <!here|here> <@{BOT}> <!subteam^S012> <#C012|x> <!date^1^x|y> &lt;!everyone&gt;"
    assert live_mentions(text) == ["<!channel>", "<!here|here>", f"<@{BOT}>", "<!subteam^S012>"]


def test_live_mentions_in_blocks_leave_plain_text_out() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "<!channel>"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "a <!everyone> b"}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "<@U0AB>"}]},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "<!here>"}, {"type": "broadcast", "range": "here"}],
                },
            ],
        },
    ]
    assert live_mentions(blocks) == ["<!everyone>", "<@U0AB>", "<!here>"]
    assert live_mentions(escape("<!channel>")) == []


def test_visible_text_reads_blocks_in_order() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Title"}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "Body"},
            "fields": [{"type": "mrkdwn", "text": "Field"}],
            "accessory": {"type": "button", "text": {"type": "plain_text", "text": "Show"}, "value": "hidden"},
        },
        {"type": "divider"},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "one "}, {"type": "link", "url": "https://x/"}],
                        },
                    ],
                },
            ],
        },
    ]
    assert visible_text(blocks) == "Title\nBody\nField\nShow\none https://x/"
