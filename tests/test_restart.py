"""A restart opens what the last process has stored: the same answers, nothing parsed, nothing damaged in use."""

import json
import os
import shutil
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.builder import Builder
from indexes.encoder import EncoderWorker
from indexes.errors import SnapshotError
from indexes.loaded import LoadedKnowledgeBase
from indexes.maintenance import Maintenance
from indexes.records import Record, Source
from indexes.records.stored import StoredRecords, categories, record_arrays
from indexes.registry import Answer, Registry
from indexes.retrieval.index import Index, Question
from indexes.retrieval.learned_aliases import LearnedAlias, RecordFinder
from indexes.retrieval.synonyms import Synonyms
from indexes.storage.blocks import BLOCK, Blocks, verify, write_blocks
from indexes.storage.index_store import snapshot_folder
from indexes.storage.sections import content_of, directory_of, map_sections
from indexes.storage.snapshot import SnapshotFolder, Words, passage_key
from indexes.storage.stored_index import sections_of
from indexes.text import normalize
from tests.benchmarks.corpus import questions, rows, write_csv
from tests.encoders import CountingModel
from tests.former import FIXTURES
from tests.snapshots import flip, manifest_of, snapshot_of

CSV = """\
id,question,answer,category,aliases,place
vpn,How do I connect to the VPN?,Open the VPN client.,network,VPN access|つながらない,
wifi,社内Wi-Fiのパスワードは？,掲示板にあります。,network,,3階の廊下
print,Where is the printer?,Downstairs.,,,cellar
"""
ASKED = ("how do i connect to the vpn", "Wi-Fi パスワード", "プリンターはどこ", "cellar", "lunch", "", "つながらない")


@dataclass
class World:
    """One CSV, its synonyms, and processes that come and go."""

    folder: Path
    model: CountingModel
    encoder: EncoderWorker
    aliases: Sequence[LearnedAlias] = ()
    columns: Mapping[str, str] | None = None

    @property
    def csv(self) -> Path:
        return self.folder / "it-help.csv"

    @property
    def source(self) -> Source:
        return Source("it-help", self.csv, columns=self.columns or {})

    @property
    def builder(self) -> Builder:
        return Builder(self.folder / "data")

    def start(self, *, model: bool = True) -> LoadedKnowledgeBase:
        """Start and end a process; return what it had loaded."""
        return self.registry(model=model).loaded["it-help"]

    def registry(self, *, model: bool = True) -> Registry:
        registry = Registry(lambda: [self.source], self.folder / "_synonyms.csv")
        maintenance = Maintenance(registry, self.folder / "data")
        maintenance.apply_aliases({"it-help": self.aliases}).result(60)
        maintenance.load().result(60)
        self.model.encoded.clear()
        if model:
            maintenance.use_encoder(self.encoder).result(60)
        maintenance.close()
        return registry

    def generation(self) -> Path:
        """The current generation."""
        folder = snapshot_folder(self.folder / "data", self.source)
        return folder / (folder / "CURRENT").read_text()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    model = CountingModel()
    encoder = EncoderWorker(model.name, lambda: model)
    world = World(tmp_path, model, encoder)
    world.csv.write_text(CSV, "utf-8")
    yield world
    encoder.close()


def told(registry: Registry, asked: Sequence[str] = ASKED) -> list[Answer]:
    return [replace(registry.search(text, ["it-help"]), seconds=0.0) for text in asked]


def same(one: Answer, other: Answer) -> bool:
    """Whether two answers are the same to 1e-12."""
    pairs = list(zip(one.hits, other.hits, strict=True))
    numbers = [
        (getattr(hit, name) or 0.0, getattr(its, name) or 0.0)
        for hit, its in pairs
        for name in ("score", "dense", "lexical", "coverage", "confidence")
    ]
    return all(hit.record == its.record for hit, its in pairs) and bool(
        np.allclose([a for a, _ in numbers], [b for _, b in numbers], rtol=0, atol=1e-12)
    )


# The same answers


texts = st.text(st.sampled_from('abc XYZ 12あいガぎ漢字銀行VPNﾊﾟ?。\n"\\,é\U0001f600\ud800'), max_size=30)
records = st.lists(
    st.builds(
        Record,
        id=st.just(""),
        question=texts,
        answer=texts,
        category=texts,
        url=texts,
        keywords=st.lists(texts, max_size=2).map(tuple),
        aliases=st.lists(texts, max_size=2).map(tuple),
        updated=texts,
        owner=texts,
        details=st.dictionaries(texts, texts, max_size=2),
        line=st.integers(1, 2**30),
        guessed=st.booleans(),
    ),
    min_size=1,
    max_size=12,
).map(lambda found: tuple(replace(record, id=f"{row}") for row, record in enumerate(found)))


