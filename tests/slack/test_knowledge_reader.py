"""What another process reads of a bot's DATA_DIR: the same answers as the bot's, and not a byte is changed."""

import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import SQLAlchemyError

from bot.app import Bot
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.knowledge_reader import KnowledgeReader, reading
from bot.playground import LocalSlack
from bot.settings import Environment, Settings
from handlers.learning.learned_aliases import apply_aliases
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.voices import tallies
from handlers.learning.votes import update_confidence
from handlers.schema import open_database
from handlers.store.errors import StoreError
from handlers.store.read_only import open_to_read
from tests.conftest import INDEX
from tests.encoders import hashing_manager
from tests.slack.conftest import Start, stop

SCHEMAS = Path(__file__).parents[1] / "fixtures" / "schemas"
MEANING = {"encoder_backend": "sentence-transformers", "model_name": "some/model"}
CONFIG = ConfigFile(knowledge_bases={"dev-faq": KnowledgeBaseSection(public=True)})
LEARNED = "ルーターの調子がわるい"
QUESTIONS = [
    *(
        "VPNにつながらない",
        "VPNにつながりません。",
        "パスワードを忘れた",
        "how do i connect to the wi-fi",
        "ERR-4012",
        LEARNED,
    ),
    *("roll back a deployment", "オフィスの住所", "何か食べたい", "印刷できない"),
]

Found = list[tuple[str, str, float, float]]


def settings_for(knowledge: Path, data: Path, url: str | None = None, config: ConfigFile = CONFIG) -> Settings:
    values = {"knowledge_dir": knowledge, "data_dir": data, "database_url": url, **MEANING}
    values["index_backend"] = INDEX if url else "faiss"
    return Settings(Environment.model_validate(values), config, Path("kotae.toml"))


@contextmanager
def reading_here(settings: Settings) -> Iterator[KnowledgeReader]:
    """Read with a model of the process's own, and at once what people teach the bot."""
    with closing(hashing_manager()) as manager, reading(settings, manager, follow_seconds=0) as reader:
        assert reader.wait_ready()
        yield reader


def found(search: Callable[[str], object], question: str) -> Found:
    answer = search(question)
    hits = answer.hits  # type: ignore[attr-defined]
    return [(hit.knowledge_base, hit.record.id, round(hit.confidence, 4), round(hit.dense, 4)) for hit in hits]


def answers(registry: object) -> Mapping[str, Found]:
    names = ["it-help", "dev-faq", "_shared"]
    return {each: found(lambda question: registry.search(question, names), each) for each in QUESTIONS}  # type: ignore[attr-defined]


def everything(*folders: Path) -> str:
    """Content, times and permissions of each file and folder: one that is made and deleted shows in its folder's time.

    Another process looks: SQLite's locks of this one would end with each file that it closes.
    """
    looks = ["find", *map(str, folders), "-printf", "%p %m %T@ %s\\n", "-type", "f", "-exec", "sha256sum", "{}", ";"]
    return subprocess.check_output(looks, text=True)


def without_state(found: str) -> list[str]:
    """Leave out the state database, which the running bot itself writes and tidies up, and the folder that it is in."""
    return [line for line in found.splitlines() if "/data/state.db" not in line and "/data " not in line]


def teach(bot: Bot) -> None:
    """Let people have confirmed a phrasing of a row, and have found many other answers wrong."""
    alias = StoredAlias("it-help", "vpn", "VPNにつながりません。", "key", LEARNED, ("U1", "U2"), "kotae")
    assert LearnedAliases(bot.services.database).add(alias)
    wrong = insert(tallies).values(knowledge_base="dev-faq", step=8, right=0, wrong=20 * 840)
    bot.services.database.write("learn", wrong)
    apply_aliases(bot.services)
    update_confidence(bot.services)
    bot.services.maintenance.use_encoder(bot.services.registry.state.encoder).result(60)  # type: ignore[arg-type]


def has_vectors(bot: Bot) -> bool:
    return all(each.index.dense for each in bot.services.registry.loaded.values())


