"""Files, versions, uploads and vectors in a database that replicas share: through conflicts, kills and damage."""

import gzip
import hashlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text, update

from handlers.files.pending import PendingError
from handlers.files.store.uploads import SharedPending
from handlers.knowledge.mirror import Mirror
from handlers.knowledge.shared import Knowledge
from handlers.knowledge.store.documents import ConflictError, Document, Documents, Made
from handlers.knowledge.store.vectors import CHUNK, SCATTERED, VectorChunks, encoders
from handlers.schema import open_database
from handlers.store.database import Database
from indexes.encoder import EncoderWorker
from indexes.records import Source, read_records
from indexes.records.editing import ChangedFileError, StaleFileError, add, replace_csv
from indexes.retrieval.scale import Scale
from indexes.storage.snapshot import passage_key
from tests.encoders import HashingModel
from tests.processes import Python
from tests.test_editing import JAPANESE, NOW

CSV = b"question,answer\nVPN?,Restart it.\n"
BY = Made(1, "upload", "U1")

WRITING = """
import sys
from pathlib import Path
from handlers.knowledge.shared import Knowledge
from handlers.schema import open_database
from indexes.records.editing import digest_of, replace_csv
url, folder = sys.argv[1], Path(sys.argv[2])
database = open_database(url)
knowledge = Knowledge(database, folder / "knowledge", folder)
writer = knowledge.stores.writer("edit", "U1")
path = folder / "knowledge" / "a.csv"
print("ready", flush=True)
for number in range(1000000):
    knowledge.follow()
    data = b"question,answer\\n" + b"".join(b"%d?,%d\\n" % (row, number) for row in range(2000))
    replace_csv(path, data, digest_of(path), writer, 2000)
    print(number, flush=True)
"""


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    opened = open_database(postgresql)
    yield opened
    opened.close()


@pytest.fixture
def documents(database: Database) -> Documents:
    return Documents(database)


def knowledge(database: Database, folder: Path) -> Knowledge:
    return Knowledge(database, folder / "knowledge", folder)


def known(documents: Documents) -> Document:
    """The only file that there is."""
    [found] = documents.all() or [Document("", "", 0.0, "")]
    return found


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Files and versions


def test_the_last_ten_contents_are_kept_and_one_that_comes_back_is_new(documents: Documents) -> None:
    before = ""
    for number in range(12):
        before = documents.put("a.csv", str(number).encode(), before, BY).digest
    assert [each.number for each in documents.versions("a.csv")] == list(range(12, 2, -1))
    documents.put("a.csv", b"5", before, Made(3, "rollback", "U2"))
    newest, *others = documents.versions("a.csv")
    assert (newest.number, newest.digest, newest.records, newest.origin, newest.by) == (
        13,
        digest(b"5"),
        3,
        "rollback",
        "U2",
    )
    assert len(others) == 9
    assert digest(b"5") not in {each.digest for each in others}
    assert documents.put("a.csv", b"5", newest.digest, BY) == newest


def test_of_many_who_replace_a_file_at_once_one_does(documents: Documents, database: Database) -> None:
    barrier = threading.Barrier(6)

    def put(number: int) -> bool:
        barrier.wait(60)
        try:
            documents.put("a.csv", str(number).encode(), "", BY)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(put, range(6))).count(True) == 1
    assert len(documents.versions("a.csv")) == 1
    assert not database.trouble


def test_a_damaged_content_is_not_handed_out(documents: Documents, postgresql: str, tmp_path: Path) -> None:
    documents.put("a.csv", CSV, "", BY)
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(text("UPDATE document_versions SET data = :data"), {"data": gzip.compress(b"other")})
    engine.dispose()
    assert documents.content("a.csv", digest(CSV)) is None
    mirror = Mirror(documents, tmp_path)
    assert mirror.follow() == []
    assert list(tmp_path.iterdir()) == []


