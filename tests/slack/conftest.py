"""The real bot, connected over HTTP and WebSocket to a local Slack of its own for every test."""
# ruff: noqa: E501 - rows of a CSV are as long as they are

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from math import inf
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import Bot, build_app
from bot.config_file import ConfigFile
from bot.connection import PING_SECONDS
from bot.importing import sources_of
from bot.model_watch import LOOK_SECONDS
from bot.playground import Envelope, LocalSlack, Message, controls, live_mentions
from bot.settings import Environment, Settings
from handlers.fair_turns import Source
from handlers.knowledge.importing import Import
from handlers.knowledge.store.documents import Documents, Made
from handlers.queue import LIMITS, WORKERS, Kind
from handlers.schema import open_database
from handlers.services import clock_here
from handlers.store.questions import AskedQuestion, Questions, questions
from handlers.token_buckets import NO_LIMIT
from indexes.encoder import ModelManager
from tests.conftest import ENGINE, INDEX
from tests.encoders import hashing_manager
from tests.stalls import stalls
from tests.state import url_in

IT_HELP = """\
id,質問,回答,カテゴリ,リンク,更新日,備考
pw,パスワードを忘れました。どうすれば再設定できますか？,再設定ページから新しいパスワードを設定してください。,アカウント,https://id.example.com/reset,2026-04-08,社員番号が必要
vpn,VPNにつながりません。,ルーターを再起動してから VPN クライアントを開き直してください。,ネットワーク,,2026-05-01,
print,プリンターで印刷できません。,用紙と電源を確かめ、印刷待ちの一覧を空にしてください。,プリンター,,,
wifi,How do I connect to the office Wi-Fi?,Choose the network Sample-Office and sign in with your work account.,Network,,,
mfa,How do I set up two-factor authentication?,Install the authenticator app and scan the code on your profile page.,Account,,,
"""
DEV_FAQ = """\
title,content,category,url
What does ERR-4012 mean?,The upload is larger than 50 MB. Split the file.,Errors,https://dev.example.com/err-4012
How do I roll back a deployment?,Run `make rollback` and tell #deploys.,Deploy,
"""
SHARED = """\
質問,回答
オフィスの住所を教えてください,東京都千代田区1-2-3です。
"""

Start = Callable[..., Bot]
ACK_SECONDS = 3.0
FORM_SECONDS = 3.0
"""What Slack allows for an ack, and from a press to the form that it opens."""
Put = Callable[[str, str | bytes], None]


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """A knowledge folder with two channels' files and a shared one."""
    return write_knowledge(tmp_path / "knowledge")


def write_knowledge(folder: Path) -> Path:
    """Write the three files into a new folder."""
    folder.mkdir()
    (folder / "it-help.csv").write_text(IT_HELP, encoding="utf-8")
    (folder / "dev-faq.csv").write_text(DEV_FAQ, encoding="utf-8")
    (folder / "_shared.csv").write_text(SHARED, encoding="utf-8")
    return folder


@pytest.fixture
def commands() -> tuple[str, str]:
    """The app's commands as they are registered; parametrize it for others."""
    return ("/search", "/kb")


@pytest.fixture
def slack(commands: tuple[str, str]) -> Iterator[LocalSlack]:
    """A local Slack with the sample workspace.

    It lets forms be opened later than Slack does, for a machine that is busy; `check_forms` is as strict as Slack.
    """
    stalls()
    with LocalSlack(
        commands=commands, ack_seconds=ACK_SECONDS, retry_delays=(0.2, 0.4, 0.6), trigger_seconds=60
    ) as running:
        yield running
        check_forms(running)


@pytest.fixture
def manager() -> Iterator[ModelManager]:
    """The real model manager and worker over a small deterministic encoder."""
    managing = hashing_manager()
    yield managing
    managing.close()


@pytest.fixture
def ping_seconds() -> float:
    """How often the bot pings Slack; override it where a dead socket is to be noticed sooner."""
    return PING_SECONDS


