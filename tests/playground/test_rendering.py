from __future__ import annotations

import io
import itertools
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from bot.playground import Workspace, controls, sample_workspace
from bot.playground.terminal.block_renderer import render
from bot.playground.terminal.mrkdwn import Paragraph, cuts, mrkdwn, plain, snippet
from tests.playground.helpers import buttons, section

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return sample_workspace()


def read(*renderables: RenderableType, width: int = 60, color: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, color_system="truecolor" if color else None)
    for each in renderables:
        console.print(each)
    return out.getvalue()


def shown(workspace: Workspace, *blocks: JSON, state: JSON | None = None) -> list[str]:
    named = [{"block_id": f"b{index}", **block} for index, block in enumerate(blocks)]
    numbers = {(each.block_id, each.action_id): number for number, each in enumerate(controls(named), start=1)}
    return [line.rstrip() for line in read(*render(named, workspace, numbers, state or {})).splitlines()]


def styles(text: Text) -> list[tuple[str, str]]:
    return [(text.plain[span.start : span.end], str(span.style)) for span in text.spans]


# -- mrkdwn ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "plain_text", "styled"),
    [
        ("plain", "plain", []),
        ("*bold* and _italic_ and ~gone~", "bold and italic and gone", ["bold", "italic", "strike"]),
        ("これは *大事* です", "これは 大事 です", ["bold"]),
        ("これは*大事*です", "これは*大事*です", []),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name", []),
        ("`*code* &lt;b&gt; :tada:`", "*code* <b> :tada:", ["cyan"]),
        ("*bold `code`*", "bold code", ["bold", "bold cyan"]),
        ("a &amp;lt; b &lt;!channel&gt;", "a &lt; b <!channel>", []),
        (":mag: 12:30:45 :no_such_emoji:", "🔍 12:30:45 :no_such_emoji:", []),
    ],
)
def test_inline_marks(workspace: Workspace, written: str, plain_text: str, styled: list[str]) -> None:
    text = mrkdwn(written, workspace)
    assert text.plain == plain_text
    assert [style.strip() for _, style in styles(text)] == styled


def test_links_show_where_they_lead(workspace: Workspace) -> None:
    assert mrkdwn("<https://e.com/a_b_c>", workspace).plain == "https://e.com/a_b_c"
    assert (
        mrkdwn("<https://e.com/?a=1&amp;b=2|Open &lt;it&gt;>", workspace).plain == "Open <it> (https://e.com/?a=1&b=2)"
    )
    assert mrkdwn("<mailto:a@e.com|a@e.com>", workspace).plain == "a@e.com"


def test_mentions_show_names(workspace: Workspace) -> None:
    hanako, channel = workspace.person("hanako"), workspace.channel("it-help")
    group = next(iter(workspace.groups))
    assert mrkdwn(f"<@{hanako.id}> in <#{channel.id}|old-name>", workspace).plain == "@佐藤 花子 in #it-help"
    assert mrkdwn(f"<!subteam^{group}> <!here> <!channel|all>", workspace).plain == "@helpdesk @here @channel"
    assert mrkdwn("<@U0NOBODY> <#C0NOWHERE|gone> <!date^1^{date}|May 1>", workspace).plain == "@U0NOBODY #gone May 1"


def test_quotes_and_code_blocks(workspace: Workspace) -> None:
    assert mrkdwn("&gt; quoted\nnot", workspace).plain == "│ quoted\nnot"
    assert mrkdwn("&gt;&gt;&gt; all\nof it", workspace).plain == "│ all\n│ of it"
    text = mrkdwn("before\n```\n*x* = &lt;1&gt;\n  y\n```\nafter", workspace)
    assert text.plain == "before\n  *x* = <1>\n    y\nafter"
    assert mrkdwn("```left open", workspace).plain == "```left open"


