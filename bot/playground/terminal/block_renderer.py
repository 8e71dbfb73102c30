"""Block Kit on a terminal, with a number on every control."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.playground.slack.block_kit.controls import INITIAL, Control, controls
from bot.playground.slack.entities import Block
from bot.playground.slack.text import escape, visible_text
from bot.playground.slack.workspace import Workspace
from bot.playground.terminal.mrkdwn import CODE, Paragraph, clean, mrkdwn, plain

JSON = dict[str, Any]
Numbers = Mapping[tuple[str, str], int]
"""Numbers of controls by (block_id, action_id)."""
State = Mapping[str, Mapping[str, JSON]]
STYLES = {"primary": "green", "danger": "red"}
STYLED = {"bold": "bold", "italic": "italic", "strike": "strike", "underline": "underline", "code": CODE}
INDENTS = {"rich_text_preformatted": 2, "rich_text_quote": 2}


def render(blocks: list[Block], workspace: Workspace, numbers: Numbers, state: State) -> list[RenderableType]:
    """Render blocks in order; `state` are the values typed or chosen so far."""
    drawing = Drawing(workspace, numbers, state)
    return [each for block in blocks for each in drawing.block(block)]


class Drawing:
    """Renders the blocks of one message or view for rich."""

    def __init__(self, workspace: Workspace, numbers: Numbers, state: State) -> None:
        self.workspace = workspace
        self.numbers = numbers
        self.state = state

    def block(self, block: Block) -> Iterator[RenderableType]:
        """Render one block."""
        draw = {
            "section": self._section,
            "header": self._header,
            "context": self._context,
            "divider": self._divider,
            "actions": self._actions,
            "context_actions": self._actions,
            "input": self._input,
            "image": self._image,
            "rich_text": self._rich_text,
            "markdown": self._words,
        }.get(str(block.get("type")), self._unknown)
        yield from draw(block)

    # -- Blocks --------------------------------------------------------------------------------------------

    def _section(self, block: Block) -> Iterator[RenderableType]:
        text = self._text(block.get("text"))
        beside = self._beside(block)
        if text and beside and "\n" not in text.plain:
            yield Paragraph(Text.assemble(text, "  ", beside))
        else:
            yield from (Paragraph(each) for each in (text, beside) if each)
        if block.get("fields"):
            yield self._fields(block["fields"])

    def _beside(self, block: Block) -> Text:
        accessory = block.get("accessory")
        if accessory and accessory.get("type") == "image":
            return _picture(accessory)
        return self._row(block)

    def _fields(self, fields: list[JSON]) -> Table:
        grid = Table.grid(padding=(0, 4, 0, 0))
        texts = [self._text(field) for field in fields]
        for index in range(0, len(texts), 2):
            grid.add_row(*texts[index : index + 2])
        return grid

    def _header(self, block: Block) -> Iterator[RenderableType]:
        title = self._text(block["text"])
        title.stylize("bold")
        yield Paragraph(title)

    def _context(self, block: Block) -> Iterator[RenderableType]:
        parts = [_picture(each) if each["type"] == "image" else self._text(each) for each in block["elements"]]
        small = Text("  ").join(parts)
        small.stylize("dim")
        yield Paragraph(small)

    def _divider(self, _: Block) -> Iterator[RenderableType]:
        yield Rule(style="dim")

    def _actions(self, block: Block) -> Iterator[RenderableType]:
        yield Paragraph(self._row(block))

    def _input(self, block: Block) -> Iterator[RenderableType]:
        yield Paragraph(self._row(block))
        if block.get("hint"):
            yield Padding(Paragraph(Text(self._text(block["hint"]).plain, style="dim")), (0, 0, 0, 4))

    def _image(self, block: Block) -> Iterator[RenderableType]:
        title = self._text(block.get("title"))
        yield from (Paragraph(each) for each in (title, _picture(block)) if each)

    def _rich_text(self, block: Block) -> Iterator[RenderableType]:
        for part in block["elements"]:
            if part["type"] == "rich_text_list":
                yield from self._list(part)
            else:
                text = Text().join(self._styled(each, part["type"]) for each in part["elements"])
                yield Padding(Paragraph(text), (0, 0, 0, INDENTS.get(part["type"], 0)), expand=False)

    def _list(self, part: JSON) -> Iterator[RenderableType]:
        for number, item in enumerate(part["elements"], start=1 + part.get("offset", 0)):
            mark = f"{number}. " if part["style"] == "ordered" else "• "
            text = Text().join(self._styled(each, item["type"]) for each in item["elements"])
            indent = 2 * part.get("indent", 0)
            yield Padding(Paragraph(Text.assemble(mark, text)), (0, 0, 0, indent), expand=False)

    def _styled(self, element: JSON, within: str) -> Text:
        style = element.get("style", {})
        marks = " ".join(STYLED[name] for name in STYLED if style.get(name))
        if within == "rich_text_preformatted":
            marks = CODE
        if element["type"] == "link":
            label = str(element.get("text") or element["url"])
            return mrkdwn(f"<{escape(element['url'])}|{escape(label)}>", self.workspace)
        return Text(plain(visible_text({"type": "rich_text_section", "elements": [element]})), style=marks)

    def _words(self, block: Block) -> Iterator[RenderableType]:
        yield Paragraph(Text(plain(block["text"] if block["type"] == "markdown" else visible_text(block))))

    def _unknown(self, block: Block) -> Iterator[RenderableType]:
        yield Text(f"(not rendered here: {clean(str(block.get('type')))})", style="dim")

    # -- What blocks are made of ---------------------------------------------------------------------------

    def _text(self, given: JSON | None) -> Text:
        if not given:
            return Text()
        text = str(given.get("text", ""))
        return mrkdwn(text, self.workspace) if given.get("type") == "mrkdwn" else Text(plain(text))

    def _row(self, block: Block) -> Text:
        return Text("   ").join(self._control(each) for each in controls([block]))

    def _control(self, control: Control) -> Text:
        number = self.numbers.get((control.block_id, control.action_id))
        label = {"overflow": "…", "feedback_buttons": ""}.get(control.type, plain(control.label))
        style = STYLES.get(str(control.element.get("style")), "")
        text = Text.assemble((f"[{number or '-'}] ", "bold"), (label, style))
        if url := control.element.get("url"):
            text.append(f" ({clean(str(url))})", style="dim")
        if control.options:
            choices = (f"{index} {plain(_words_on(each))}" for index, each in enumerate(control.options, start=1))
            text.append((": " if label else "") + " · ".join(choices))
        if control.type in INITIAL:
            text.append(self._filled_in(control), style="dim")
        return text

    def _filled_in(self, control: Control) -> str:
        """The value typed or chosen, else the placeholder."""
        value = self.state.get(control.block_id, {}).get(control.action_id, {}).get(INITIAL[control.type][1])
        if value in (None, "", []):
            placeholder = control.element.get("placeholder", {}).get("text", "")
            return f" ({plain(placeholder)})" if placeholder and placeholder != control.label else ""
        values = value if isinstance(value, list) else [value]
        return " = " + ", ".join(plain(_words_on(each)) for each in values)


def _words_on(option: Any) -> str:
    return str(option["text"]["text"] if isinstance(option, dict) else option)


def _picture(image: JSON) -> Text:
    return Text(f"(image: {clean(str(image.get('alt_text', '')))})", style="dim")
