"""The knowledge bases that answer: loading, reloading, and never answering wrongly meanwhile."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from indexes.encoder import Model, ModelManager
from indexes.errors import EncodingError
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from indexes.reload_report import ReloadReport
from indexes.storage.stores import OwnVectors, Stores
from tests.encoders import HashingModel

HEADER = "id,question,answer\n"
VPN = "vpn,How do I connect to the VPN?,Open the VPN client.\n"
WIFI = "wifi,Where is the Wi-Fi password?,On the notice board.\n"
PRINTER = "printer,The printer is jammed,Open the rear cover.\n"


class CountingModel(HashingModel):
    """Remembers which documents it was given, and can be told to fail or to wait."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.documents: list[str] = []
        self.refused = ""
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        self.entered.set()
        assert self.gate.wait(60)
        if self.refused and any(self.refused in text for text in texts):
            raise EncodingError("model.failed", kind=self.refused)
        self.documents += texts
        return super().encode_documents(texts)


class World:
    """A folder of CSVs, the model, and registries over them that come and go as processes do."""

    def __init__(self, root: Path) -> None:
        self.knowledge = root / "knowledge"
        self.knowledge.mkdir()
        self.data = root / "data"
        self.models: list[CountingModel] = []
        self.manager = ModelManager(self._load)
        self._open: list[Maintenance] = []

    def _load(self, name: str, _: str | None) -> Model:
        self.models.append(CountingModel(name))
        return self.models[-1]

    @property
    def model(self) -> CountingModel:
        return self.models[-1]

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.knowledge / f"{name}.csv"
        path.write_text(text, encoding=encoding)
        return path

    def sources(self) -> list[Source]:
        return [Source(path.stem, path) for path in sorted(self.knowledge.glob("[!_]*.csv"))]

    def registry(self, model: str | None = "hashing", data: Path | None = None) -> Registry:
        registry = Registry(self.sources, self.knowledge / "_synonyms.csv")
        self._open.append(Maintenance(registry, data or self.data))
        self.maintenance.load().result(60)
        if model:
            encoder = self.manager.get(model)
            self.model.documents.clear()
            self.maintenance.use_encoder(encoder).result(60)
        return registry

    @property
    def maintenance(self) -> Maintenance:
        """The newest registry's."""
        return self._open[-1]

    def encoded(self) -> set[str]:
        """What was encoded since the last time."""
        done = set(self.model.documents)
        self.model.documents.clear()
        return done

    def close(self) -> None:
        for maintenance in self._open:
            maintenance.close()
        self.manager.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for model in world.models:
        model.gate.set()
    world.close()


def reload(world: World, name: str) -> ReloadReport:
    return world.maintenance.reload(name).result(60)


def best(registry: Registry, question: str, *names: str) -> str:
    return registry.search(question, names or registry.sources()).hits[0].record.answer


def counts(report: ReloadReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.removed, report.records


# Reloading


def test_a_reload_counts_what_was_added_changed_and_removed(world: World) -> None:
    world.write("it", HEADER + VPN + WIFI)
    registry = world.registry()
    world.write("it", HEADER + VPN.replace("Open", "Start") + PRINTER + "lift,Is there a lift?,Yes.\n")
    report = reload(world, "it")
    assert counts(report) == (2, 1, 1, 3)
    assert report.error is None
    assert best(registry, "How do I connect to the VPN?") == "Start the VPN client."
    assert best(registry, "The printer is jammed") == "Open the rear cover."
    assert registry.record("it", "wifi") is None


def test_nothing_changed_is_reported_as_nothing_changed(world: World) -> None:
    world.write("it", HEADER + VPN + WIFI)
    world.registry()
    world.encoded()
    report = reload(world, "it")
    assert counts(report) == (0, 0, 0, 2)
    assert (report.encoded, report.reused) == (0, 4)
    assert world.encoded() == set()


def test_rows_that_were_left_out_are_named_by_line(world: World) -> None:
    world.write("it", HEADER + VPN)
    world.registry()
    world.write("it", HEADER + '"a",,\n' + VPN + 'multi,"two\nlines",Yes.\n' + "vpn,Again,Again.\n")
    report = reload(world, "it")
    assert [(problem.line, str(problem.message), problem.skipped) for problem in report.problems] == [
        (2, "question and answer are both blank", True),
        (6, 'id "vpn" is taken by line 3; give the row its own', True),
    ]
    assert counts(report) == (1, 0, 0, 2)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"", "it.csv: the file is empty"),
        (b"question,answer\n", "it.csv: only a header"),
        (b"PK\x03\x04 not a csv", "it.csv"),
        (b"x,y\n1,2\n", "it.csv"),
        (b"question,answer\n\xff\xff\x81,x\n", "it.csv"),
    ],
    ids=["empty", "header only", "xlsx", "no known column", "undecodable"],
)
def test_a_bad_file_changes_nothing_and_says_why(world: World, bad: bytes, reason: str) -> None:
    path = world.write("it", HEADER + VPN)
    registry = world.registry()
    before = registry.loaded["it"].index
    path.write_bytes(bad)
    report = reload(world, "it")
    assert str(report.error).startswith(reason)
    assert registry.loaded["it"].index is before
    assert registry.loaded["it"].trouble == report.error
    assert best(registry, "How do I connect to the VPN?") == "Open the VPN client."