@pytest.fixture
def look_seconds() -> float:
    """How often the bot looks for a missing model."""
    return LOOK_SECONDS


@pytest.fixture
def burst() -> int:
    """How much one person may ask at once: people in tests don't pause. Override it where it matters."""
    return NO_LIMIT


@pytest.fixture
def start(
    slack: LocalSlack,
    knowledge: Path,
    manager: ModelManager,
    ping_seconds: float,
    look_seconds: float,
    burst: int,
    database_url: str | None,
    empty_data: Path,
) -> Iterator[Start]:
    """Start the bot: ``start(config=ConfigFile(...), admin_users=("U1",))``; lexical unless told otherwise.

    No proof is asked for unless the configuration says how much is promised.
    """
    with starting(slack, knowledge, manager, empty_data, database_url, ping_seconds, look_seconds, burst) as each:
        yield each


@pytest.fixture
def state_url(knowledge: Path, database_url: str | None) -> str:
    """The address of the state database of `start`."""
    return database_url or url_in(knowledge.parent / "data")


@pytest.fixture
def put(slack: LocalSlack, knowledge: Path, database_url: str | None) -> Put:
    """Puts a file into the knowledge folder or, once a database holds it, imports it, as `kotae import` does.

    A running bot is then given the time to fetch it.
    """
    path_of, copy = knowledge.joinpath, knowledge.parent / "data" / "knowledge"

    def put(name: str, data: str | bytes) -> None:
        data = data.encode() if isinstance(data, str) else data
        if not database_url or not copy.exists():  # `start` imports the folder the first time
            path_of(name).write_bytes(data)
            return
        database = open_database(database_url)
        documents, records = Documents(database), data.count(b"\n") - 1
        documents.put(name, data, documents.digest(name) or "", Made(records, "file", ""))
        database.close()
        if slack.connections:
            slack.wait_until(lambda: path_of(name).is_file() and path_of(name).read_bytes() == data, what="the copy")

    return put


def share_knowledge(settings: Settings) -> None:
    """With a shared database, make it hold the knowledge folder at the first start, and that the copy of it."""
    folder, copy = settings.environment.knowledge_dir, settings.knowledge_dir
    if settings.is_shared and not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(folder, target_is_directory=True)
        database, own = open_database(settings.database_url), settings.reading(folder)
        for each in Import(database, folder, own.synonyms).compare(sources_of(own)):
            assert each.source
            path = each.source.path.rename(folder / each.file)  # the copy has composed names
            Documents(database).put(each.file, path.read_bytes(), "", Made(each.records, "file", ""))
        database.close()


@contextmanager
def starting(
    slack: LocalSlack,
    knowledge: Path,
    manager: ModelManager,
    empty_data: Path,
    database_url: str | None,
    ping_seconds: float = PING_SECONDS,
    look_seconds: float = LOOK_SECONDS,
    burst: int = NO_LIMIT,
) -> Iterator[Start]:
    """Stop at the end whatever bots were started: see `start`."""
    running: list[Bot] = []
    data = knowledge.parent / "data"

    def start(
        config: ConfigFile | None = None, clock: Callable[[], datetime] = clock_here, **environment: object
    ) -> Bot:
        values = {
            "slack_api_url": slack.api_url,
            "slack_bot_token": slack.bot_token,
            "slack_app_token": slack.app_token,
            "knowledge_dir": knowledge,
            "data_dir": data,
            "database_url": database_url,
            "index_backend": INDEX if database_url else "faiss",
            "encoder_backend": "lexical",
            **environment,
        }
        if values["data_dir"] == data and not (values["database_url"] or data.exists()):
            shutil.copytree(empty_data, data)
        config = config or ConfigFile()
        promised = config if "promise" in config.model_fields_set else config.model_copy(update={"promise": 0.0})
        settings = Settings(Environment.model_validate(values), promised, Path("kotae.toml"))
        share_knowledge(settings)
        bot = build_app(
            settings, manager, ping_seconds=ping_seconds, look_seconds=look_seconds, burst=burst, clock=clock
        )
        running.append(bot)
        bot.start()
        slack.wait_connected()
        assert bot.services.registry.wait_ready(60)
        return bot

    try:
        yield start
    finally:
        for bot in running:
            bot.stop()