@given(records=records, asked=texts, targets=st.lists(st.tuples(texts, texts), max_size=2))
@settings(deadline=None)
@pytest.mark.long("indexes many rows")
def test_a_mapped_index_scores_as_one_freshly_built(
    tmp_path_factory: pytest.TempPathFactory,
    records: tuple[Record, ...],
    asked: str,
    targets: list[tuple[str, str]],
) -> None:
    path = tmp_path_factory.mktemp("mapped") / "words.bin"
    synonyms = Synonyms(targets)
    fresh = Index("it", records, synonyms)
    sections = fresh.arrays()
    write_blocks(path, content_of(sections))
    mapped = Index.of_arrays("it", records, synonyms, map_sections(path, directory_of(sections)))
    for text in {asked, *(record.question for record in records), *(record.answer for record in records)}:
        question = Question(text, synonyms.apply(normalize(text)))
        assert mapped.search(question, 5) == fresh.search(question, 5)
        assert mapped.search_details(question, 5) == fresh.search_details(question, 5)


@given(records=records)
def test_records_are_read_as_they_were_stored(records: tuple[Record, ...]) -> None:
    stored = StoredRecords(record_arrays(records))
    assert tuple(stored) == records
    assert (len(stored), stored[-1], stored[1:3]) == (len(records), records[-1], records[1:3])
    assert list(categories(stored).items()) == list(categories(records).items())
    assert [stored.row_of(record.id) for record in records] == list(range(len(records)))
    assert stored.row_of("none") is None
    with pytest.raises(IndexError):
        stored[len(records)]


def test_two_ids_with_one_checksum_are_two_records() -> None:
    stored = StoredRecords(record_arrays([Record("plumless", "a", "b"), Record("buckeroo", "c", "d")]))
    assert (stored.row_of("buckeroo"), stored.row_of("plumless")) == (1, 0)


def test_a_restart_answers_the_same_with_the_same_confidence(world: World) -> None:
    lines = list(rows(400))
    write_csv(world.csv, lines)
    asked = [question for question, _ in questions(lines, 20)]
    first, second = world.registry(), world.registry()
    assert world.model.encoded == []
    assert isinstance(second.loaded["it-help"].knowledge_base.records, StoredRecords)
    assert all(map(same, told(first, asked), told(second, asked)))
    words = world.registry(model=False).loaded["it-help"].index
    fresh = Index("it-help", tuple(first.loaded["it-help"].index.records), Synonyms())
    for text in asked:
        question = Question(text, normalize(text))
        assert words.search(question) == fresh.search(question)


# What is read


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/io counts what a process reads")
def test_a_start_reads_the_manifest_and_the_words_and_keeps_nothing(world: World) -> None:
    write_csv(world.csv, list(rows(3000)))
    settle(world.csv)
    world.start()
    world.start(model=False)
    generation, before = world.generation(), read_so_far()
    tracemalloc.start()
    loaded, _ = world.builder.open(world.source, Synonyms())
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sizes = {name: (generation / name).stat().st_size for name in ("manifest.json", "words.bin")}
    assert world.csv.stat().st_size > 500_000
    assert read_so_far() - before < sum(sizes.values()) + 100_000
    assert kept < 500_000
    assert len(loaded.index) == 3000


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/fd lists open files")
def test_fifty_knowledge_bases_keep_few_files_open(world: World, tmp_path: Path) -> None:
    sources = [Source(f"kb-{number}", tmp_path / f"kb-{number}.csv") for number in range(50)]
    for source in sources:
        source.path.write_text(CSV, "utf-8")
        world.builder.load(source, Synonyms())
    before = len(list(Path("/proc/self/fd").iterdir()))
    loaded = [world.builder.open(source, Synonyms()) for source in sources]
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= len(loaded)


def read_so_far() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar:")).split()[1])


def settle(path: Path) -> None:
    """Wait until a later change to the file can't fall on the same tick of any clock."""
    while time.time() - path.stat().st_ctime < 2.1:
        time.sleep(0.05)


# What has changed


