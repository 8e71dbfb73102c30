"""An app with one of everything that Block Kit has, to be seen and used on the page."""

from __future__ import annotations

from typing import Any

from slack_bolt import App
from slack_sdk import WebClient

from tests.playground.helpers import JSON, section

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63902ec901"
    "0001a900fcef8949ff0000000049454e44ae426082"
)
"""A PNG of one dot."""


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text, "emoji": True}


def options(*names: str) -> list[JSON]:
    return [{"text": plain(name), "value": name.lower()} for name in names]


def field(block_id: str, label: str, element: JSON, **more: Any) -> JSON:
    element = {"action_id": block_id, **element}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, **more}


CONFIRM = {
    "title": plain("Really?"),
    "text": plain("It can't be undone."),
    "confirm": plain("Do it"),
    "deny": plain("No"),
}
RICH: JSON = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "Rich ", "style": {"bold": True}},
                {"type": "link", "url": "https://example.com/rich", "text": "link"},
                {"type": "emoji", "name": "tada"},
                {"type": "broadcast", "range": "here"},
                {"type": "text", "text": "\nand a second line"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": each}]} for each in "ab"],
        },
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quoted"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x = 1"}]},
    ],
}
BLOCKS: list[JSON] = [
    {"type": "header", "text": plain("A header :books:")},
    section(
        "*bold* _italic_ ~strike~ `code` <https://example.com|a link> &lt;b&gt; :eyes: <!here>\n> quoted\n• one\n• two"
    ),
    {"type": "section", "fields": [{"type": "mrkdwn", "text": f"*Field {n}*\n{n}"} for n in range(1, 5)]},
    {
        **section("With a menu"),
        "block_id": "menu",
        "accessory": {
            "type": "overflow",
            "action_id": "overflow",
            "options": options("First", "Second"),
        },
    },
    {"type": "divider"},
    {
        "type": "actions",
        "block_id": "row",
        "elements": [
            {"type": "button", "action_id": "plain", "text": plain("Plain"), "value": "1"},
            {"type": "button", "action_id": "sure", "text": plain("Danger"), "style": "danger", "confirm": CONFIRM},
            {
                "type": "static_select",
                "action_id": "select",
                "placeholder": plain("Pick"),
                "options": options("Red", "Blue"),
            },
        ],
    },
    {
        "type": "context_actions",
        "block_id": "feedback",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": plain("Good"), "value": "good"},
                "negative_button": {"text": plain("Bad"), "value": "bad"},
            }
        ],
    },
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "Small print with `code`"}]},
    RICH,
    {
        "type": "markdown",
        "text": "## Heading\n- **bold** and [link](https://example.com)\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    },
    {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": text} for text in row] for row in (("Name", "Rows"), ("it-help", "60"))],
    },
]

MODAL: JSON = {
    "type": "modal",
    "callback_id": "everything",
    "title": plain("One of everything"),
    "submit": plain("Save"),
    "close": plain("Cancel"),
    "blocks": [
        section("Fill it in."),
        field("title", "Title", {"type": "plain_text_input", "max_length": 40}, hint=plain("A few words")),
        field("body", "Body", {"type": "plain_text_input", "multiline": True}, optional=True),
        field("colour", "Colour", {"type": "static_select", "options": options("Red", "Blue")}),
        field("sizes", "Sizes", {"type": "multi_static_select", "options": options("S", "M", "L")}, optional=True),
        field("city", "City", {"type": "external_select", "min_query_length": 1}, optional=True),
        field("extras", "Extras", {"type": "checkboxes", "options": options("Milk", "Sugar")}, optional=True),
        field("when", "When", {"type": "radio_buttons", "options": options("Now", "Later")}),
        field("who", "Who", {"type": "users_select"}, optional=True),
        field("where", "Where", {"type": "conversations_select"}, optional=True),
        field("day", "Day", {"type": "datepicker"}, optional=True),
        field("count", "Count", {"type": "number_input", "is_decimal_allowed": False}, optional=True),
        field("file", "CSV", {"type": "file_input", "filetypes": ["csv"], "max_files": 1}, optional=True),
    ],
}


def gallery(client: WebClient) -> tuple[App, list[JSON]]:
    """The app, and what it heard: actions and the values of submitted forms."""
    app = App(client=client)
    heard: list[JSON] = []

    @app.command("/search")
    def show(ack: Any, respond: Any) -> None:
        ack()
        respond(text="gallery", blocks=BLOCKS)

    @app.command("/kb")
    def form(ack: Any, body: JSON, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.options("city")
    def cities(ack: Any, body: JSON) -> None:
        found = [each for each in ("Osaka", "Oslo", "Tokyo") if each.lower().startswith(body["value"].lower())]
        ack(options=options(*found))

    @app.view("everything")
    def submitted(ack: Any, view: JSON) -> None:
        values = {block: next(iter(actions.values())) for block, actions in view["state"]["values"].items()}
        if values["title"]["value"] == "bad":
            ack(response_action="errors", errors={"title": "Not that one"})
            return
        ack()
        heard.append(values)

    @app.action({"action_id": "select"})
    @app.action({"action_id": "overflow"})
    @app.action({"action_id": "plain"})
    @app.action({"action_id": "sure"})
    @app.action({"action_id": "feedback"})
    def pressed(ack: Any, body: JSON) -> None:
        ack()
        heard.append(body["actions"][0])

    app.event("message")(lambda: None)
    app.event("app_home_opened")(lambda: None)
    app.event("file_shared")(lambda: None)
    return app, heard
