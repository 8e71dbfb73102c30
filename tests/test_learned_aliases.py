"""What people taught, laid over a CSV's aliases: whose it is, and what it leaves alone."""

import logging
from pathlib import Path

import pytest

from indexes.maintenance import Maintenance
from indexes.records import Record, Source
from indexes.registry import Registry
from indexes.retrieval.learned_aliases import LearnedAlias, RecordFinder, with_learned_aliases
from tests.encoders import hashing_encoder

VPN = Record("1", "VPNにつながりません。", "再起動", aliases=("VPNが切れる",))
PRINT = Record("2", "印刷できません", "用紙")
SLOW = LearnedAlias("1", "VPNにつながりません。", "VPNが遅い")


def test_a_learned_alias_is_added_once_and_only_if_it_is_new() -> None:
    aliases = [
        SLOW,
        LearnedAlias("1", "", "ＶＰＮが遅い？"),
        LearnedAlias("1", "", "VPNが切れる！"),
        LearnedAlias("1", "", "VPNにつながりません"),
    ]
    first, second = with_learned_aliases([VPN, PRINT], aliases)
    assert first.aliases == ("VPNが切れる", "ＶＰＮが遅い？")  # of two that are the same, as it was said last
    assert second is PRINT
    assert with_learned_aliases([VPN, PRINT], []) == (VPN, PRINT)


def test_a_row_whose_id_has_changed_is_known_by_its_question() -> None:
    finder = RecordFinder([PRINT, VPN, Record("3", "何ですか", "a"), Record("4", "何ですか？", "b")])
    assert finder.find(LearnedAlias("gone", "ＶＰＮにつながりません", "x")) is VPN
    assert finder.find(LearnedAlias("2", "VPNにつながりません。", "x")) is PRINT
    assert finder.find(LearnedAlias("gone", "何ですか", "x")) is None  # two rows ask it
    assert finder.find(LearnedAlias("gone", "", "x")) is None


def test_what_can_not_be_encoded_leaves_the_index_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "it-help.csv"
    path.write_text("id,question,answer\n1,VPN?,Restart.\n")
    registry = Registry(lambda: [Source("it-help", path)])
    maintenance = Maintenance(registry, tmp_path / "data")
    encoder = hashing_encoder()
    maintenance.load().result(60)
    maintenance.use_encoder(encoder).result(60)
    before = registry.loaded["it-help"]
    encoder.close()
    with caplog.at_level(logging.ERROR, "indexes"):
        maintenance.apply_aliases({"it-help": [LearnedAlias("1", "VPN?", "slow line")], "nowhere": [SLOW]}).result(60)
    assert registry.loaded["it-help"] is before
    assert [record.message for record in caplog.records if "are not in use" in record.message]
    maintenance.close()