def test_a_mended_file_clears_the_trouble(world: World) -> None:
    path = world.write("it", HEADER + VPN)
    registry = world.registry()
    path.write_bytes(b"")
    assert reload(world, "it").error
    world.write("it", HEADER + WIFI)
    assert counts(reload(world, "it")) == (1, 0, 1, 1)
    assert registry.loaded["it"].trouble is None
    assert not registry.loaded["it"].file_changed


def test_a_new_file_is_found_and_a_deleted_one_keeps_answering(world: World) -> None:
    path = world.write("it", HEADER + VPN)
    registry = world.registry()
    world.write("new", HEADER + PRINTER)
    assert registry.sources() == ("it", "new")
    assert counts(reload(world, "new")) == (1, 0, 0, 1)
    path.unlink()
    assert registry.sources() == ("new", "it")
    report = reload(world, "it")
    assert str(report.error).startswith("it.csv: ")
    assert best(registry, "How do I connect to the VPN?") == "Open the VPN client."


def test_an_unknown_name_is_an_error_and_leaves_no_trace(world: World) -> None:
    world.write("it", HEADER + VPN)
    registry = world.registry()
    report = reload(world, "tax")
    assert str(report.error) == "No knowledge base is called 'tax'; there are: it"
    assert registry.failures == {}
    assert registry.sources() == ("it",)


def test_a_file_that_failed_at_the_start_and_then_went_away_is_no_longer_a_failure(world: World) -> None:
    world.write("it", HEADER + VPN)
    bad = world.write("bad", "")
    registry = world.registry()
    assert list(registry.failures) == ["bad"]
    assert str(registry.failures["bad"]).startswith("bad.csv: the file is empty")
    bad.unlink()
    reload(world, "it")
    assert registry.failures == {}


def test_an_unexpected_error_is_a_report_too(world: World) -> None:
    world.write("it", HEADER + VPN)
    registry = world.registry()
    world.model.refused = "e"
    world.write("it", HEADER + PRINTER)
    report = reload(world, "it")
    assert str(report.error) == "The model can encode none of the texts; the log says why"
    assert [record.id for record in registry.loaded["it"].index.records] == ["vpn"]
    assert registry.search("VPN", ["it"]).hits[0].record.id == "vpn"


def test_a_text_that_the_model_can_not_encode_is_found_by_words_and_harms_no_other(world: World) -> None:
    world.write("it", HEADER + VPN)
    registry = world.registry()
    world.model.refused = "jammed"
    world.write("it", HEADER + VPN + PRINTER + WIFI)
    report = reload(world, "it")
    assert (report.error, report.added, report.encoded, report.reused) == (None, 2, 2, 2)
    [said] = map(str, report.warnings)
    assert said.startswith("it.csv:3: texts that the model can't encode: 2, the first of them here.")
    for asked, found in (("connect to VPN", "vpn"), ("The printer is jammed!", "printer"), ("Wi-Fi password", "wifi")):
        answer = registry.search(asked, ["it"])
        assert (answer.encoder, answer.hits[0].record.id) == ("hashing", found)
    world.model.documents.clear()
    world.model.refused = ""
    world.registry()  # a start encodes nothing
    assert world.model.documents == []
    assert reload(world, "it").warnings == ()
    assert sorted(world.model.documents) == ["the printer is jammed", "the printer is jammed open the rear cover."]


