"""Knowledge bases that are fetched: what changes at the source is answered, and nothing that goes wrong there hurts."""

import itertools
import logging
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.doctor import examine
from bot.playground import LocalSlack, Message
from bot.settings import Environment, Settings
from bot.source_watch import told_of_sources
from bot.status import format_status, read_status, write_status
from handlers.entries.store.proposals import Proposal, Proposals
from handlers.files.fetching import Poll, poll
from handlers.remote.state import SourceState, SourceStates
from indexes.encoder import ModelManager
from indexes.records.editing import FetchedFileError, change
from tests.faults import sources as long_form
from tests.replicas import replicas
from tests.slack.conftest import IT_HELP, Start, approve, settle, stop
from tests.slack.test_admin import audited, kb
from tests.slack.test_home import home
from tests.slack.test_uploads import direct, searched, upload
from tests.sources import SECRET, Authority, Handler, Server, authority_in, serving
from tests.workbooks import table

pytestmark = pytest.mark.usefixtures("lawful")

EDIT = "https://docs.example.com/spreadsheets/d/it-help/edit"
ELSEWHERE = (
    f"it-help is fetched from elsewhere, and edited there: <{EDIT}>. The next fetch would undo what is changed here"
)
CAMERA = "cam,カメラが映りません。,シャッターを開けてください。,,,,\n"
FEW = "".join(IT_HELP.splitlines(keepends=True)[:4])
"""Two of five entries are gone."""


def sending(text: str | bytes, **headers: str) -> Callable[[Handler], None]:
    data = text.encode() if isinstance(text, str) else text
    return lambda request: request.send(200, data, **headers)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with authority_in(tmp_path_factory.mktemp("ca")) as found:
        yield found


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    with serving(authority.context("localhost"), sending(IT_HELP)) as running:
        yield running


def config(server: Server, **section: object) -> ConfigFile:
    known = {"url": server.url(), "edit_url": EDIT, **section}
    return ConfigFile(
        private_hosts=("localhost",), knowledge_bases={"it-help": KnowledgeBaseSection.model_validate(known)}
    )


Begin = Callable[..., Bot]


@pytest.fixture
def begin(slack: LocalSlack, start: Start, server: Server) -> Begin:
    """Start a bot that fetches it-help, and wait until it has asked for it once."""

    def begin(**section: object) -> Bot:
        bot = start(config(server, **section), admin_users=slack.person("olivia").id)
        wait_for_first(slack, bot, "it-help")
        return bot

    return begin


def wait_for_first(slack: LocalSlack, bot: Bot, name: str) -> None:
    """Wait until a source was asked for the first time, and that is over."""
    slack.wait_until(lambda: state(bot, name).tried, what="the first try")
    with bot.services.database.exclusively(f"source {name}"):
        settle(slack, bot)


def state(bot: Bot, name: str = "it-help") -> SourceState:
    return SourceStates(bot.services.database).get(name)


_polls = itertools.count(1)


def later(bot: Bot) -> Poll:
    """Let the next poll be due: each is 90 minutes after the one before."""
    at = time.time() + 5400 * next(_polls)
    return poll(bot.services, "it-help", lambda: at)


def cards(slack: LocalSlack, who: str = "olivia") -> list[Message]:
    return [each for each in direct(slack, who) if "upload_apply" in str(each.blocks)]


# -- What changes there


def test_what_is_edited_at_the_source_is_answered(slack: LocalSlack, begin: Begin, server: Server) -> None:
    bot = begin()
    assert later(bot).report is None  # the file that was there before is what the source has
    server.answer = sending(IT_HELP.replace("ルーターを再起動して", "機内モードを切って") + CAMERA, etag='"2"')
    slack.command("olivia", "it-help", "/kb reload")
    slack.wait_until(
        lambda: "Added 1, changed 1, removed 0" in str([each.shown for each in slack.ephemerals("olivia")])
    )
    assert "機内モードを切って" in searched(slack, "VPNにつながりません")
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")
    assert "fetched" in kb(slack, "olivia", "versions")
    asked = "from localhost, which was asked 1 min ago; it changed 1 min ago: 1 added, 1 changed, 0 removed"
    assert asked in kb(slack, "olivia", "status")
    said = "取得元: localhost（1分前に確認）、最後の変更は1分前で、追加 1件、変更 1件、削除 0件"
    assert said in kb(slack, "ichiro", "status")
    server.answer = sending(IT_HELP + CAMERA + CAMERA)
    later(bot)
    assert "1 left out (reloading says why)" in kb(slack, "olivia", "status")
    server.answer = sending(IT_HELP + CAMERA, etag='"2"')
    later(bot)
    later(bot)
    assert server.seen[-1].headers["if-none-match"] == '"2"'


