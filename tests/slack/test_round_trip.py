"""Export, edit, upload: what the export did for spreadsheets is never taken for somebody's edit."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from indexes.records import read_records
from tests.slack.conftest import Put, settle
from tests.slack.test_reload import reload
from tests.slack.test_uploads import press, upload
from tests.slack.test_versions import exported
from tests.workbooks import table

pytestmark = pytest.mark.usefixtures("lawful")

SAME = "*it-help.csv* is what *it-help* is already. There is nothing to do."
LIST = (
    "id,question,answer\n"
    '1,How do I restart the router?,"- Unplug it\n- Wait ten seconds\n- Plug it in"\n'
    "2,Who do I call at night?,+1 555 0100 (desk)\n"
    "3,Who approves travel?,@finance-desk in the portal\n"
    "4,Where is the form?,Portal\n"
)
NO_IDS = LIST.replace("id,", "").replace("\n1,", "\n").replace("\n2,", "\n").replace("\n3,", "\n").replace("\n4,", "\n")
FILES = {
    "formula-like answers": LIST.encode(),
    "no ids": NO_IDS.encode(),
    "nothing to escape": b"question,answer\nWhere?,Here.\nWhen?,Now.\n",
    "crlf and byte order mark": LIST.replace("\n", "\r\n").encode("utf-8-sig"),
    "cp932": "質問,回答\n住所は？,＝東京\n料金は？,－500円\n".encode("cp932"),
    "utf-16 with tabs": LIST.replace(",", "\t").encode("utf-16"),
    "semicolons": b"question;answer\na;-b\nc;=d\n",
    "hint": b"sep=;\nquestion;answer\na;-b\nc;=d\n",
    "escaped already": b"id,question,answer\n1,a,=x\n2,b,'=x\n3,c,''=x\n",
    "the same twice": b"question,answer\na,-b\na,-b\nc,d\n",
    "headers like formulas": b"question,answer,+memo,@who\na,b,-c,d\n",
    "space around": b"question , answer\n  a  , -b \n",
    "ragged and blank rows": b"question,answer,note\na,-b,n\n\n,,\nc,d,e,f,g\ne,=f,n\n",
    "a column without a name": b"question,answer,\na,-b,loose\n",
    "links and entities": b'question,answer\na,-b &amp; c\nd,<a href="https://example.com">e</a>\n',
}
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "untouched": lambda data: data,
    "saved by Excel": lambda data: saved(data, "\r\n"),
    "saved with line feeds": lambda data: saved(data, "\n"),
    "all quoted": lambda data: saved(data, "\r\n", csv.QUOTE_ALL),
}


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def saved(data: bytes, line_end: str = "\r\n", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end, quoting=quoting).writerows(rows_of(data))  # type: ignore[arg-type]
    return text.getvalue().encode("utf-8-sig")


def changed(data: bytes, edit: Callable[[list[list[str]]], object]) -> bytes:
    rows = rows_of(data)
    edit(rows)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


@pytest.fixture
def file(knowledge: Path, put: Put, request: pytest.FixtureRequest) -> Path:
    put("it-help.csv", request.param)
    return knowledge / "it-help.csv"


@pytest.mark.usefixtures("bot")
def test_what_comes_back_untouched_is_the_very_same(slack: LocalSlack, knowledge: Path, put: Put) -> None:
    for name, content in FILES.items():
        put("it-help.csv", content)
        assert "*it-help*" in reload(slack, "it-help")
        _, data = exported(slack)
        for way, altered in WAYS.items():
            assert upload(slack, "it-help.csv", altered(data)).shown == SAME, (name, way)
        assert upload(slack, "it-help.xlsx", table(*rows_of(data))).shown == SAME.replace(".csv", ".xlsx"), name
        assert (knowledge / "it-help.csv").read_bytes() == content, name


@pytest.mark.parametrize(
    "words", ["original,normalized\nPC,パソコン\n", "original,normalized\n@home,在宅\n-1F,地下1階\n"]
)
@pytest.mark.usefixtures("bot")
def test_synonyms_that_come_back_untouched_are_the_very_same(
    slack: LocalSlack, knowledge: Path, put: Put, words: str
) -> None:
    path = knowledge / "_synonyms.csv"
    put("_synonyms.csv", words)
    _, data = exported(slack, "export _synonyms")
    assert upload(slack, "_synonyms.csv", data).shown == SAME.replace("it-help", "_synonyms")
    card = upload(slack, "_synonyms.csv", changed(data, lambda rows: rows.append(["=x", "y"])))
    assert "Added *1*, changed *0*, removed *0*" in card.shown
    press(slack, card, "Apply", "is in place")
    assert path.read_text("utf-8-sig") == f"{words}=x,y\n"


def learn(bot: Bot, record: str, question: str, words: str) -> None:
    alias = StoredAlias("it-help", record, question, words, words, ("U1", "U2"), "U3")
    assert LearnedAliases(bot.services.database).add(alias)


@pytest.mark.parametrize("file", [LIST.encode(), b"id,question,answer,aliases\n1,a,-b,x\n2,c,d,\n"], indirect=True)
def test_learned_phrasings_of_the_export_are_no_edit(slack: LocalSlack, bot: Bot, file: Path) -> None:
    before = file.read_bytes()
    slack.command("olivia", "it-help", "/kb reload")
    settle(slack, bot)
    first = read_records(file).records[0]
    learn(bot, first.id, first.question, "=a phrasing")
    _, data = exported(slack)
    assert "phrasing" in data.decode()
    assert upload(slack, "it-help.csv", data).shown == SAME
    card = upload(slack, "it-help.csv", changed(data, lambda rows: rows[1].__setitem__(1, "Another question?")))
    press(slack, card, "Apply", "is in place")
    assert "phrasing" not in file.read_text("utf-8-sig")
    assert before != file.read_bytes()


EDITS: dict[str, tuple[Callable[[list[list[str]]], object], str, list[tuple[str, str]]]] = {
    "an answer": (
        lambda rows: rows[4].__setitem__(2, "In the portal"),
        "Added *0*, changed *1*, removed *0*, unchanged 3.",
        [("Where is the form?", "In the portal")],
    ),
    "a question, and nothing of the answer": (
        lambda rows: rows[2].__setitem__(1, "Whom do I call?"),
        "Added *0*, changed *1*, removed *0*, unchanged 3.",
        [("Whom do I call?", "+1 555 0100 (desk)")],
    ),
    "an escaped answer": (
        lambda rows: rows[2].__setitem__(2, "'+1 555 0199"),
        "Added *0*, changed *1*, removed *0*, unchanged 3.",
        [("Who do I call at night?", "'+1 555 0199")],
    ),
    "a new row like a formula": (
        lambda rows: rows.append(["5", "Since when?", "-2 weeks"]),
        "Added *1*, changed *0*, removed *0*, unchanged 4.",
        [("Since when?", "-2 weeks")],
    ),
    "a copy of a row": (
        lambda rows: rows.append(["5", "And at day?", rows[2][2]]),
        "Added *1*, changed *0*, removed *0*, unchanged 4.",
        [("And at day?", "+1 555 0100 (desk)")],
    ),
    "another order": (lambda rows: rows.insert(1, rows.pop()), "The entries stay the same", []),
    "fewer rows": (lambda rows: rows.pop(2), "Added *0*, changed *0*, removed *1*, unchanged 3.", []),
    "another column": (
        lambda rows: rows.__setitem__(
            slice(None), [[*row, f"-x{at}" if at else "note"] for at, row in enumerate(rows)]
        ),
        "Added *0*, changed *4*, removed *0*, unchanged 0.",
        [],
    ),
}


@pytest.mark.usefixtures("bot")
def test_an_edit_changes_what_was_edited_and_nothing_else(slack: LocalSlack, knowledge: Path, put: Put) -> None:
    file = knowledge / "it-help.csv"
    for edit, (do, said, pairs) in EDITS.items():
        put("it-help.csv", LIST)
        before = {one.question: one.answer for one in read_records(file).records}
        assert "*it-help*" in reload(slack, "it-help")
        _, data = exported(slack)
        card = upload(slack, "it-help.csv", changed(data, do))
        assert said in card.shown, edit
        press(slack, card, "Apply", "is in place")
        now = {one.question: one.answer for one in read_records(file).records}
        kept = now.keys() & before.keys()
        assert {(question, now[question]) for question in kept} | set(pairs) == set(now.items()), edit
        assert all(now[question] == before[question] for question in kept - dict(pairs).keys()), edit


@pytest.mark.parametrize("file", [LIST.encode()], indirect=True, ids=[""])
@pytest.mark.usefixtures("bot")
def test_a_file_that_is_no_export_keeps_its_cells(slack: LocalSlack, file: Path) -> None:
    slack.command("olivia", "it-help", "/kb reload")
    own = LIST.replace("4,Where is the form?,Portal", "4,Where is the form?,'@finance-desk in the portal").encode()
    card = upload(slack, "it-help.csv", own)
    assert "Added *0*, changed *1*, removed *0*" in card.shown
    press(slack, card, "Apply", "is in place")
    assert file.read_bytes() == own
