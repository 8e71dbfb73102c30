"""An index on disk: whatever is done to its files, the answer is a verified generation or none, never a wrong one."""

import logging
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexes.atomic_file import sync_folder
from indexes.encoder import EncoderWorker
from indexes.retrieval.dense import DenseIndex
from indexes.storage.leftovers import sweep_data
from indexes.storage.snapshot import (
    EVERYTHING,
    KEEP,
    EncoderStamp,
    SnapshotFolder,
    StoredVectors,
    Words,
    passage_key,
)
from indexes.text import NORMALIZER
from tests.encoders import hashing_encoder
from tests.processes import Python, run
from tests.snapshots import edit_manifest, flip, manifest_of

CSV = b"question,answer\nHow do I connect to the VPN?,Open the VPN client.\n"
TEXTS = ("how do i connect to the vpn?", "パスワードを忘れました", "where is the printer?")


@pytest.fixture
def encoder() -> Iterator[EncoderWorker]:
    worker = hashing_encoder()
    yield worker
    worker.close()


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    return SnapshotFolder(tmp_path / "snapshots" / "it-help")


def save(folder: SnapshotFolder, encoder: EncoderWorker, source: bytes = CSV) -> Path:
    vectors = encoder.encode_documents(TEXTS)
    dense = DenseIndex.build(vectors, np.arange(len(TEXTS), dtype=np.int32))
    keys = [passage_key(text) for text in TEXTS]
    stored = StoredVectors(EncoderStamp.of(encoder), b"".join(keys), dense.files(), dense.kind, None, dense.owners)
    return folder.save(source, Words("recipe", {"numbers": np.arange(1000)}), stored).folder


def generations(folder: SnapshotFolder) -> list[str]:
    return sorted(path.name for path in folder.folder.iterdir() if path.is_dir())


def test_what_is_saved_is_loaded_to_the_byte(folder: SnapshotFolder, encoder: EncoderWorker) -> None:
    generation = save(folder, encoder)
    loaded = folder.load()
    assert loaded is not None
    assert loaded.folder == generation
    assert loaded.source.read_bytes() == CSV
    assert loaded.rows == {passage_key(text): row for row, text in enumerate(TEXTS)}
    assert loaded.fits(encoder)
    stored = DenseIndex.open(loaded.vectors, np.arange(3, dtype=np.int32)).vectors(np.array([2, 0]))
    np.testing.assert_array_equal(stored, encoder.encode_documents([TEXTS[2], TEXTS[0]]))


def test_nothing_saved_is_nothing_loaded(folder: SnapshotFolder) -> None:
    assert folder.load() is None


def test_a_folder_that_is_no_folder_is_no_snapshot(folder: SnapshotFolder, caplog: pytest.LogCaptureFixture) -> None:
    folder.folder.parent.mkdir(parents=True)
    folder.folder.write_text("a file where the folder should be")
    assert folder.load() is None
    assert str(folder.folder) in caplog.text


def test_without_vectors_only_the_csv_is_kept(folder: SnapshotFolder, encoder: EncoderWorker) -> None:
    folder.save(CSV)
    loaded = folder.load()
    assert loaded is not None
    assert (loaded.source.read_bytes(), loaded.keys, loaded.encoder) == (CSV, (), None)
    assert not loaded.fits(encoder)


@pytest.mark.parametrize("name", sorted(EVERYTHING - {"vectors.f16"}))
@pytest.mark.parametrize("damage", ["bit flip", "truncated", "gone", "emptied"])
def test_damage_is_logged_and_the_previous_generation_answers(
    folder: SnapshotFolder, encoder: EncoderWorker, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    older, newer = save(folder, encoder), save(folder, encoder, CSV + b"more,rows\n")
    file = newer / name
    data = file.read_bytes()
    middle = len(data) // 2
    if damage == "bit flip":
        file.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    elif damage == "truncated":
        file.write_bytes(data[:middle])
    elif damage == "emptied":
        file.write_bytes(b"")
    else:
        file.unlink()
    loaded = folder.load()
    assert loaded is not None
    assert loaded.folder == older
    assert loaded.source.read_bytes() == CSV
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert str(newer) in record.getMessage()
    assert name in record.getMessage()
    assert record.getMessage().endswith("it is left out and will be rebuilt")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}', b'{"format": 1, "normalizer": "1"}']
)
def test_a_broken_manifest_is_no_snapshot(folder: SnapshotFolder, encoder: EncoderWorker, content: bytes) -> None:
    (save(folder, encoder) / "manifest.json").write_bytes(content)
    assert folder.load() is None


@pytest.mark.long("damages a file again and again")
def test_every_bit_of_a_manifest_counts(folder: SnapshotFolder) -> None:
    older, newer = folder.save(CSV).folder, folder.save(CSV + b"more,rows\n").folder
    manifest = newer / "manifest.json"
    data = manifest.read_bytes()
    for bit in range(len(data) * 8):
        flip(manifest, bit)
        loaded = folder.load()
        assert loaded is not None
        assert loaded.folder == older, f"bit {bit} of {data[bit // 8 - 9 : bit // 8 + 9]!r}"
        manifest.write_bytes(data)