def test_an_admin_gets_what_is_new_even_from_a_host_that_says_that_nothing_is(
    slack: LocalSlack, begin: Begin, server: Server
) -> None:
    def always_the_same(request: Handler) -> None:
        request.send(304 if request.headers["If-None-Match"] else 200, now.encode(), etag='"1"')

    now, server.answer = IT_HELP, always_the_same
    bot = begin()
    now = IT_HELP + CAMERA
    assert later(bot).report is None
    slack.command("olivia", "it-help", "/kb reload it-help")
    slack.wait_until(lambda: "it-help" in str([each.shown for each in slack.ephemerals("olivia")]), what="the report")
    settle(slack, bot)
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")


def test_a_source_is_asked_without_anybody_asking(slack: LocalSlack, begin: Begin, server: Server) -> None:
    server.answer = sending(IT_HELP + CAMERA)
    bot = begin()
    slack.wait_until(lambda: len(bot.services.registry.loaded["it-help"].index.records) == 6, what="the camera")
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")
    assert 200 < state(bot).due - state(bot).tried < 400


def test_a_copy_that_somebody_changed_is_fetched_again(begin: Begin, knowledge: Path, server: Server) -> None:
    server.answer = sending(IT_HELP, etag='"1"')
    bot = begin()
    bot.services.maintenance.writer("source", "")  # what was fetched may be written by a fetch
    path = bot.services.registry.source("it-help").path
    path.write_text(IT_HELP.replace("再設定ページ", "どこか"), encoding="utf-8")
    later(bot)
    assert "if-none-match" not in server.seen[-1].headers
    assert path.read_text("utf-8") == IT_HELP
    assert knowledge.is_dir()


@pytest.mark.parametrize(
    "data",
    [
        table(["id", "質問", "回答"], ["cam", "カメラが映りません。", "シャッターを開けてください。"]),
        "id\t質問\t回答\ncam\tカメラが映りません。\tシャッターを開けてください。\n",
        "id,質問,回答\ncam,カメラが映りません。,シャッターを開けてください。\n".encode("cp932"),
    ],
)
def test_a_new_knowledge_base_of_any_kind_serves_its_channel(
    slack: LocalSlack, begin: Begin, server: Server, knowledge: Path, data: str | bytes
) -> None:
    (knowledge / "it-help.csv").unlink()
    server.answer = sending(data)
    bot = begin()
    slack.wait_until(lambda: "it-help" in bot.services.registry.loaded, what="the knowledge base")
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")


# -- Edits in Slack


def edited(slack: LocalSlack) -> str:
    answer = slack.reply(slack.command("olivia", "it-help", "/search VPNにつながりません"))
    slack.press("olivia", answer, "kb_edit_record")
    slack.wait_until(lambda: any("edited there" in each.shown for each in slack.ephemerals("olivia")))
    return slack.ephemerals("olivia")[-1].shown


WAYS: dict[str, Callable[[LocalSlack], str]] = {
    "edit": edited,
    "add": lambda slack: kb(slack, "olivia", "add カメラは？"),
    "propose": lambda slack: kb(slack, "alice", "add カメラは？"),
    "remove": lambda slack: kb(slack, "olivia", "remove it-help"),
    "roll back": lambda slack: kb(slack, "olivia", "rollback it-help 1"),
    "upload": lambda slack: upload(slack, "it-help.csv", "質問,回答\na,b\n").shown,
}


def test_every_edit_is_refused_with_the_reason_and_where_to_edit(
    slack: LocalSlack, begin: Begin, server: Server
) -> None:
    bot = begin()
    server.answer = sending(IT_HELP + CAMERA)
    later(bot)
    assert {name: way(slack) for name, way in WAYS.items()} == dict.fromkeys(WAYS, ELSEWHERE)
    proposals = Proposals(bot.services.database)  # made before it was fetched
    proposals.add(Proposal("", "it-help", {"question": "a", "answer": "b"}, None))
    for pressed in ("kb_proposal_approve", "kb_proposal_edit"):
        listed = slack.reply(slack.command("olivia", "it-help", "/kb proposals"))
        assert "edited there" in slack.reply(slack.press("olivia", listed, pressed)).shown
    assert len(proposals.waiting()) == 1
    loaded = bot.services.registry.loaded["it-help"]
    for origin in ("edit", "upload", "rollback", "file"):
        writer = bot.services.maintenance.writer(origin, "")
        with pytest.raises(FetchedFileError):  # whatever writes, now and later
            change(loaded.knowledge_base, "vpn", {"answer": "x"}, long_form.NOW, writer)
    assert loaded.source.path.read_text("utf-8") == IT_HELP + CAMERA


