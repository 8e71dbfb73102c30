"""Tokens of programs: made, listed and revoked at the command line; what is stored of them lets nobody in."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli import main
from handlers.readers import Reader, seen_by
from handlers.schema import open_database
from handlers.store.audit import AuditLog
from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.tokens import DAY, RefusedTokenError, Token, TokenError, Tokens, reader
from handlers.texts import ENGLISH, JAPANESE

TOKEN = re.compile(r"kotae_[0-9a-f]{12}_[0-9a-f]{64}")


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """A knowledge folder where the command line looks for it."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for name in ("it-help", "dev-faq"):
        (folder / f"{name}.csv").write_text("question,answer\nWhere is the printer?,Next to the lift.\n")
    return folder


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / '.kotae' / 'state.db'}")
    yield opened
    opened.close()


def made(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Make a token at the command line: the token, and what was said beside it."""
    assert main(["token", "create", *arguments]) == 0
    out, err = capsys.readouterr()
    assert TOKEN.fullmatch(out.strip())
    return out.strip(), err


def test_a_token_is_shown_once_and_only_its_digest_is_stored(
    knowledge: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, said = made(capsys, "website", "--knowledge-bases", "IT-Help,dev-faq,it-help", "--expires", "30d")
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * DAY))
    assert said == f"It sees it-help, dev-faq, and expires on {day}. It is not stored and can't be shown again\n"
    token = Tokens(database).check(plain)
    assert (token.name, token.knowledge_bases) == ("website", ("it-help", "dev-faq"))
    database.close()
    stored = b"".join(path.read_bytes() for path in (knowledge.parent / ".kotae").rglob("*") if path.is_file())
    assert b"website" in stored
    assert plain.encode() not in stored
    assert plain.rpartition("_")[2].encode() not in stored
    assert main(["token", "list"]) == 0
    assert capsys.readouterr().out == f"website  sees it-help, dev-faq; made {_today()}, expires on {day}\n"
    assert main(["token", "revoke", "website"]) == 0
    assert main(["token"]) == 0
    assert capsys.readouterr().err == "There is no token. Without one, public knowledge bases are open\n"
    with pytest.raises(RefusedTokenError, match="unknown or was revoked"):
        Tokens(database).check(plain)


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def test_what_was_done_is_in_the_audit_log_without_the_token(
    knowledge: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert knowledge.is_dir()
    plain, said = made(capsys, "robot", "--expires", "never")
    assert said.startswith("It sees every knowledge base, later ones and those of private channels too, and never exp")
    main(["token", "revoke", "robot"])
    revoked, created = AuditLog(database).newest()
    assert [entry.user for entry in (created, revoked)] == ["kotae token"] * 2
    assert ENGLISH.say(created.done) == "*token robot* · made for every knowledge base; expires: never"
    assert JAPANESE.say(created.done) == "*トークン robot を発行* · 対象: すべてのナレッジベース、期限: なし"
    assert ENGLISH.say(revoked.done) == "*token robot* · revoked"
    assert plain not in repr([created, revoked])


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["create", "no such name"], 2, "'no such name' can't be a name: up to 24 letters"),
        (["create", "x" * 25], 2, "can't be a name"),
        (["create", "a", "--expires", "90"], 2, "'90' is no time such as 90d"),
        (["create", "a", "--expires", "0d"], 2, "'0d' is no time"),
        (["create", "a", "--expires", "9" * 5000 + "d"], 2, "is no time"),
        (["create", "a", "--knowledge-bases", " , "], 2, "names no knowledge base"),
        (["create", "a", "--knowledge-bases", "it-hepl"], 1, "it-hepl"),
        (["revoke", "nobody"], 1, "There is no token named nobody; see `kotae token list`"),
    ],
)
def test_wrong_usage_says_what_is_right(
    knowledge: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], exit_code: int, said: str
) -> None:
    assert knowledge.is_dir()
    try:
        found = main(["token", *arguments])
    except SystemExit as end:
        found = int(end.code or 0)
    out, err = capsys.readouterr()
    assert (found, out) == (exit_code, "")
    assert said in err
    assert "Traceback" not in err


def test_a_name_is_taken_until_its_token_is_revoked(database: Database) -> None:
    tokens = Tokens(database)
    first = tokens.create("website", ["it-help"], 90)
    with pytest.raises(TokenError, match="There is a token named website already"):
        tokens.create("website", None, None)
    assert tokens.check(first).knowledge_bases == ("it-help",)
    tokens.revoke("website")
    second = tokens.create("website", None, None)
    assert tokens.check(second).knowledge_bases is None
    with pytest.raises(RefusedTokenError):
        tokens.check(first)


def test_a_token_ends_at_its_time_and_is_forgotten_later(database: Database) -> None:
    now = 1_800_000_000.0
    tokens = Tokens(database, lambda: now)
    plain = tokens.create("short", None, 1)
    assert tokens.check(plain).name == "short"
    now += DAY
    with pytest.raises(RefusedTokenError, match="This token expired on 2027-01-16"):
        tokens.check(plain)
    tokens.purge(now)
    assert [token.name for token in tokens.all()] == ["short"], "it is listed for a while"
    tokens.purge(now + 1)
    assert tokens.all() == []


def test_only_the_very_token_is_accepted(database: Database) -> None:
    tokens = Tokens(database)
    plain, other = tokens.create("a", None, None), tokens.create("b", None, None)
    wrong = {
        *(
            "",
            " ",
            plain[:-1],
            plain + "0",
            plain.upper(),
            f" {plain}",
            f"{plain}\n",
            "kotae_",
            "🔑",
            "\udcff",
            "0" * 99_999,
        ),
        *(plain[:at] + ("0" if plain[at] != "0" else "1") + plain[at + 1 :] for at in range(len(plain))),
        f"{plain.rpartition('_')[0]}_{other.rpartition('_')[2]}",
        tokens.named("a") and f"kotae_{tokens.named('a').id}_" + "0" * 64,  # type: ignore[union-attr]
    }
    for each in wrong:
        with pytest.raises(RefusedTokenError):
            tokens.check(str(each))
    assert tokens.check(plain).name == "a"


def test_while_the_database_fails_nobody_is_let_in(database: Database, tmp_path: Path) -> None:
    tokens = Tokens(database)
    plain = tokens.create("a", None, None)
    (tmp_path / ".kotae" / "state.db").rename(tmp_path / ".kotae" / "elsewhere.db")
    with pytest.raises(StoreError, match="Tokens can't be checked now"):
        tokens.check(plain)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ("open",)),
        (Token("t", "1", None, 0.0, None), ("open", "closed", "secret")),
        (Token("t", "1", ("closed", "gone"), 0.0, None), ("closed",)),
    ],
)
def test_what_a_program_may_see_is_what_anybody_may_or_what_its_token_says(
    given: Token | None, expected: tuple[str, ...]
) -> None:
    assert seen_by(reader(given, ["open", "closed", "secret"]), {"open"}) == expected


def test_the_same_rule_is_that_of_people() -> None:
    names = ("open", "closed")
    assert seen_by(Reader(names, is_trusted=True), {"open"}) == names
    assert seen_by(Reader(names, is_trusted=False), {"open"}) == ("open",)
    assert seen_by(Reader(("closed",), is_trusted=False), {"open"}) == ()