@pytest.fixture
def bot(start: Start) -> Bot:
    """The bot as it is out of the box, searching lexically."""
    return start()


@pytest.fixture(scope="module")
def common_bot(
    tmp_path_factory: pytest.TempPathFactory, empty_data: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[LocalSlack, Bot]]:
    """One Slack and one bot for those tests of a module that change nothing another of them sees."""
    url = request.getfixturevalue("postgresql_server").make() if ENGINE == "postgresql" else None
    knowledge, manager = write_knowledge(tmp_path_factory.mktemp("common") / "knowledge"), hashing_manager()
    with (
        LocalSlack(
            commands=("/search", "/kb"), ack_seconds=ACK_SECONDS, retry_delays=(0.2, 0.4, 0.6), trigger_seconds=60
        ) as slack,
        starting(slack, knowledge, manager, empty_data, url) as start,
    ):
        yield slack, start()
    manager.close()


@pytest.fixture
def common_slack(common_bot: tuple[LocalSlack, Bot]) -> Iterator[LocalSlack]:
    """The Slack of `common_bot`, where everything stays lawful."""
    slack, _ = common_bot
    yield slack
    check_laws(slack, [])
    check_forms(slack)


ILLEGAL = {"invalid_blocks", "invalid_arguments", "msg_too_long", "msg_blocks_too_long", "no_text", "invalid_thread_ts"}


@pytest.fixture
def lawful(slack: LocalSlack, start: Start, helpers: list[str]) -> Iterator[None]:
    """Whatever the test did: every call was legal, every ack in time, and nobody but the bot was mentioned."""
    del start  # the bot must still run when the test ends
    yield
    check_laws(slack, helpers)


def check_laws(slack: LocalSlack, helpers: list[str]) -> None:
    """See `lawful`."""
    slack.wait_until(lambda: all(each.outcome != "waiting" for each in slack.envelopes), what="every ack")
    assert slack.warnings == []
    assert [call for call in slack.calls if call.error in ILLEGAL] == []
    assert [each for each in slack.envelopes if ack_took(each) >= slack.timing.ack] == []
    mentioned = {mention for each in everything_said(slack) for mention in each}
    assert mentioned <= {f"<@{slack.bot}>", *helpers_called(slack, helpers)}


def ack_took(envelope: Envelope) -> float:
    """Seconds from sending to the first ack, without those for which the machine had no time for this process."""
    if envelope.acked_after is None:
        return inf
    acked = next(each for each in envelope.deliveries if each.acked_after is not None)
    return envelope.acked_after - stalls().during(acked.at, envelope.acked_after)


def check_forms(slack: LocalSlack) -> None:
    """Every form was opened as soon after the press as Slack wants it."""
    pressed = {each.trigger_id: each.envelope for each in slack.interactions if each.envelope}
    for call in [*slack.calls_of("views.open"), *slack.calls_of("views.push")]:
        envelope = pressed.get(str(call.args.get("trigger_id")))
        if envelope and envelope.deliveries:
            at = envelope.deliveries[0].at
            assert call.at - at - stalls().during(at, call.at - at) < FORM_SECONDS, call


def helpers_called(slack: LocalSlack, helpers: list[str]) -> set[str]:
    """The mentions that may be live where somebody pressed 🙋: those whom the test can name in `ask`, and no others."""
    pressed = [each.payload for each in slack.envelopes if each.kind == "interactive"]
    asked = "ask_person" in str([each.get("actions") for each in pressed])
    chosen = "'value': 'ask'" in str([each.get("view", {}).get("state") for each in pressed])
    called = {f"<!subteam^{id_}>" if id_.startswith("S") else f"<@{id_}>" for id_ in helpers}
    return called if asked or chosen else set()