def test_a_removed_file_is_kept_for_a_while(documents: Documents) -> None:
    documents.put("a.csv", CSV, "", BY)
    documents.put("b.csv", CSV, "", BY)
    documents.remove("a.csv", "U2")
    documents.purge(time.time() - 1)
    assert [(each.file, each.digest, each.by) for each in documents.all() or ()] == [
        ("a.csv", "", "U2"),
        ("b.csv", digest(CSV), "U1"),
    ]
    documents.purge(time.time() + 1)
    assert [each.file for each in documents.all() or ()] == ["b.csv"]
    assert documents.versions("a.csv") == ()


# The copy of a replica


def test_a_copy_is_brought_up_to_date_whatever_is_there(documents: Documents, tmp_path: Path) -> None:
    for file in ("a.csv", "sub/b.csv"):
        documents.put(file, CSV, "", BY)
    (tmp_path / "a.csv").write_bytes(b"old")
    (tmp_path / "gone.csv").write_bytes(b"old")
    mirror = Mirror(documents, tmp_path)
    assert mirror.follow() == [tmp_path / "a.csv", tmp_path / "gone.csv", tmp_path / "sub" / "b.csv"]
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "sub" / "b.csv").read_bytes() == CSV
    assert not (tmp_path / "gone.csv").exists()
    assert mirror.follow() == []