def test_nothing_written_steers_the_terminal(workspace: Workspace) -> None:
    nasty = "[red]red[/red] [/] \x1b[31mred\x1b[0m \x07\u202etxt\x9b1m :tada:"
    assert mrkdwn(nasty, workspace).plain == "[red]red[/red] [/] [31mred[0m txt1m 🎉"
    assert read(mrkdwn(nasty, workspace), color=True) == "[red]red[/red] [/] [31mred[0m txt1m 🎉\n"
    assert plain("[bold]\ud800\r\n*x*") == "[bold]?\n*x*"


def test_a_snippet_is_one_short_line(workspace: Workspace) -> None:
    assert snippet("*First*\n\nsecond <https://e.com|link>", workspace, 20) == "First second link (…"
    assert cell_len(snippet("長い日本語の文章がここに続きます", workspace, 11)) <= 11


# -- Lines -----------------------------------------------------------------------------------------------


def pieces(line: str, width: int) -> list[str]:
    at = [0, *cuts(line, width), len(line)]
    return [line[start:end] for start, end in itertools.pairwise(at)]


@pytest.mark.parametrize(
    ("line", "width", "expected"),
    [
        ("", 4, [""]),
        ("one two three", 8, ["one two ", "three"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("日本語の文章", 6, ["日本語", "の文章"]),
        ("日本語。文章", 6, ["日本", "語。文", "章"]),
        ("日本「語」文", 6, ["日本", "「語」", "文"]),
        ("VPN に接続できない", 10, ["VPN に接続", "できない"]),
        ("再起動 GlobalProtect", 12, ["再起動 ", "GlobalProtec", "t"]),
    ],
)
def test_lines_break_where_japanese_may_be_broken(line: str, width: int, expected: list[str]) -> None:
    assert pieces(line, width) == expected


def test_a_paragraph_fits_its_width_and_keeps_styles() -> None:
    text = Text.assemble(
        ("パスワード再設定ページから", "bold"), "ご自身で再設定できます。VPN は Global Protect を\n\n再起動"
    )
    lines = read(Paragraph(text), width=20).splitlines()
    assert all(cell_len(line) <= 20 for line in lines)
    assert "".join(lines).replace(" ", "") == text.plain.replace("\n", "").replace(" ", "")
    assert lines[-2:] == ["", "再起動"]
    assert "\x1b[1mパスワード再設定ペー\x1b[0m" in read(Paragraph(text), width=20, color=True)


# -- Blocks ----------------------------------------------------------------------------------------------


def test_sections_headers_contexts_dividers_and_images(workspace: Workspace) -> None:
    picture = {"type": "image", "image_url": "https://e.com/a.png", "alt_text": "a chart"}
    lines = shown(
        workspace,
        {"type": "header", "text": {"type": "plain_text", "text": "*Not bold* :tada:"}},
        section("*bold*\nsecond line"),
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "_small_"}, picture]},
        {**picture, "title": {"type": "plain_text", "text": "Trend"}},
        {**section("with picture"), "accessory": picture},
    )
    assert lines == [
        "*Not bold* 🎉",
        "bold",
        "second line",
        "─" * 60,
        "small  (image: a chart)",
        "Trend",
        "(image: a chart)",
        "with picture  (image: a chart)",
    ]


def test_fields_stand_in_two_aligned_columns(workspace: Workspace) -> None:
    texts = ["*行数*", "128", "*Encoder*", "e5", "*odd*"]
    fields = [{"type": "mrkdwn", "text": text} for text in texts]
    assert shown(workspace, {"type": "section", "fields": fields}) == ["行数       128", "Encoder    e5", "odd"]


def test_buttons_are_numbered_in_reading_order(workspace: Workspace) -> None:
    accessory = {"type": "button", "action_id": "show", "text": {"type": "plain_text", "text": "表示"}}
    linked = {**accessory, "action_id": "open", "url": "https://e.com/"}
    lines = shown(
        workspace,
        {**section("one line"), "accessory": accessory},
        {**section("two\nlines"), "accessory": linked},
        buttons("Yes", "No"),
    )
    assert lines == ["one line  [1] 表示", "two", "lines", "[2] 表示 (https://e.com/)", "[3] Yes   [4] No"]