# Coalescing and concurrency


def test_requests_made_before_a_reload_begins_share_it(world: World) -> None:
    world.write("it", HEADER + VPN)
    world.write("hr", HEADER + WIFI)
    world.registry()
    world.write("it", HEADER + VPN + PRINTER)
    world.model.gate.clear()
    world.model.entered.clear()
    running = world.maintenance.reload("it")
    assert world.model.entered.wait(60)
    waiting = [world.maintenance.reload("it") for _ in range(5)]
    other = world.maintenance.reload("hr")
    world.model.gate.set()
    assert running.result(60).added == 1
    assert {id(future) for future in waiting} == {id(waiting[0])}
    assert waiting[0].result(60).added == 0
    assert other.result(60).name == "hr"


@pytest.mark.long("searches while it reloads again and again")
def test_a_reload_under_fire_never_answers_wrongly(world: World) -> None:
    """Two versions of a file in turn; whatever is found must be whole: question and answer of one version."""

    def version(mark: str) -> str:
        rows = "".join(f"r{n},question number {n} about topic {n * 7},answer {n} {mark}\n" for n in range(40))
        return HEADER + rows

    world.write("it", version("old"))
    world.write("other", HEADER + PRINTER)
    registry = world.registry()
    stop = threading.Event()

    def fire(seed: int) -> int:
        done = 0
        while not stop.is_set():
            number = (seed + done) % 40
            answer = registry.search(f"question number {number} about topic {number * 7}", ["it", "other"])
            assert answer.hits[0].record.answer in {f"answer {number} old", f"answer {number} new"}
            assert answer.encoder == "hashing"
            assert len(answer.hits) == 3
            done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        shots = [pool.submit(fire, seed) for seed in range(0, 40, 10)]
        for turn in range(6):
            world.write("it", version("new" if turn % 2 == 0 else "old"))
            assert counts(reload(world, "it")) == (0, 40, 0, 40)
        stop.set()
        assert sum(shot.result(60) for shot in shots) > 20


TICKET = "ticket,Open a JIRA ticket,Use the board.\n"


def certainty(registry: Registry, name: str) -> float:
    return registry.search("Open a JIRA ticket", [name]).hits[0].score


def test_an_index_is_searched_with_the_synonyms_it_was_built_with(world: World) -> None:
    """Also while another knowledge base has newer ones already, or for as long as its own reload fails."""
    world.write("it", HEADER + TICKET)
    forms = HEADER + TICKET.replace("board", "form")
    world.write("hr", forms)
    registry = world.registry()
    before = certainty(registry, "hr")
    (world.knowledge / "_synonyms.csv").write_text("original,normalized\nJIRA,issue tracker\n", encoding="utf-8")
    world.write("hr", "")
    assert not reload(world, "it").error
    assert reload(world, "hr").error
    assert certainty(registry, "hr") == pytest.approx(before, abs=0.01)  # mixed, it is 0.4 less
    assert certainty(registry, "it") == pytest.approx(before, abs=0.01)  # mixed, it is 0.4 less
    world.write("hr", forms)
    assert not reload(world, "hr").error
    assert certainty(registry, "hr") == pytest.approx(before, abs=0.01)  # mixed, it is 0.4 less


@pytest.mark.long("searches while it reloads again and again")
def test_synonyms_and_the_index_built_with_them_are_swapped_as_one(world: World) -> None:
    world.write("it", HEADER + TICKET)
    registry = world.registry()
    before = certainty(registry, "it")
    synonyms = world.knowledge / "_synonyms.csv"
    stop = threading.Event()

    def fire() -> int:
        done = 0
        while not stop.is_set():
            state = registry._state
            assert state.synonyms.digest == state.loaded["it"].index.synonyms.digest
            assert certainty(registry, "it") == pytest.approx(before, abs=0.01)  # mixed, it is 0.4 less
            done += 1
        return done

    with ThreadPoolExecutor(3) as pool:
        shots = [pool.submit(fire) for _ in range(3)]
        for turn in range(8):
            target = "issue tracker" if turn % 2 == 0 else "tracking system"
            synonyms.write_text(f"original,normalized\nJIRA,{target}\n", encoding="utf-8")
            reload(world, "it")
        stop.set()
        assert sum(shot.result(60) for shot in shots) > 20


# What is encoded