def test_what_is_changed_by_hand_in_a_copy_is_undone(documents: Documents, tmp_path: Path) -> None:
    documents.put("a.csv", CSV, "", BY)
    mirror = Mirror(documents, tmp_path)
    mirror.follow()
    (tmp_path / "a.csv").write_bytes(b"by hand")
    assert mirror.follow() == [tmp_path / "a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == CSV
    (tmp_path / "a.csv").unlink()
    mirror.refresh("a.csv")
    assert (tmp_path / "a.csv").read_bytes() == CSV


def test_an_empty_database_takes_nothing_away(documents: Documents, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    mirror = Mirror(documents, tmp_path)
    assert mirror.follow() == []
    assert (tmp_path / "a.csv").read_bytes() == CSV


def test_who_writes_what_has_changed_is_told_and_changes_nothing(
    documents: Documents, database: Database, tmp_path: Path
) -> None:
    documents.put("a.csv", CSV, "", BY)
    first, second = (knowledge(database, tmp_path / name) for name in "xy")
    for each in (first, second):
        each.follow()
    path = tmp_path / "x" / "knowledge" / "a.csv"
    read = read_records(path)
    newer = CSV + b"Wi-Fi?,Sample-Office\n"
    other = tmp_path / "y" / "knowledge" / "a.csv"
    replace_csv(other, newer, digest(CSV), second.stores.writer("edit", "U2"), 2)
    with pytest.raises(StaleFileError) as stale:
        add(read, JAPANESE, NOW, first.stores.writer("edit", "U1"))
    assert [record.question for record in stale.value.difference.added] == ["Wi-Fi?"]
    assert first.follow() == [path]
    with pytest.raises(ChangedFileError):
        replace_csv(path, CSV, digest(CSV), first.stores.writer("upload", "U1"), 1)
    assert documents.content("a.csv", digest(newer)) == newer
    source = Source("a", path)
    assert [each.by for each in first.stores.versions.of(source)] == ["U2", "U1"]
    assert first.stores.versions.read(source, first.stores.versions.of(source)[1]) == CSV


@pytest.mark.long("kills a process again and again")
def test_a_replica_killed_while_it_writes_leaves_everything_whole(
    documents: Documents, postgresql: str, tmp_path: Path
) -> None:
    documents.put("a.csv", CSV, "", BY)
    for attempt in range(8):
        child = Python[str]("-c", WRITING, postgresql, str(tmp_path), stdout=subprocess.PIPE, text=True)
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        assert child.stdout.readline() == "0\n"
        time.sleep(0.013 * attempt)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        stored = known(documents)
        newest = documents.versions("a.csv")[0]
        assert stored.digest == newest.digest
        data = documents.content("a.csv", stored.digest)
        assert data
        begun = time.monotonic()
        documents.put("a.csv", data + b"x?,y\n", stored.digest, BY)
        assert time.monotonic() - begun < 2, "what the dead process had locked is free"
        mirror = Mirror(documents, tmp_path / "knowledge")
        mirror.follow()
        assert (tmp_path / "knowledge" / "a.csv").read_bytes() == data + b"x?,y\n"


# Uploads that wait


def test_an_upload_waits_for_whichever_replica(database: Database, postgresql: str) -> None:
    upload = SharedPending(database).keep(CSV, "a.csv", "U1", "C1", "it-help", is_certain=True)
    other_database = open_database(postgresql)
    other = SharedPending(other_database)
    assert other.get(upload.id) == upload
    assert other.data(upload) == CSV
    chosen = other.choose_columns(other.choose(upload, "dev-faq"), {"question": "Frage"})
    assert SharedPending(database).get(upload.id) == chosen
    with other.decided(chosen) as mine:
        assert mine
    with SharedPending(database).decided(chosen) as mine:
        assert not mine
    assert other.get(upload.id) is None
    with pytest.raises(PendingError):
        other.data(upload)
    with pytest.raises(PendingError):
        other.choose(upload, "it-help")
    other_database.close()


def test_one_of_many_decides_and_a_decision_that_fails_leaves_it_waiting(database: Database) -> None:
    pending = SharedPending(database)
    upload = pending.keep(CSV, "a.csv", "U1", "C1", "it-help", is_certain=True)
    with pytest.raises(ZeroDivisionError), pending.decided(upload):
        raise ZeroDivisionError
    assert pending.get(upload.id) == upload
    barrier = threading.Barrier(5)

    def decide(_: int) -> bool:
        barrier.wait(60)
        with pending.decided(upload) as mine:
            return mine

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(decide, range(5))).count(True) == 1


def test_an_upload_nobody_decides_about_goes_after_a_day(database: Database) -> None:
    upload = SharedPending(database, lambda: 0.0).keep(CSV, "a.csv", "U1", "C1", "", is_certain=False)
    assert SharedPending(database, lambda: 86_399.0).get(upload.id) == upload
    assert SharedPending(database, lambda: 86_401.0).get(upload.id) is None


# Vectors


def encoder_of(model: HashingModel) -> EncoderWorker:
    return EncoderWorker(model.name, lambda: model)


@pytest.fixture
def encoder() -> Iterator[EncoderWorker]:
    worker = encoder_of(HashingModel())
    yield worker
    worker.close()


TEXTS = [f"text {number}" for number in range(1500)]
KEYS = [passage_key(each) for each in TEXTS]


def pushed(vectors: VectorChunks, encoder: EncoderWorker, texts: list[str], by: int = CHUNK) -> None:
    for at in range(0, len(texts), by):
        some = texts[at : at + by]
        vectors.push("it-help", encoder, [passage_key(each) for each in some], encoder.encode_documents(some))


def test_only_what_is_lacking_is_fetched_and_it_is_what_was_encoded(database: Database, encoder: EncoderWorker) -> None:
    pushed(VectorChunks(database), encoder, TEXTS)
    wanted = KEYS[3:900:7]
    found = dict[bytes, np.ndarray]()
    for keys, vectors in VectorChunks(database).fetch("it-help", encoder, wanted):
        found |= dict(zip(keys, vectors, strict=True))
    assert found.keys() == set(wanted)
    expected = encoder.encode_documents(TEXTS[3:900:7])
    assert all((found[key] == vector).all() for key, vector in zip(wanted, expected, strict=True))
    assert list(VectorChunks(database).fetch("dev-faq", encoder, wanted)) == []


def test_those_of_another_model_are_not_mixed_in(database: Database, encoder: EncoderWorker) -> None:
    pushed(VectorChunks(database), encoder, TEXTS[:5])
    other = encoder_of(HashingModel(revision="2"))
    assert list(VectorChunks(database).fetch("it-help", other, KEYS[:5])) == []
    other.close()


def test_a_damaged_chunk_is_left_out(database: Database, encoder: EncoderWorker, postgresql: str) -> None:
    pushed(VectorChunks(database), encoder, TEXTS)
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        damage = "UPDATE vector_chunks SET vectors = set_byte(vectors, 7, 1 + get_byte(vectors, 7) % 255)"
        connection.execute(text(f"{damage} WHERE id = (SELECT min(id) FROM vector_chunks)"))
    engine.dispose()
    keys = {key for some, _ in VectorChunks(database).fetch("it-help", encoder, KEYS) for key in some}
    assert keys == set(KEYS[CHUNK:])


def test_vectors_that_are_scattered_or_of_no_text_any_more_are_tidied(
    database: Database, encoder: EncoderWorker, postgresql: str
) -> None:
    vectors, kept, scale = VectorChunks(database), TEXTS[: SCATTERED + 20], Scale(0.1, 0.9, 84)
    pushed(vectors, encoder, kept, by=1)
    vectors.settle("it-help", encoder, KEYS[: len(kept)], scale)
    assert counted(postgresql) == (1, len(kept))
    pushed(vectors, encoder, TEXTS)
    vectors.settle("it-help", encoder, KEYS[:10], scale)
    assert counted(postgresql) == (1, 10)
    assert {key for some, _ in vectors.fetch("it-help", encoder, KEYS) for key in some} == set(KEYS[:10])
    assert VectorChunks(database).scale("it-help", encoder) == scale


def test_those_of_no_knowledge_base_and_of_unused_models_go(
    database: Database, encoder: EncoderWorker, postgresql: str
) -> None:
    vectors = VectorChunks(database)
    pushed(vectors, encoder, TEXTS[:5])
    vectors.purge(["it-help"], None, time.time() - 60)
    assert counted(postgresql) == (1, 5)
    vectors.purge(["it-help"], encoder, time.time() + 60)
    assert counted(postgresql) == (0, 0)


def test_those_of_a_model_stay_however_long_a_process_uses_it(
    database: Database, encoder: EncoderWorker, postgresql: str
) -> None:
    vectors, month = VectorChunks(database), 30 * 24 * 3600.0
    pushed(vectors, encoder, TEXTS[:5])
    database.write("let time pass", update(encoders).values(at=time.time() - month - 60))
    vectors.purge(["it-help"], encoder, time.time() - month)
    assert counted(postgresql) == (1, 5)


def counted(url: str) -> tuple[int, int]:
    engine = create_engine(url)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT count(*), coalesce(sum(length(texts)), 0) / 16 FROM vector_chunks")).one()
    engine.dispose()
    return int(row[0]), int(row[1])


def test_one_process_encodes_at_a_time_and_one_that_dies_gives_its_turn_up(database: Database, postgresql: str) -> None:
    holding = f"""
import time
from handlers.knowledge.store.vectors import VectorChunks
from handlers.schema import open_database
with VectorChunks(open_database({postgresql!r})).turn("it-help", lambda: None):
    print("mine", flush=True)
    time.sleep(600)
"""
    child = Python[str]("-c", holding, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "mine\n"
    waited = 0

    def wait() -> None:
        nonlocal waited
        waited += 1
        child.kill()
        child.wait()

    with VectorChunks(database).turn("it-help", wait):
        assert waited == 1
    child.stdout.close()


def test_whoever_waits_for_a_turn_can_be_stopped(database: Database) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    first, second = VectorChunks(database), VectorChunks(database)
    with first.turn("it-help", stop), pytest.raises(KeyboardInterrupt), second.turn("it-help", stop):
        pytest.fail("it was another's turn")