def test_what_is_due_for_a_check_is_checked_at_the_source(slack: LocalSlack, begin: Begin) -> None:
    begin(review_after="1d")
    due = slack.reply(slack.command("olivia", "it-help", "/kb stale"))
    assert f"_Fetched from elsewhere; change the date there:_ {EDIT}" in due.shown
    assert "review_right" not in str(due.blocks)


def test_phrasings_are_learned_all_the_same(slack: LocalSlack, begin: Begin, server: Server) -> None:
    bot = begin()
    for who in ("alice", "hanako"):
        approve(slack, who, slack.reply(slack.command(who, "it-help", "/search ルーターの調子がわるい")))
        settle(slack, bot)
    server.answer = sending(IT_HELP + CAMERA)
    later(bot)
    assert bot.services.registry.search("ルーターの調子がわるい", ["it-help"]).confidence > 0.9


# -- Many entries are gone


def test_when_many_entries_are_gone_an_admin_is_asked_once_and_decides(
    slack: LocalSlack, begin: Begin, server: Server
) -> None:
    bot = begin()
    server.answer = sending(FEW, etag='"few"')
    polls = [later(bot) for _ in range(3)]
    assert [each.report for each in polls] == [None] * 3
    assert len({each.state.asked for each in polls} - {""}) == 1
    [card] = cards(slack)
    assert f":inbox_tray: *it-help* has changed where it is fetched from, {EDIT}: 3 entries" in card.shown
    assert "*2 of 5 entries would be gone.*" in card.shown
    assert "Choose the network" in searched(slack, "How do I connect to the office Wi-Fi?")
    assert "At localhost many entries are gone. An admin has to confirm that" in kb(slack, "olivia", "status")
    assert "管理者の確認を待っています" in home(slack, "ichiro").shown
    assert len(bot.services.registry.loaded["it-help"].index.records) == 5
    stop(slack, bot)
    again = begin()
    assert len(cards(slack)) == 1
    slack.press("olivia", card, "Apply")
    slack.wait_until(lambda: "is in place for *it-help*" in card.shown)
    assert len(again.services.registry.loaded["it-help"].index.records) == 3
    assert later(again).state.asked == ""
    assert [entry[1:] for entry in audited(again)] == [
        ("fetched it-help", "version 2, with many entries gone, as an admin confirmed; entries: 3, +0 ~0 -2")
    ]
    assert later(again).report is None


def test_while_the_bot_is_quiet_nobody_is_asked_but_afterwards(slack: LocalSlack, begin: Begin, server: Server) -> None:
    bot = begin()
    kb(slack, "olivia", "quiet")
    server.answer = sending(FEW, etag='"few"')
    assert [later(bot).state.asked != "" for _ in range(2)] == [True, True]
    assert cards(slack) == []
    assert "At localhost many entries are gone. An admin has to confirm that" in kb(slack, "olivia", "status")
    kb(slack, "olivia", "quiet off")
    later(bot)
    assert len(cards(slack)) == 1


def test_a_change_that_was_set_aside_is_not_asked_about_again_that_day_unless_an_admin_wants_it(
    slack: LocalSlack, begin: Begin, server: Server
) -> None:
    bot = begin()
    server.answer = sending(FEW)
    later(bot)
    [card] = cards(slack)
    slack.press("olivia", card, "Cancel")
    settle(slack, bot)
    later(bot)
    assert "many entries are gone, and that was not applied" in kb(slack, "olivia", "status")
    assert cards(slack) == []
    slack.command("ichiro", "it-help", "/kb reload")
    slack.wait_until(lambda: any("upload_apply" in str(each.blocks) for each in slack.ephemerals("ichiro")))
    assert cards(slack) == []


def test_what_the_source_takes_back_needs_no_decision_any_more(slack: LocalSlack, begin: Begin, server: Server) -> None:
    bot = begin()
    server.answer = sending(FEW)
    later(bot)
    [card] = cards(slack)
    server.answer = sending(IT_HELP + CAMERA)
    report = later(bot).report
    assert report
    assert report.added == 1
    slack.press("olivia", card, "Apply")
    settle(slack, bot)
    assert "That was decided already" in str([each.shown for each in slack.ephemerals("olivia")] + direct(slack))
    assert len(bot.services.registry.loaded["it-help"].index.records) == 6