@pytest.mark.parametrize("other", [{"normalizer": NORMALIZER + "x"}, {"format": 99}])
def test_another_normalizer_or_format_is_no_snapshot(
    folder: SnapshotFolder, encoder: EncoderWorker, caplog: pytest.LogCaptureFixture, other: dict[str, object]
) -> None:
    edit_manifest(save(folder, encoder), **other)
    assert folder.load() is None
    assert "was written by another version of Kotae" in caplog.text


@pytest.mark.parametrize("pointer", [b"", b"0", b"\xff\xfe\x00", "日本語".encode()])
def test_a_broken_pointer_falls_back_to_the_newest_generation_and_nothing_is_swept(
    folder: SnapshotFolder, encoder: EncoderWorker, pointer: bytes
) -> None:
    generation = save(folder, encoder)
    (folder.folder / "CURRENT").write_bytes(pointer)
    assert sweep_data(folder.folder.parent.parent, time.time() + 9999) == 0
    loaded = folder.load()
    assert loaded is not None
    assert loaded.folder == generation


def test_a_generation_that_was_never_put_in_force_is_not_used(folder: SnapshotFolder, encoder: EncoderWorker) -> None:
    older = save(folder, encoder)
    save(folder, encoder, b"question,answer\nnever,in force\n")
    (folder.folder / "CURRENT").write_text(older.name)
    loaded = folder.load()
    assert loaded is not None
    assert loaded.folder == older


@pytest.mark.parametrize(
    ("name", "revision", "dimension"),
    [("other", "1", 256), ("hashing", "2", 256), ("hashing", "1", 128)],
    ids=["other name", "other revision", "other dimension"],
)
def test_vectors_of_another_model_do_not_fit(
    folder: SnapshotFolder, encoder: EncoderWorker, name: str, revision: str, dimension: int
) -> None:
    save(folder, encoder)
    other = hashing_encoder(name, revision, dimension)
    loaded = folder.load()
    assert loaded is not None
    assert loaded.fits(encoder)
    assert not loaded.fits(other)
    other.close()


def test_the_same_name_with_other_weights_does_not_fit(folder: SnapshotFolder, encoder: EncoderWorker) -> None:
    generation = save(folder, encoder)
    manifest = manifest_of(generation)
    turned = np.roll(np.array(manifest["encoder"]["canaries"]), 1, axis=1).tolist()
    edit_manifest(generation, encoder={**manifest["encoder"], "canaries": turned})
    loaded = folder.load()
    assert loaded is not None
    assert not loaded.fits(encoder)


def test_only_the_last_generations_are_kept(folder: SnapshotFolder, encoder: EncoderWorker) -> None:
    saved = [save(folder, encoder, CSV + f"row,{number}\n".encode()).name for number in range(KEEP + 3)]
    assert generations(folder) == saved[-KEEP:]
    assert (folder.folder / "CURRENT").read_text() == saved[-1]


WRITER = """
import sys
from pathlib import Path
import numpy as np
from indexes.storage.snapshot import SnapshotFolder, StoredVectors, Words
folder = SnapshotFolder(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    source = f"question,answer\\nnumber,{number}\\n".encode() * 400
    words = Words("recipe", {"number": np.full(10_000, number)})
    folder.save(source, words, StoredVectors(packed=bytes([number % 256]) * 6400))
    print(number, flush=True)
"""


def test_kill_9_at_any_moment_leaves_a_loadable_generation(folder: SnapshotFolder, tmp_path: Path) -> None:
    moment = random.Random(7)
    last = 0.0
    for _ in range(5):
        writer = Python[bytes]("-c", WRITER, str(folder.folder), stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"1\n"
        time.sleep(moment.random() * 0.05)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        loaded = folder.load()
        assert loaded is not None
        lines = loaded.source.read_bytes().splitlines()
        assert len(set(lines[1::2])) == 1
        assert set(loaded.sections()["number"].tolist()) == {int(lines[1].split(b",")[1])}
        assert loaded.created >= last
        last = loaded.created
    folder.save(CSV)
    assert len(generations(folder)) <= KEEP + 5
    assert not list(tmp_path.rglob("*.tmp"))


LIMITED = """
import resource, sys
from pathlib import Path
from indexes.storage.snapshot import SnapshotFolder, StoredVectors
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    vectors = StoredVectors(files={"vectors.faiss": lambda put: put(b"y" * 100_000)})
    SnapshotFolder(Path(sys.argv[1])).save(b"x" * 10_000, vectors=vectors)
except OSError as error:
    print(error.strerror)
"""


def test_a_full_disk_leaves_the_old_generation_and_nothing_half_written(folder: SnapshotFolder) -> None:
    """The kernel really refuses to write on: RLIMIT_FSIZE in a process of its own, SIGXFSZ ignored as Python does."""
    before = folder.save(CSV)
    names = sorted(folder.folder.iterdir())
    done = run("-c", LIMITED, str(folder.folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "File too large\n"
    assert sorted(folder.folder.iterdir()) == names
    loaded = folder.load()
    assert loaded is not None
    assert loaded.folder == before.folder
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file system refuses it")
def test_a_file_system_that_can_not_flush_folders_is_no_obstacle() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        flush(Path("/proc"))
    sync_folder(Path("/proc"))


def flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