def taught(start: Start) -> Bot:
    """A bot that has stored all its vectors."""
    bot = start(CONFIG, **MEANING)
    wait_for(lambda: has_vectors(bot))
    before = answers(bot.services.registry)
    teach(bot)
    after = answers(bot.services.registry)
    assert before[LEARNED][0][2] < 0.5 < after[LEARNED][0][2], "what was learned counts"
    assert before["ERR-4012"][0][2] > after["ERR-4012"][0][2], "and so do votes"
    return bot


def wait_for(is_so: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_it_answers_as_the_bot_and_changes_nothing_while_the_bot_runs_and_afterwards(
    slack: LocalSlack, start: Start, knowledge: Path, database_url: str | None, tmp_path: Path
) -> None:
    bot, data = taught(start), knowledge.parent / "data"
    settings, expected = settings_for(knowledge, data, database_url), answers(bot.services.registry)
    killed = tmp_path / "killed"
    with bot.services.database.own_connection() as connection:  # while it is open, SQLite keeps its write-ahead log
        before = without_state(everything(data, knowledge))
        with reading_here(settings) as reader:
            assert answers(reader.registry) == expected
            assert reader.public == {"dev-faq"}
        assert without_state(everything(data, knowledge)) == before
        connection.execute(insert(tallies).values(knowledge_base="other", step=8, right=1, wrong=0))
        subprocess.run(["cp", "-a", data, killed], check=True)  # as a bot leaves it that is killed
    assert database_url or (killed / "state.db-wal").stat().st_size > 0
    stop(slack, bot)
    for folder in (data, killed):
        at_first = everything(folder, knowledge)
        with reading_here(settings_for(knowledge, folder, database_url)) as reader:
            assert answers(reader.registry) == expected
        assert everything(folder, knowledge) == at_first


def test_what_changes_while_it_reads_is_followed(start: Start, knowledge: Path, database_url: str | None) -> None:
    bot = start(CONFIG, **MEANING)
    wait_for(lambda: has_vectors(bot))
    with reading_here(settings_for(knowledge, knowledge.parent / "data", database_url)) as reader:
        teach(bot)
        reader.follow()
        wait_for(lambda: answers(reader.registry) == answers(bot.services.registry))
        file, stored = knowledge / "dev-faq.csv", everything(knowledge.parent / "data" / "snapshots")
        file.write_text(file.read_text("utf-8") + "Where are the logs?,In the folder logs.,,\n", "utf-8")
        wait_for(
            lambda: (
                found(lambda question: reader.registry.search(question, ["dev-faq"]), "Where are the logs?")[0][2] > 0.5
            )
        )
        assert everything(knowledge.parent / "data" / "snapshots") == stored, "what it builds is its own"


def test_a_folder_that_no_bot_has_seen_is_read_as_well(knowledge: Path, tmp_path: Path) -> None:
    data = tmp_path / "nothing"
    with reading_here(settings_for(knowledge, data)) as reader:
        assert reader.database is None
        [first, *_] = reader.registry.search("VPNにつながりません。", ["it-help"]).hits
        assert first.record.id == "vpn"
        assert first.dense == pytest.approx(1.0, abs=1e-5)
    assert not data.exists()


def test_a_model_that_is_not_on_this_machine_is_not_fetched(
    knowledge: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with reading(settings_for(knowledge, tmp_path / "nothing")) as reader:
        assert reader.wait_ready()
        [first, *_] = reader.registry.search("VPNにつながりません。", ["it-help"]).hits
    assert (first.record.id, first.dense) == ("vpn", None)
    assert "Run `kotae model download some/model` when there is a connection" in caplog.text


def test_a_database_of_another_version_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((SCHEMAS / "0012.sql").read_text("utf-8"))
    before = everything(tmp_path)
    with pytest.raises(StoreError, match=r"has schema 0012, and this version of Kotae reads .*`kotae serve`"):
        open_to_read(f"sqlite:///{file}")
    assert everything(tmp_path) == before


@pytest.mark.postgresql
def test_a_server_is_only_read_from(postgresql: str) -> None:
    open_database(postgresql).close()
    database = open_to_read(postgresql)
    assert database is not None
    with closing(database):
        assert LearnedAliases(database).aliases() == {}
        with database.own_connection() as connection, pytest.raises(SQLAlchemyError, match="read-only transaction"):
            connection.execute(text("DELETE FROM learned"))
