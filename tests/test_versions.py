"""What a CSV was before: distinct contents, the last ones, byte for byte, whatever happens to the disk."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from indexes.errors import VersionError
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.records.editing import digest_of, replace_csv
from indexes.registry import Registry
from indexes.storage.versions import Version, Versions, forget_author


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source("it", tmp_path / "knowledge" / "it.csv")


def numbers(versions: Versions, source: Source) -> list[int]:
    return [version.number for version in versions.of(source)]


def test_contents_come_back_byte_for_byte(tmp_path: Path, source: Source) -> None:
    versions = Versions(tmp_path)
    data = "質問,回答\r\nあ,い\r\n".encode("cp932")
    kept = versions.keep(source, data, 1, "upload", "U1")
    assert (kept.number, kept.records, kept.origin, kept.by) == (1, 1, "upload", "U1")
    assert Versions(tmp_path).of(source) == (kept,)
    assert Versions(tmp_path).read(source, kept) == data
    assert versions.of(Source("it", tmp_path / "other" / "it.csv")) == ()


def test_the_newest_is_not_kept_twice_and_one_that_comes_back_is_new(tmp_path: Path, source: Source) -> None:
    versions = Versions(tmp_path)
    first = versions.keep(source, b"a", 1, "upload", "U1")
    assert versions.keep(source, b"a", 1, "file") == first
    versions.keep(source, b"b", 1, "edit", "U2")
    assert numbers(versions, source) == [2, 1]
    versions.keep(source, b"a", 1, "rollback", "U1")
    assert [(each.number, each.origin) for each in versions.of(source)] == [(3, "rollback"), (2, "edit")]


def test_only_the_last_are_kept(tmp_path: Path, source: Source) -> None:
    versions = Versions(tmp_path, keep=3)
    for number in range(5):
        versions.keep(source, str(number).encode(), 1, "file")
    assert numbers(versions, source) == [5, 4, 3]
    assert len(list(tmp_path.rglob("*.csv.gz"))) == 3
    assert [versions.read(source, version) for version in versions.of(source)] == [b"4", b"3", b"2"]


def test_damage_is_found_and_never_handed_out(tmp_path: Path, source: Source) -> None:
    versions = Versions(tmp_path)
    old = versions.keep(source, b"old" * 100, 1, "file")
    new = versions.keep(source, b"new" * 100, 1, "file")
    blobs = {path.name.split(".")[0]: path for path in tmp_path.rglob("*.csv.gz")}
    blobs[old.digest].write_bytes(blobs[new.digest].read_bytes())
    with pytest.raises(VersionError, match="Version 1 of it is damaged"):
        versions.read(source, old)
    blobs[new.digest].write_bytes(b"\x1f\x8b nonsense")
    with pytest.raises(VersionError, match="Version 2 of it can't be read"):
        versions.read(source, new)
    blobs[old.digest].unlink()
    with pytest.raises(VersionError, match="Version 1 of it can't be read"):
        versions.read(source, old)


DAMAGED = [
    *(
        b"",
        b"{",
        b"[1]",
        b'[{"x": 1}]',
        b"null",
        b"\xff",
        b"{}",
        b'{"versions": []}',
        b'{"sha256": "", "versions": []}',
    ),
    b'{"sha256": "", "versions": 1}',
]


@pytest.mark.parametrize("listing", DAMAGED)
def test_a_damaged_list_is_rebuilt_from_the_contents(
    tmp_path: Path, source: Source, listing: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    versions = Versions(tmp_path)
    contents = [f"question,answer\n{number},yes\n{number}0,no\n".encode() for number in range(3)]
    kept = [versions.keep(source, data, 2, "upload", "U1") for data in contents]
    for age, version in enumerate(reversed(kept)):
        [blob] = tmp_path.rglob(f"{version.digest}.csv.gz")
        os.utime(blob, (1_000_000 - age, 1_000_000 - age))
    [path] = tmp_path.rglob("versions.json")
    path.write_bytes(listing)
    found = versions.of(source)
    assert [(each.number, each.origin, each.records, each.by) for each in found] == [
        (3, "rebuilt", 2, ""),
        (2, "rebuilt", 2, ""),
        (1, "rebuilt", 2, ""),
    ]
    assert [versions.read(source, each) for each in found] == contents[::-1]
    assert "is damaged" in caplog.text
    caplog.clear()
    assert versions.of(source) == found
    assert caplog.text == ""
    assert versions.keep(source, b"b", 1, "file").number == 4


def test_no_flipped_bit_of_a_list_is_taken_for_a_version(tmp_path: Path, source: Source) -> None:
    versions = Versions(tmp_path)
    versions.keep(source, b"question,answer\n1,yes\n", 1, "upload", "U1")
    [path] = tmp_path.rglob("versions.json")
    whole, expected = path.read_bytes(), versions.of(source)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = versions.of(source)
        assert found == expected or [each.origin for each in found] == ["rebuilt"], whole[at : at + 9]


def test_a_damaged_content_is_not_listed_again(tmp_path: Path, source: Source) -> None:
    versions = Versions(tmp_path)
    versions.keep(source, b"a" * 500, 1, "file")
    good = versions.keep(source, b"b" * 500, 1, "file")
    [bad] = [each for each in tmp_path.rglob("*.csv.gz") if good.digest not in each.name]
    bad.write_bytes(b"noise")
    [path] = tmp_path.rglob("versions.json")
    path.write_bytes(b"")
    assert [each.digest for each in versions.of(source)] == [good.digest]


def test_a_list_of_an_earlier_version_is_read_as_it_was(tmp_path: Path, source: Source) -> None:
    versions = Versions(tmp_path)
    kept = versions.keep(source, b"a", 1, "upload", "U1")
    [path] = tmp_path.rglob("versions.json")
    path.write_text(json.dumps([asdict(kept)]))
    assert versions.of(source) == (kept,)
    assert forget_author(tmp_path, "U1") == 1
    assert versions.of(source) == (replace(kept, by=""),)


def test_a_disk_that_takes_nothing_is_said_and_what_was_kept_stays(tmp_path: Path, source: Source) -> None:
    (tmp_path / "versions").write_text("in the way")
    with pytest.raises(VersionError, match=r"This version of it can't be kept in .*; free some space"):
        Versions(tmp_path).keep(source, b"a", 1, "file")


def test_what_a_start_has_read_is_never_recorded_after_what_was_written_meanwhile(tmp_path: Path) -> None:
    """Recording waits for all files to be read; somebody may upload before, and go back by hand afterwards."""
    old, new = (f"question,answer\nWhere?,{where}\n".encode() for where in ("Here.", "There."))
    path = tmp_path / "it.csv"
    path.write_bytes(old)
    source = Source("it", path)
    maintenance = Maintenance(Registry(lambda: [source]), tmp_path / "data")
    maintenance.load().result()
    maintenance.versions.keep(source, old, 1, "file")
    replace_csv(path, new, digest_of(path))
    maintenance.record_version(source, new, 1, "upload", "U1")
    maintenance.record_versions().result()
    uploaded = [("upload", "U1"), ("file", "")]
    assert [(each.origin, each.by) for each in maintenance.versions.of(source)] == uploaded
    maintenance.reload("it").result()
    assert [(each.origin, each.by) for each in maintenance.versions.of(source)] == uploaded
    path.write_bytes(old)
    maintenance.reload("it").result()
    assert [(each.number, each.origin) for each in maintenance.versions.of(source)] == [(3, "file"), (2, "upload")]
    maintenance.close()


def test_many_at_once_are_all_numbered(tmp_path: Path, source: Source) -> None:
    versions = Versions(tmp_path, keep=20)
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda number: versions.keep(source, bytes([number]), 1, "edit"), range(16)))
    assert sorted(version.number for version in kept) == list(range(1, 17))
    [listing] = tmp_path.rglob("versions.json")
    assert [Version(**each) for each in json.loads(listing.read_bytes())["versions"]] == list(versions.of(source))