def test_only_admins_who_may_read_a_knowledge_base_are_asked_and_told_what_is_in_it(
    slack: LocalSlack, start: Start, server: Server
) -> None:
    slack.invite_bot("keiri")
    slack.remove("olivia", "keiri")
    section = KnowledgeBaseSection.model_validate({"url": server.url()})
    admins = [slack.person(who).id for who in ("olivia", "ichiro")]
    bot = start(ConfigFile(private_hosts=("localhost",), knowledge_bases={"keiri": section}), admin_users=admins)
    wait_for_first(slack, bot, "keiri")
    server.answer = sending(FEW)
    at = time.time() + 1000
    poll(bot.services, "keiri", lambda: at)
    assert (len(cards(slack)), len(cards(slack, "ichiro"))) == (0, 1)
    slack.command("olivia", "it-help", "/kb reload keiri")
    settle(slack, bot)
    assert "upload_apply" not in str([each.blocks for each in slack.ephemerals("olivia")])
    server.answer = sending("id,質問,回答\n極秘,,\n")
    poll(bot.services, "keiri", lambda: at + 1000)
    assert "The reason is in the log, and for the me" in kb(slack, "olivia", "status")
    assert "keiri.csv" in kb(slack, "ichiro", "status")


# -- What goes wrong


def test_what_goes_wrong_is_said_everywhere_and_the_last_good_copy_answers(
    slack: LocalSlack, begin: Begin, server: Server, knowledge: Path
) -> None:
    bot = begin()
    server.answer = lambda request: request.send(403, b"expired")
    pauses = [(after.due - after.tried) / 300 for after in (later(bot).state for _ in range(6))]
    for pause, expected in zip(pauses, [1, 2, 4, 8, 12, 12], strict=True):
        assert 0.9 * expected <= pause <= 1.1 * expected
    assert len({round(pause / expected, 6) for pause, expected in zip(pauses, [1, 2, 4, 8, 12, 12], strict=True)}) > 3
    status = kb(slack, "olivia", "status")
    assert "What I have from localhost is 1 min old. It can't be fetched since" in status
    assert "localhost refuses (403). Publish the sheet to the web, check the token" in status
    assert "localhost に拒否されました（403）" in kb(slack, "ichiro", "status")
    assert "localhost refuses (403)" in home(slack, "olivia").shown
    assert "再設定ページから" in searched(slack, "パスワードを忘れました")
    write_status(knowledge.parent / "data", bot.services, told_of_sources(bot.services))
    told = read_status(knowledge.parent / "data")
    assert told
    assert "  it-help: What I have from localhost is 1 min old." in format_status(told)
    slack.command("olivia", "it-help", "/kb reload")
    settle(slack, bot)
    assert "localhost refuses (403)" in str([each.shown for each in slack.ephemerals("olivia")][-2:])
    server.answer = sending(IT_HELP)
    assert later(bot).state.why is None


