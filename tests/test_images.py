"""The pictures that a row names, what keeps Slack from showing one, and what the local Slack refuses to fetch."""

import json

import numpy as np
import pytest

from bot.playground.slack.block_kit.images import is_reachable, unreachable
from bot.playground.slack.block_kit.validation import check_message_blocks
from handlers.images.blocks import as_link, blocks, shown
from handlers.images.fallback import linked
from indexes.records import Record
from indexes.records.pictures import Picture, hindrance, pictures
from indexes.records.stored import StoredRecords, record_arrays

ONE, TWO = "https://example.com/one.png", "https://example.com/two.png"


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (ONE, [ONE]),
        (f" {ONE} ", [ONE]),
        (f"<{ONE}>", [ONE]),
        (f"![alt]({ONE})", [ONE]),
        (f"{ONE}\n{TWO}", [ONE, TWO]),
        (f"{ONE}, {TWO}", [ONE, TWO]),
        (f"{ONE}、{TWO} {ONE}", [ONE, TWO]),
        ("https://example.com/a(1),b.png", ["https://example.com/a(1),b.png"]),
        ("HTTPS://EXAMPLE.COM/A.PNG", ["HTTPS://EXAMPLE.COM/A.PNG"]),
        ("desk.png", []),
        ("javascript:alert(1)", []),
        ("data:image/png;base64,AAAA", []),
        ("ftp://example.com/a.png", []),
        ("https://", []),
        ("", []),
    ],
)
def test_addresses_in_an_image_column(cell: str, found: list[str]) -> None:
    assert [each.address for each in pictures(Record("r", "q", "a", image=cell))] == found


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (f"See ![the  door]({ONE}).", [Picture(ONE, "the door")]),
        (f'![]({ONE} "a title")', [Picture(ONE)]),
        (f"[a link]({ONE})", []),
        (f"![x](relative.png) ![y]( {TWO} )", [Picture(TWO, "y")]),
        ("![x](javascript:alert)", []),
    ],
)
def test_pictures_in_an_answer(answer: str, found: list[Picture]) -> None:
    assert list(pictures(Record("r", "q", answer))) == found


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (ONE, None),
        ("http://203.0.113.7.example.com/a", None),
        ("https://example.com/picture?id=7", None),
        ("https://8.8.8.8/a.png", None),
        ("http://localhost/a.png", "picture.private"),
        ("http://wiki/a.png", "picture.private"),
        ("http://192.168.1.2/a.png", "picture.private"),
        ("http://[::1]/a.png", "picture.private"),
        ("https://files.corp./a.png", "picture.private"),
        ("https://example.com/a.SVG?x=1", "picture.kind"),
        ("https:///a.png", "picture.no_address"),
        ("https://[broken/a.png", "picture.no_address"),
        (f"https://example.com/{'a' * 3000}", "picture.long"),
    ],
)
def test_what_keeps_slack_from_showing_a_picture(address: str, key: str | None) -> None:
    why = hindrance(address)
    assert (why and why.key) == key


@pytest.mark.parametrize(
    "address", [ONE, "https://example.com/a", f"https://example.com/{'a' * 4000}", "http://wiki/a"]
)
@pytest.mark.parametrize(
    "says", ["", "A desk", "<!channel> & <@U1>", "https://elsewhere.example.com", "長い" * 2000, "a|b"]
)
def test_a_picture_is_legal_as_an_image_and_as_a_link(address: str, says: str) -> None:
    record = Record("r", says or "A question?", f"![{says[:200]}]({address})", image=address)
    shown_blocks = [block.to_dict() for block in blocks(shown(record))]
    assert check_message_blocks(shown_blocks)
    instead = linked({"text": "x", "blocks": shown_blocks})["blocks"]
    assert check_message_blocks(instead)
    assert "image_url" not in json.dumps(instead)


def test_a_label_that_looks_like_another_address_is_not_one() -> None:
    assert as_link(ONE, "https://elsewhere.example.com").to_dict()["elements"][0]["text"].endswith(f"<{ONE}|{ONE}>")


def test_only_a_handful_is_shown() -> None:
    cell = " ".join(f"https://example.com/{number}.png" for number in range(9))
    assert len(shown(Record("r", "q", "a", image=cell))) == 3


@pytest.mark.parametrize(
    ("address", "reachable"),
    [
        (ONE, True),
        ("https://example.com/a", True),
        ("https://example.invalid/a.png", False),
        ("http://host/a.gif", False),
    ],
)
def test_the_local_slack_fetches_nothing_and_knows_what_can_not_be_fetched(address: str, *, reachable: bool) -> None:
    assert is_reachable(address) is reachable
    image = {"type": "image", "image_url": address, "alt_text": "x"}
    in_context = {"type": "context", "elements": [image]}
    expected = [] if reachable else ["/blocks/1/image_url"]
    assert list(unreachable([in_context, image], "/blocks")) == expected


def test_rows_that_were_stored_before_there_were_pictures_are_read() -> None:
    record = Record("r", "q", "a", details={"画像": ONE}, line=2)
    arrays = record_arrays([record, Record("s", "q", "a", image=ONE, line=3)])
    first, second = StoredRecords(arrays)
    assert (first, second.image) == (record, ONE)
    text = arrays["text"][: int(arrays["ends"][0])].tobytes()
    assert len(json.loads(text)) == 11, "as every earlier version stores and reads it"
    assert isinstance(arrays["ends"], np.ndarray)