def test_only_changed_texts_are_encoded(world: World) -> None:
    world.write("it", HEADER + VPN + WIFI)
    world.registry()
    assert world.encoded() == {
        "how do i connect to the vpn?",
        "how do i connect to the vpn? open the vpn client.",
        "where is the wi-fi password?",
        "where is the wi-fi password? on the notice board.",
    }
    world.write("it", HEADER + WIFI + VPN.replace("Open", "Start"))
    report = reload(world, "it")
    assert world.encoded() == {"how do i connect to the vpn? start the vpn client."}
    assert (report.encoded, report.reused) == (1, 3)


def test_vectors_are_shared_between_knowledge_bases(world: World) -> None:
    world.write("it", HEADER + VPN + WIFI)
    registry = world.registry()
    world.encoded()
    world.write("hr", HEADER + WIFI)
    report = reload(world, "hr")
    assert world.encoded() == set()
    assert (report.encoded, report.reused) == (0, 2)
    assert best(registry, "Where is the Wi-Fi password?", "hr") == "On the notice board."


def test_changed_synonyms_rewrite_every_knowledge_base(world: World) -> None:
    world.write("it", HEADER + VPN)
    world.write("hr", HEADER + "leave,有給休暇の申請方法,人事システムから申請します。\n")
    registry = world.registry()
    world.encoded()
    (world.knowledge / "_synonyms.csv").write_text("original,normalized\n有休,有給休暇\n休み,\n", encoding="utf-8")
    report = reload(world, "it")
    assert tuple(map(str, report.warnings)) == ("_synonyms.csv:3: original and normalized must both be filled in",)
    reload(world, "hr")
    assert registry.search("有休の申請方法", ["hr"]).question.normalized == "有給休暇の申請方法"
    digests = {loaded.index.synonyms.digest for loaded in registry.loaded.values()}
    assert digests == {registry.synonyms.digest}
    (world.knowledge / "_synonyms.csv").unlink()
    reload(world, "it")
    assert registry.search("有休の申請方法", ["hr"]).question.normalized == "有休の申請方法"


def test_unusable_synonyms_leave_those_in_use(world: World) -> None:
    synonyms = world.knowledge / "_synonyms.csv"
    synonyms.write_text("original,normalized\n有休,有給休暇\n", encoding="utf-8")
    world.write("it", HEADER + VPN)
    registry = world.registry()
    synonyms.write_text("foo,bar\n1,2\n", encoding="utf-8")
    [warning] = reload(world, "it").warnings
    assert str(warning).startswith("_synonyms.csv: ")
    assert len(registry.synonyms) == 1


# Restarts


def test_a_restart_encodes_nothing(world: World) -> None:
    world.write("it", HEADER + VPN + WIFI)
    world.registry()
    world.maintenance.close()
    registry = world.registry()
    assert world.encoded() == set()
    answer = registry.search("Where is the Wi-Fi password?", ["it"])
    assert answer.hits[0].record.id == "wifi"
    assert answer.hits[0].dense == pytest.approx(1.0, abs=1e-6)


def test_a_restart_with_a_bad_file_answers_from_the_snapshot(world: World, caplog: pytest.LogCaptureFixture) -> None:
    path = world.write("it", HEADER + VPN)
    world.registry()
    world.maintenance.close()
    path.write_bytes(b"\x00\x01")
    registry = world.registry()
    assert world.encoded() == set()
    answer = registry.search("How do I connect to the VPN?", ["it"])
    assert (answer.hits[0].record.answer, answer.encoder) == ("Open the VPN client.", "hashing")
    assert answer.hits[0].dense == pytest.approx(1.0, abs=1e-6)
    assert str(registry.loaded["it"].trouble).startswith("it.csv:1: not plain text")
    assert "keeps answering" in caplog.text
    assert registry.failures == {}


def test_a_first_start_with_a_bad_file_is_a_failure_of_that_file_only(world: World) -> None:
    world.write("bad", "")
    world.write("it", HEADER + VPN)
    registry = world.registry()
    assert list(registry.failures) == ["bad"]
    assert best(registry, "How do I connect to the VPN?") == "Open the VPN client."


def spoil_vectors(generation: Path) -> None:
    file = generation / "vectors.faiss"
    data = bytearray(file.read_bytes())
    data[-3] ^= 0xFF
    file.write_bytes(data)