def test_what_could_never_be_fetched_is_no_file_that_was_lost(
    slack: LocalSlack, begin: Begin, server: Server, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (knowledge / "it-help.csv").unlink()
    server.answer = lambda request: request.send(404)
    bot = begin()
    assert "Nothing could be fetched from localhost yet (last tried 1 min ago)" in kb(slack, "olivia", "status")
    assert "no such file" not in caplog.text
    slack.command("olivia", "it-help", "/kb reload it-help")
    settle(slack, bot)
    assert "nothing was fetched from its source yet" in str([each.shown for each in slack.ephemerals("olivia")])
    assert "Nothing could be fetched from localhost yet" in home(slack, "olivia").shown
    server.answer = sending(IT_HELP)
    later(bot)
    assert "再設定ページから" in searched(slack, "パスワードを忘れました")


def test_after_a_restart_without_a_network_the_copy_answers(
    slack: LocalSlack, begin: Begin, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = sending(IT_HELP + CAMERA)
    bot = begin()
    slack.wait_until(lambda: len(bot.services.registry.loaded["it-help"].index.records) == 6, what="the camera")
    stop(slack, bot)
    server.answer = lambda request: request.connection.close()
    caplog.set_level(logging.INFO)
    again = begin()
    later(again)
    later(again)
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")
    assert sum("it-help can't be fetched from localhost" in each.getMessage() for each in caplog.records) == 1


PAGE = "<!doctype html><title>Sign in</title>"
WRONG: list[tuple[str, Callable[[Handler], object], str]] = [
    ("a sign-in page", sending(PAGE, content_type="text/html"), "Publish the sheet (File &gt; Share &gt; Publish"),
    ("no table", sending("%PDF-1.4 and so on"), "it-help.csv"),
    ("only a header", sending(IT_HELP.splitlines()[0]), "it-help.csv"),
    ("a broken workbook", sending(b"PK\x03\x04broken"), "it-help.xlsx: the workbook is damaged"),
    ("nothing", sending(""), "it-help.csv"),
]


def test_what_is_no_table_changes_nothing_and_is_said(slack: LocalSlack, begin: Begin, server: Server) -> None:
    bot = begin()
    for name, answer, reason in WRONG:
        server.answer = answer
        assert later(bot).report is None, name
        assert reason.replace("&gt;", ">") in kb(slack, "olivia", "status").replace("&gt;", ">"), name
        assert state(bot).due - state(bot).tried < 400, name
    assert bot.services.registry.source("it-help").path.read_text("utf-8") == IT_HELP
    assert len(bot.services.registry.loaded["it-help"].index.records) == 5


def test_an_address_and_a_header_are_said_and_kept_nowhere(
    slack: LocalSlack,
    begin: Begin,
    server: Server,
    knowledge: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    caplog.set_level(logging.DEBUG, "handlers")
    caplog.set_level(logging.DEBUG, "indexes")
    monkeypatch.setenv("SHEET_URL", server.url())
    monkeypatch.setenv("SHEET_HEADER", f"PRIVATE-TOKEN: {SECRET}-token")
    bot = begin(url=None, url_env="SHEET_URL", header_env="SHEET_HEADER")
    for answer in (sending(FEW), *(each for _, each, _ in WRONG), lambda request: request.send(500)):
        server.answer = answer
        later(bot)
        kb(slack, "olivia", "status")
    assert server.seen[-1].headers["private-token"] == f"{SECRET}-token"
    slack.command("olivia", "it-help", "/kb reload")
    kb(slack, "olivia", "audit")
    slack.open_home("olivia")
    settle(slack, bot)
    write_status(knowledge.parent / "data", bot.services, told_of_sources(bot.services))
    said = repr(slack.calls) + caplog.text + repr(bot.services.config) + repr(state(bot))
    assert SECRET not in said
    stop(slack, bot)
    kept = [path for folder in (knowledge, knowledge.parent / "data") for path in folder.rglob("*") if path.is_file()]
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.sqlite("the doctor looks at the same whatever holds the state: test_doctor")
def test_the_doctor_fetches_each_source_and_stores_nothing(begin: Begin, server: Server, knowledge: Path) -> None:
    bot = begin()
    values = {"knowledge_dir": knowledge, "data_dir": knowledge.parent / "data", "encoder_backend": "lexical"}
    settings = Settings(Environment.model_validate(values), config(server), Path("kotae.toml"))
    assert "[ok]   Source of it-help: localhost: 5 records" in found(settings)
    server.answer = lambda request: request.send(404)
    before = state(bot)
    assert "[note] Source of it-help: localhost: localhost has nothing at this address (404)." in found(settings)
    assert "The copy of " in found(settings)
    (knowledge / "it-help.csv").unlink()
    assert "[fail] Source of it-help: localhost" in found(settings)
    assert SECRET not in found(settings)
    assert state(bot) == before


def found(settings: Settings) -> str:
    return "\n".join(map(str, examine(settings)))


# -- Several


def test_of_several_replicas_one_asks_and_all_answer(
    slack: LocalSlack, tmp_path: Path, knowledge: Path, postgresql: str, server: Server, manager: ModelManager
) -> None:
    assert knowledge.is_dir()
    with replicas(slack, tmp_path, postgresql, "faiss") as running:
        running.import_files()
        server.answer = sending(IT_HELP + CAMERA)
        bots = [running.start(name, manager, config(server)) for name in ("a", "b")]
        running.wait("the camera", lambda bot: len(bot.services.registry.loaded["it-help"].index.records) == 6)
        running.settle()
        asked, at = len(server.seen), time.time() + 1000
        assert asked == 1
        with ThreadPoolExecutor(2) as together:
            list(together.map(lambda bot: poll(bot.services, "it-help", lambda: at), bots))
        assert len(server.seen) == asked + 1


@pytest.mark.long("makes many edits")
def test_of_sixty_edits_all_are_searchable_soon_and_none_is_wrong(authority: Authority) -> None:
    chance = random.Random(7)
    outcome = long_form.edits(authority, 60, chance)
    assert outcome.wrong == []
    assert outcome.polls == 60
    assert outcome.slowest < long_form.SOON