@pytest.fixture
def guests(slack: LocalSlack) -> None:
    """Two guests in #it-help, where the sample workspace has full members only."""
    admit_guests(slack)


@pytest.fixture
def helpers(slack: LocalSlack) -> list[str]:
    """Ids of people and groups who can be asked: Ichiro, and the help desk's group."""
    [group] = slack.workspace.groups.values()
    return [slack.person("ichiro").id, group.id]


def everything_said(slack: LocalSlack) -> list[list[str]]:
    """The live mentions of every message and home tab that the bot ever made, deleted ones included."""
    posted = [each for channel in slack.workspace.channels.values() for each in channel.messages if each.bot_id]
    mentions = [each.live_mentions for each in [*posted, *slack.workspace.ephemerals] if each.user == slack.bot]
    return mentions + [live_mentions(view.content) for view in slack.workspace.views.values()]


def labels(message: Message) -> list[str]:
    """The words on the buttons, those of feedback included."""
    return [
        option["text"]["text"]
        for control in controls(message.blocks)
        for option in control.options or [{"text": {"text": control.label}}]
    ]


def approve(slack: LocalSlack, who: str, answer: Message) -> None:
    """Say that the first hit is the answer: by 👍 or, where nothing was certain, by opening it and saying so there."""
    if "vote_none" not in str(answer.blocks) and "this_one_1" not in str(answer.blocks):
        slack.press(who, answer, "vote", 0)
        return
    if "show_1" in str(answer.blocks):
        slack.press(who, answer, "show_1")
        slack.wait_until(lambda: "this_one_1" in str(answer.blocks), what="the unfolding")
    slack.press(who, answer, "this_one_1")


def reject(slack: LocalSlack, who: str, answer: Message) -> None:
    """Say that the answer is none: by 👎 or, where nothing was certain, by "none of these"."""
    if "vote_none" in str(answer.blocks):
        slack.press(who, answer, "vote_none")
    else:
        slack.press(who, answer, "vote", 1)


def asked_so_far(bot: Bot) -> list[AskedQuestion]:
    """Every question that the bot remembers, the first one first."""
    database = bot.services.database
    ids = database.read("list questions", select(questions.c.id).order_by(questions.c.at)) or ()
    return [noted for (id_,) in ids if (noted := Questions(database).get(id_))]


def admit_guests(slack: LocalSlack) -> None:
    """Make the two guests members of #it-help."""
    slack.channel("it-help").members += [slack.person("guest").id, slack.person("multi").id]


def settle(slack: LocalSlack, bot: Bot) -> None:
    """Wait until the bot has dealt with everything that it was told."""
    slack.quiet(0.15)
    slack.wait_until(lambda: not len(bot.services.queue), what="the end of the work")


def fill(bot: Bot, job: Callable[[], None]) -> None:
    """Let so many people ask for `job`, which must not end yet, that there is no room for another."""
    queue, strangers = bot.services.queue, (Source(f"U-FILL-{number}", f"C-FILL-{number}") for number in count())
    most, begun = LIMITS[Kind.ASKED].waiting, list[None]()

    def noted() -> None:
        begun.append(None)
        job()

    while (waiting := queue.waiting()[Kind.ASKED.value]) < most or len(begun) < WORKERS:
        if waiting < most:
            queue.put(Kind.ASKED, next(strangers), noted)
        else:
            time.sleep(0.01)  # a worker is busy with work of the bot's own, and then takes another of these


def redeliver(slack: LocalSlack, envelope: Envelope, **changes: object) -> None:
    """Let Slack deliver a payload once more, whenever that is; `changes` are to its body."""
    again = slack._do(lambda: slack._backend.hub.deliver(envelope.kind, {**envelope.payload, **changes}))
    slack.wait_until(lambda: again.outcome != "waiting", what="the ack")


def stop(slack: LocalSlack, bot: Bot) -> None:
    """Stop a bot, and wait until Slack has seen it go."""
    assert bot.stop()
    slack.wait_until(lambda: slack.connections == 0, what="the end of the connection")