def truncate_vectors(generation: Path) -> None:
    file = generation / "vectors.faiss"
    file.write_bytes(file.read_bytes()[:-100])


def other_normalizer(generation: Path) -> None:
    file = generation / "manifest.json"
    file.write_text(file.read_text().replace('"normalizer": "1"', '"normalizer": "0"'))


@pytest.mark.parametrize("spoil", [spoil_vectors, truncate_vectors, other_normalizer])
def test_a_spoilt_snapshot_is_rebuilt_and_logged(
    world: World, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    world.write("it", HEADER + VPN + WIFI)
    world.registry()
    world.maintenance.close()
    [pointer] = world.data.glob("snapshots/*/CURRENT")
    spoil(pointer.with_name(pointer.read_text()))
    with caplog.at_level(logging.WARNING):
        registry = world.registry()
    assert "it is left out and will be rebuilt" in caplog.text
    assert len(world.encoded()) == 4
    assert registry.search(WIFI.split(",")[1], ["it"]).hits[0].dense == pytest.approx(1.0, abs=1e-6)
    world.maintenance.close()
    world.registry()
    assert world.encoded() == set()


def test_another_model_encodes_anew(world: World) -> None:
    world.write("it", HEADER + VPN)
    world.registry()
    world.maintenance.close()
    registry = world.registry("another")
    assert len(world.encoded()) == 2
    assert registry.search("How do I connect to the VPN?", ["it"]).encoder == "another"
    assert registry.search("How do I connect to the VPN?", ["it"]).hits[0].dense == pytest.approx(1.0, abs=1e-6)


def test_a_changed_csv_encodes_only_what_changed_at_the_next_start(world: World) -> None:
    world.write("it", HEADER + VPN)
    world.registry()
    world.maintenance.close()
    world.write("it", HEADER + VPN + WIFI)
    world.registry()
    assert len(world.encoded()) == 2


def test_two_files_of_one_name_do_not_share_snapshots(world: World, tmp_path: Path) -> None:
    world.write("it", HEADER + VPN)
    world.registry()
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "it.csv").write_text(HEADER + WIFI)
    registry = Registry(lambda: [Source("it", other / "it.csv")])
    maintenance = Maintenance(registry, world.data)
    maintenance.load().result(60)
    assert best(registry, "VPN", "it") == "On the notice board."
    maintenance.close()


# The disk