def test_inputs_and_menus_show_label_choices_and_what_is_filled_in(workspace: Workspace) -> None:
    box = {"type": "plain_text_input", "action_id": "q", "placeholder": {"type": "plain_text", "text": "e.g. VPN"}}
    asked = {"type": "input", "label": {"type": "plain_text", "text": "質問"}, "element": box}
    hint = {"type": "plain_text", "text": "in your words"}
    options = [{"value": str(each), "text": {"type": "plain_text", "text": f"choice {each}"}} for each in "ab"]
    menu = {"type": "static_select", "action_id": "m", "options": options}
    more = {"type": "overflow", "action_id": "o", "options": options}
    actions = {"type": "actions", "elements": [{**menu, "placeholder": {"type": "plain_text", "text": "Which"}}, more]}
    assert shown(workspace, {**asked, "hint": hint}, actions) == [
        "[1] 質問 (e.g. VPN)",
        "    in your words",
        "[2] Which: 1 choice a · 2 choice b   [3] …: 1 choice a · 2",
        "choice b",
    ]
    filled: JSON = {"b0": {"q": {"type": "plain_text_input", "value": "[red]VPN"}}}
    chosen = {"b1": {"m": {"type": "static_select", "selected_option": options[1]}}}
    assert shown(workspace, asked, state=filled) == ["[1] 質問 = [red]VPN"]
    assert shown(workspace, asked, {"type": "actions", "elements": [menu]}, state=filled | chosen)[-1] == (
        "[2] m: 1 choice a · 2 choice b = choice b"
    )


def test_feedback_rich_text_and_markdown(workspace: Workspace) -> None:
    good, bad = ({"text": {"type": "plain_text", "text": text}, "value": text} for text in ("Good", "Bad"))
    feedback = {"type": "feedback_buttons", "action_id": "f", "positive_button": good, "negative_button": bad}
    words = {"type": "rich_text_section", "elements": [{"type": "text", "text": "rich [b]"}]}
    assert shown(
        workspace,
        {"type": "context_actions", "elements": [feedback]},
        {"type": "rich_text", "elements": [words]},
        {"type": "markdown", "text": "# as written"},
    ) == ["[1] 1 Good · 2 Bad", "rich [b]", "# as written"]


def rich(kind: str, *words: str, **facts: Any) -> JSON:
    """A part of rich text; a word that begins with an asterisk is bold."""
    elements = [{"type": "text", "text": word.removeprefix("*"), "style": {"bold": word[0] == "*"}} for word in words]
    return {"type": kind, "elements": elements, **facts}


def test_rich_text_is_laid_out(workspace: Workspace) -> None:
    items = [rich("rich_text_section", "one"), rich("rich_text_section", "two <!here>")]
    link = {"type": "link", "url": "https://example.com/?a=1&b=2", "text": "wiki"}
    parts = [
        rich("rich_text_section", "*Title", "\ntext "),
        {"type": "rich_text_list", "style": "ordered", "offset": 2, "elements": items},
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": items[:1]},
        rich("rich_text_preformatted", "make\n  test"),
        {"type": "rich_text_section", "elements": [link]},
    ]
    assert shown(workspace, {"type": "rich_text", "elements": parts}) == [
        "Title",
        "text",
        "3. one",
        "4. two <!here>",
        "  • one",
        "  make",
        "    test",
        "wiki (https://example.com/?a=1&b=2)",
    ]
    drawn = read(*render([{"type": "rich_text", "elements": parts[:1]}], workspace, {}, {}), color=True)
    assert drawn.startswith("\x1b[1mTitle\x1b[0m")


def test_other_blocks_are_named(workspace: Workspace) -> None:
    assert shown(workspace, {"type": "table", "rows": []}, {"type": "[red]video"}) == [
        "(not rendered here: table)",
        "(not rendered here: [red]video)",
    ]