def test_a_changed_csv_is_noticed_though_its_size_and_time_are_the_same(world: World) -> None:
    settle(world.csv)
    world.start()
    world.start()
    status = world.csv.stat()
    world.csv.write_text(CSV.replace("Downstairs", "Upstairs--"), "utf-8")
    os.utime(world.csv, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert world.csv.stat().st_size == status.st_size
    [hit] = world.registry().search("Where is the printer?", ["it-help"], 1).hits
    assert hit.record.answer == "Upstairs--."


def test_a_csv_that_was_only_touched_is_not_parsed(world: World) -> None:
    world.start()
    generation = world.generation()
    os.utime(world.csv, (1, 1))
    loaded = world.start()
    assert isinstance(loaded.knowledge_base.records, StoredRecords)
    assert not loaded.file_changed
    assert world.generation() == generation


def added_synonym(world: World) -> None:
    (world.folder / "_synonyms.csv").write_text("original,normalized\nsauna,printer\n")


def learned_alias(world: World) -> None:
    world.aliases = [LearnedAlias("print", "Where is the printer?", "is there a sauna")]


def other_columns(world: World) -> None:
    world.columns = {"answer": "place"}


@pytest.mark.parametrize(
    ("change", "asked", "answer"),
    [
        (added_synonym, "Where is the sauna?", "Downstairs."),
        (learned_alias, "is there a sauna", "Downstairs."),
        (other_columns, "Where is the printer?", "cellar"),
    ],
)
@pytest.mark.parametrize("model", [True, False])
def test_what_the_words_are_made_of_is_noticed(
    world: World, change: Callable[[World], None], asked: str, answer: str, *, model: bool
) -> None:
    before = told(world.registry(model=model))
    change(world)
    for _ in range(2):
        registry = world.registry(model=model)
        [hit] = registry.search(asked, ["it-help"], 1).hits
        assert (hit.record.answer, hit.evidence.verbatim) == (answer, True)
        assert registry.loaded["it-help"].is_stored
    (world.folder / "_synonyms.csv").unlink(missing_ok=True)
    world.aliases, world.columns = (), None
    assert all(map(same, told(world.registry(model=model)), before))


def test_learned_aliases_are_not_in_the_records_of_the_file(world: World) -> None:
    learned_alias(world)
    world.start()
    loaded = world.start()
    assert [record.aliases for record in loaded.knowledge_base.records][2] == ()
    assert [record.aliases for record in loaded.index.records][2] == ("is there a sauna",)
    assert loaded.record("print") == loaded.knowledge_base.records[2]


@given(
    asked=st.sampled_from(["Where is the printer？", "where is the printer", "What?", "VPN access", "", "つながらない"])
)
@settings(deadline=None)
def test_the_record_of_a_learned_alias_is_found_without_reading_all(
    tmp_path_factory: pytest.TempPathFactory, asked: str
) -> None:
    folder = tmp_path_factory.mktemp("aliases")
    path = folder / "it-help.csv"
    path.write_text(CSV + "twice,What?,one,,,\nagain,what,two,,,\n", "utf-8")
    loaded = Builder(folder / "data").load(Source("it-help", path), Synonyms()).loaded
    alias = LearnedAlias("gone", asked, "x")
    assert loaded.aliased_record(alias) == RecordFinder(tuple(loaded.knowledge_base.records)).find(alias)


# Earlier versions


@pytest.mark.parametrize("version", ["56935cf", "dcd0408"])
def test_a_snapshot_of_an_earlier_version_answers_and_is_stored_anew(world: World, version: str) -> None:
    """The dimension is the one that the fixture was made with."""
    shutil.copy(FIXTURES / version / "knowledge" / "it-help.csv", world.csv)
    [former] = (FIXTURES / version / "data" / "snapshots").glob("it-help-*")
    folder = snapshot_folder(world.folder / "data", world.source)
    shutil.copytree(former, folder)
    stamp, stored = manifest_of(world.generation())["encoder"], (world.generation() / "keys.bin").read_bytes()
    model = CountingModel(stamp["name"], stamp["revision"], stamp["dimension"])
    worker = EncoderWorker(model.name, lambda: model)
    old = replace(world, model=model, encoder=worker)
    old_name = world.generation().name
    registry = old.registry()
    hits = told(registry)
    assert [text for text in model.encoded if passage_key(text) in stored] == []
    assert registry.loaded["it-help"].index.dense is not None
    assert old.generation().name > old_name
    assert {"words.bin", "owners.i32"} <= {each.name for each in old.generation().iterdir()}
    newest = old.generation()
    again = old.registry()
    assert (model.encoded, old.generation()) == ([], newest)
    assert all(map(same, told(again), hits))
    worker.close()


@pytest.mark.parametrize("layout", [None, 1, 99])
def test_what_an_earlier_version_took_keeps_answering_where_this_one_refuses_it(
    world: World, layout: int | None
) -> None:
    loaded = world.start()
    stored = snapshot_of(loaded.snapshot)
    sections = sections_of(loaded.knowledge_base, loaded.index, loaded.learned)
    about = json.loads(sections["about"].tobytes())
    about.pop("layout") if layout is None else about.update(layout=layout)
    words = Words("of other code", {**sections, "about": np.frombuffer(json.dumps(about).encode(), np.uint8)})
    refused = b'[{"question": "Where is the printer?", "answer": "Downstairs."}]'
    SnapshotFolder(stored.folder.parent).save(refused, words, stored.stored_vectors())
    world.csv.write_bytes(refused)
    for _ in range(2):
        registry = world.registry()
        assert "JSON" in str(registry.failures["it-help"] if layout == 99 else registry.loaded["it-help"].trouble)
        if layout != 99:
            assert registry.search("Where is the printer?", ["it-help"]).hits[0].record.answer == "Downstairs."
            assert registry.loaded["it-help"].index.dense
        assert world.model.encoded == []


# Damage


def every_file(generation: Path) -> list[Path]:
    return sorted(each for each in generation.iterdir() if each.stat().st_size)


@pytest.mark.long("damages every file")
def test_no_file_with_a_flipped_bit_is_served(world: World, tmp_path: Path) -> None:
    """Whichever bit of whichever file: the answers are as before, from an older snapshot or the CSV."""
    world.start()
    world.csv.write_text(CSV + "tea,Is there tea?,Yes.,,,\n", "utf-8")
    world.start()
    world.start()
    expected, kept = told(world.registry()), tmp_path / "kept"
    shutil.copytree(tmp_path / "data", kept)
    newest = world.generation()
    names = [each.name for each in every_file(newest)]
    assert set(names) >= {"manifest.json", "words.bin", "vectors.faiss", "keys.bin", "mean.f32", "owners.i32"}
    choose = np.random.default_rng(3)
    for name in names:
        for bit in choose.integers(0, (newest / name).stat().st_size * 8, 6).tolist():
            flip(newest / name, bit)
            registry = world.registry()
            assert all(map(same, told(registry), expected)), (name, bit)
            used = snapshot_of(registry.loaded["it-help"].snapshot)
            assert used.folder != newest, (name, bit)
            used.verify(used.checksums)
            shutil.rmtree(tmp_path / "data")
            shutil.copytree(kept, tmp_path / "data")


def test_damaged_words_cost_no_vectors(world: World) -> None:
    world.start()
    flip(world.generation() / "words.bin", 12345)
    world.start()
    assert world.model.encoded == []


@pytest.mark.parametrize("name", ["words.bin", "source.csv"])
def test_without_the_csv_a_damaged_snapshot_gives_way_to_an_older_one(world: World, name: str) -> None:
    world.start()
    world.csv.write_text(CSV + "tea,Is there tea?,Yes.,,,\n", "utf-8")
    world.start()
    flip(world.generation() / name, 99)
    world.csv.unlink()
    [hit, *_] = world.registry().search("Where is the printer?", ["it-help"]).hits
    assert hit.record.answer == "Downstairs."


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 20 * BLOCK + 5])
def test_every_block_is_verified(tmp_path: Path, size: int) -> None:
    data = np.random.default_rng(size).bytes(size)
    path = tmp_path / "file"
    blocks = write_blocks(path, lambda put: [put(data[at : at + 999_983]) for at in range(0, size, 999_983)])
    assert Blocks.from_data(blocks.as_data()) == blocks
    verify(tmp_path, {"file": blocks})
    places = sorted({at for at in (*range(0, size, BLOCK), size - 1) if at >= 0})
    for at in places:
        flip(path, at * 8 + 3)
        with pytest.raises(SnapshotError, match="file does not match its checksum"):
            verify(tmp_path, {"file": blocks})
        flip(path, at * 8 + 3)
    for other in (data + b"\0", data[:-1]):
        path.write_bytes(other)
        if other != data:
            with pytest.raises(SnapshotError):
                verify(tmp_path, {"file": blocks})


def test_arrays_of_any_kind_lie_in_one_file(tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "none": np.zeros(0, np.float64),
        "odd": np.arange(7, dtype=np.uint8),
        "big-endian": np.arange(3, dtype=">i4"),
        "numbers": np.linspace(0, 1, 1000),
    }
    write_blocks(tmp_path / "file", content_of(arrays))
    found = map_sections(tmp_path / "file", directory_of(arrays))
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert not found[name].flags.writeable or not len(array)