def test_a_data_folder_that_can_not_be_written_leaves_everything_answering(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where DATA_DIR should be")
    world.write("it", HEADER + VPN)
    registry = world.registry(data=blocked)
    assert registry.search("How do I connect to the VPN?", ["it"]).hits[0].dense == pytest.approx(1.0, abs=1e-6)
    world.write("it", HEADER + WIFI)
    report = reload(world, "it")
    assert counts(report) == (1, 0, 1, 1)
    [warning] = report.warnings
    assert str(warning).startswith(f"it is in use but could not be kept in {blocked} (")
    assert "then reload" in str(warning)
    assert best(registry, "Where is the Wi-Fi password?") == "On the notice board."
    assert "could not be kept" in caplog.text
    assert blocked.read_text() == "a file where DATA_DIR should be"


def test_snapshots_deleted_while_running_are_made_again(world: World) -> None:
    world.write("it", HEADER + VPN)
    world.write("hr", HEADER + PRINTER)
    registry = world.registry()
    shutil.rmtree(world.data / "snapshots")
    assert best(registry, "How do I connect to the VPN?") == "Open the VPN client."
    world.write("it", HEADER + VPN + WIFI)
    report = reload(world, "it")
    assert report.error is None
    assert counts(report) == (1, 0, 0, 2)
    assert len(list((world.data / "snapshots").glob("it-*/CURRENT"))) == 1
    assert reload(world, "hr").error is None
    assert len(list((world.data / "snapshots").glob("hr-*/CURRENT"))) == 1


def test_snapshots_deleted_before_the_model_came_do_not_stop_it(world: World) -> None:
    world.write("it", HEADER + VPN)
    world.write("hr", HEADER + PRINTER)
    registry = world.registry(model=None)
    shutil.rmtree(world.data / "snapshots")
    world.maintenance.use_encoder(world.manager.get("hashing")).result(60)
    for name in ("it", "hr"):
        dense = registry.loaded[name].index.dense
        assert dense is not None
        assert len(dense) == 2


def test_one_knowledge_base_that_can_not_be_encoded_does_not_stop_the_others(world: World) -> None:
    world.write("a", HEADER + PRINTER)
    world.write("b", HEADER + VPN)
    registry = world.registry(model=None)
    encoder = world.manager.get("hashing")
    world.model.refused = "jammed"
    world.maintenance.use_encoder(encoder).result(60)
    assert str(registry.loaded["a"].trouble) == "The model can encode none of the texts; the log says why"
    assert registry.loaded["b"].index.dense is not None
    assert best(registry, "The printer is jammed", "a") == "Open the rear cover."


def test_whatever_hinders_the_vectors_of_one_knowledge_base_does_not_stop_the_others(world: World) -> None:
    class Failing(OwnVectors):
        def turn(self, name: str, wait: Callable[[], None]) -> AbstractContextManager[None]:
            if name == "a":
                raise MemoryError
            return super().turn(name, wait)

    world.write("a", HEADER + PRINTER)
    world.write("b", HEADER + VPN)
    registry = Registry(world.sources)
    maintenance = Maintenance(registry, world.data, replace(Stores.own(world.data), vectors=Failing()))
    maintenance.load().result(60)
    maintenance.use_encoder(world.manager.get("hashing")).result(60)
    assert str(registry.loaded["a"].trouble) == "a.csv: MemoryError; the log has more"
    assert registry.loaded["b"].index.dense is not None
    assert best(registry, "The printer is jammed", "a") == "Open the rear cover."
    maintenance.close()


# Ending


def test_closing_does_not_wait_for_thousands_of_rows_to_be_encoded(world: World) -> None:
    rows = "".join(f"r{number},question {number},answer {number}\n" for number in range(2000))
    world.write("it", HEADER + rows)
    registry = world.registry(model=None)
    encoder = world.manager.get("hashing")
    world.model.gate.clear()
    encoding = world.maintenance.use_encoder(encoder)
    threading.Timer(0.1, world.model.gate.set).start()
    started = time.monotonic()
    world.maintenance.close()
    assert time.monotonic() - started < 20
    assert encoding.done()
    assert len(world.model.documents) < 1000
    assert registry.search("question 7", ["it"]).hits[0].record.id == "r7"


def test_the_first_load_is_announced(world: World) -> None:
    world.write("it", HEADER + VPN)
    registry = Registry(world.sources)
    maintenance = Maintenance(registry, world.data)
    assert not registry.wait_ready(0)
    maintenance.load()
    assert registry.wait_ready(20)
    maintenance.close()


def test_a_name_that_is_not_loaded_is_passed_over(world: World) -> None:
    world.write("it", HEADER + VPN)
    registry = world.registry(model=None)
    answer = registry.search("VPN", ["tax", "it", "it"])
    assert [(hit.knowledge_base, hit.record.id) for hit in answer.hits] == [("it", "vpn")]
    assert registry.search("VPN", ["tax"]).hits == ()
    assert registry.search("VPN", ["tax"]).confidence == 0.0


def test_the_same_row_in_two_knowledge_bases_counts_once(world: World) -> None:
    world.write("it", HEADER + VPN + WIFI)
    world.write("hr", HEADER + VPN + PRINTER)
    registry = world.registry()
    hits = registry.search("How do I connect to the VPN?", ["it", "hr"]).hits
    assert hits[0].record.id == "vpn"
    assert sorted(hit.record.id for hit in hits) == ["printer", "vpn", "wifi"]


def test_a_touched_file_is_noticed(world: World) -> None:
    path = world.write("it", HEADER + VPN)
    registry = world.registry(model=None)
    seen = [registry.loaded["it"].file_changed]
    os.utime(path, (1, 1))
    seen.append(registry.loaded["it"].file_changed)
    path.unlink()
    seen.append(registry.loaded["it"].file_changed)
    assert seen == [False, True, True]


def test_after_closing_work_is_cancelled_and_searching_goes_on(world: World) -> None:
    world.write("it", HEADER + VPN + WIFI)
    registry = world.registry()
    world.maintenance.close()
    assert world.maintenance.reload("it-help").cancelled()
    assert world.maintenance.update_confidence({}).cancelled()
    asked = registry.loaded["it"].index.records[0]
    assert registry.search(asked.question, ["it"]).hits[0].record == asked
