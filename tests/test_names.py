"""A knowledge base has one name, however its file's name or the person at the keyboard spells it."""

import json
import logging
import unicodedata
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from bot.channel_mapping import ChannelMapping
from bot.config_file import ChannelSection, ConfigFile, KnowledgeBaseSection
from bot.settings import Environment, Settings, SettingsError
from handlers.entries.store.proposals import Proposals
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.schema import open_database
from handlers.store.channel_settings import ChannelSettings
from handlers.store.migrations import config_for
from handlers.store.questions import AskedQuestion, FoundHit, Questions
from indexes.maintenance import Maintenance
from indexes.names import find_name, name_of
from indexes.records import Source
from indexes.registry import Registry

CSV = "question,answer\nWhere?,Here.\n"
NFC = "ガイド"
NFD = unicodedata.normalize("NFD", NFC)


def mapping(folder: Path, config: ConfigFile | None = None) -> ChannelMapping:
    environment = Environment(knowledge_dir=folder, data_dir=folder / ".kotae")
    return ChannelMapping(Settings(environment, config or ConfigFile(), Path("kotae.toml")))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("it-help", "it-help"),
        ("IT-Help", "it-help"),
        ("it-help.csv", "it-help"),
        ("it-help.CSV", "it-help"),
        ("*it-help*", "it-help"),
        ("_it-help_", "it-help"),
        ("`it-help.csv`", "it-help"),
        ("#it-help", "it-help"),
        ("「it-help」", "it-help"),
        ("ｉｔ-ｈｅｌｐ", "it-help"),
        ("_shared", "_shared"),
        ("*_shared*", None),
        (NFC, NFC),
        (NFD, NFC),
        (f"*{NFD}*", NFC),
        ("ｶﾞｲﾄﾞ", NFC),
        ("総務", "総務"),
        ("it", None),
        ("", None),
        ("*", None),
        ("it-help it-help", None),
    ],
)
def test_a_name_is_found_however_it_is_typed(typed: str, name: str | None) -> None:
    assert find_name(typed, ["it-help", "_shared", NFC, "総務"]) == name


@pytest.mark.parametrize("file", [f"{NFC}.csv", f"{NFD}.csv", f"{NFD}.CSV", f"{NFC}.Csv"])
def test_a_file_gives_a_composed_name_whatever_the_file_system_made_of_it(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text(CSV, encoding="utf-8")
    assert [(source.name, source.path.name) for source in mapping(tmp_path).sources()] == [(NFC, file)]
    assert name_of(tmp_path / file) == NFC


@pytest.mark.parametrize("spelled", [NFC, NFD, "ｶﾞｲﾄﾞ"])
def test_kotae_toml_may_spell_it_in_another_way(tmp_path: Path, spelled: str) -> None:
    (tmp_path / f"{NFD}.csv").write_text(CSV, encoding="utf-8")
    config = ConfigFile(
        channels={"general": ChannelSection(knowledge_bases=(spelled,))},
        knowledge_bases={spelled: KnowledgeBaseSection(public=True)},
    )
    some = mapping(tmp_path, config)
    some.check()
    assert some.public == {NFC}
    assert some.named == {NFC}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{NFC}.csv", f"{NFD}.csv"),
        ("it.csv", "it.CSV"),
        ("it.csv", "IT.csv"),
        ("it.csv", "ｉｔ.csv"),
    ],
)
def test_two_files_of_one_name_are_refused_with_both_named(
    tmp_path: Path, first: str, second: str, caplog: pytest.LogCaptureFixture
) -> None:
    for file in (first, second):
        (tmp_path / file).write_text(CSV, encoding="utf-8")
    some = mapping(tmp_path)
    with pytest.raises(SettingsError) as refused:
        some.check()
    assert str(tmp_path / first) in str(refused.value)
    assert str(tmp_path / second) in str(refused.value)
    with caplog.at_level(logging.WARNING):
        assert len(some.sources()) == 1, "what comes while the bot runs is left out"
        some.sources()
    assert len([record for record in caplog.records if "the same name" in record.getMessage()]) == 1


def test_what_was_kept_of_a_decomposed_name_is_found_after_an_upgrade(tmp_path: Path) -> None:
    """The folders of snapshots and versions are called as the file is on the disk."""
    file = tmp_path / f"{NFD}.csv"
    file.write_text(CSV, encoding="utf-8")
    data = tmp_path / "data"
    before = Source(NFD, file)
    earlier = Maintenance(Registry(lambda: [before]), data)
    earlier.load().result()
    earlier.record_versions().result()
    kept = earlier.versions.of(before)
    earlier.close()
    file.write_bytes(b"")  # only the snapshot can answer
    now = Maintenance(Registry(lambda: [Source(name_of(file), file)]), data)
    now.load().result()
    assert [hit.record.answer for hit in now.registry.search("Where?", [NFC]).hits] == ["Here."]
    assert now.versions.of(now.registry.source(NFC)) == kept
    now.close()


def test_names_in_the_state_database_are_composed_by_an_upgrade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config_for(connection), "0001")
        connection.execute(
            text("INSERT INTO settings VALUES ('C1', 'knowledge_bases', :names, 'U1', 0)"),
            {"names": json.dumps([NFD, "it-help"])},
        )
        hit = {"knowledge_base": NFD, "record": "1", "score": 1.0, "confidence": 0.9}
        connection.execute(
            text("INSERT INTO questions VALUES (1, 0, 'dm', 'D1', 'U1', 'Where?', :hits, 0.9, 0.9, 1)"),
            {"hits": json.dumps([hit])},
        )
        values = {"id": StoredAlias(NFD, "1", "", "k", "", (), "").id, "name": NFD}
        connection.execute(
            text("INSERT INTO learned VALUES (:id, 0, 'U1', :name, '1', 'Where?', 'k', 'Whereto?', '[]', NULL, NULL)"),
            values,
        )
        connection.execute(
            text("INSERT INTO proposals VALUES (1, 0, 'U1', :name, '{}', NULL, 'waiting', '', 0, '')"), {"name": NFD}
        )
    engine.dispose()
    database = open_database(url)
    assert json.loads(ChannelSettings(database).of("C1")["knowledge_bases"].value) == [NFC, "it-help"]
    noted: AskedQuestion | None = Questions(database).get(1)
    assert noted is not None
    assert noted.hits == (FoundHit(NFC, "1", 1.0, 0.9),)
    aliases = LearnedAliases(database).aliases()
    assert aliases is not None
    assert [alias.phrasing for alias in aliases[NFC]] == ["Whereto?"]
    proposal = Proposals(database).get(1)
    assert proposal is not None
    assert proposal.knowledge_base == NFC
    database.close()
