"""Compiled models: the vectors of sentence-transformers without torch, made once, in a process that may be killed."""

import json
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from indexes.checked_json import render
from indexes.encoder import EncoderWorker, ModelManager, Vectors, load_model
from indexes.encoder.compiled import MANIFEST, CompiledModel, CompiledModels, DamagedError, made_with
from indexes.encoder.compiler import Outcome, compile_model
from indexes.encoder.protocol import INT8
from indexes.encoder.weights_file import NETWORK, WEIGHTS
from indexes.messages import Translatable
from indexes.search import FaissSearch
from tests.compiled import TEXTS, compiled_here, compiled_in, compiled_minilm, order_of
from tests.e5 import e5_path
from tests.encoders import HashingLoader, build_japanese_bert, build_like_minilm, minilm_encoder, minilm_path

pytestmark = pytest.mark.long("compiles models")

ROOT = Path(__file__).parent.parent
SEARCH = """
import json, sys
from indexes.search import FaissSearch
with FaissSearch(sys.argv[1], sys.argv[2], data_dir=sys.argv[3]) as search:
    found = {question: [(hit.record.id, float(hit.confidence)) for hit in search.search(question)]
             for question in ("How do I reset my password?", "forgot my login", "パスワード", "vpn is broken")}
    assert search.encoder
heavy = sorted({"torch", "transformers", "sentence_transformers"} & set(sys.modules))
print(json.dumps([heavy, found]))
"""


@pytest.fixture
def models(tmp_path: Path) -> CompiledModels:
    return CompiledModels(tmp_path / "data" / "compiled")


@pytest.fixture(scope="session")
def made(shared: Path) -> Path:
    """The compiled all-MiniLM-L6-v2; nobody may change it."""
    return compiled_minilm(shared)


@pytest.fixture
def copied(made: Path, models: CompiledModels) -> Path:
    """The folder of a copy that a test may spoil."""
    shutil.copytree(made, models.folder)
    [folder] = models.folder.glob("[!.]*")
    return folder


@pytest.fixture
def load() -> Iterator[Callable[[Path], EncoderWorker]]:
    manager = ModelManager(load_model)
    yield lambda folder: manager.get(str(folder))
    manager.close()


def worst(one: Vectors, other: Vectors) -> float:
    return float(np.sum(one * other, axis=1).min())


def search(csv: Path, data: Path, model: Path) -> tuple[list[str], dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, str(csv), str(model), str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    heavy, found = json.loads(done.stdout)
    return heavy, found


def write_faq(folder: Path) -> Path:
    csv = folder / "faq.csv"
    rows = [("reset", "How do I reset my password?"), ("vpn", "The VPN says error 619"), ("ja", "パスワードの変更")]
    csv.write_text("id,question,answer\n" + "".join(f"{id_},{title},See the page.\n" for id_, title in rows), "utf-8")
    return csv


@pytest.mark.parametrize(("backend", "loads"), [("auto", 0), ("sentence-transformers", 1)])
def test_a_script_takes_the_compiled_form_where_the_bot_would(
    made: Path, models: CompiledModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, loads: int
) -> None:
    shutil.copytree(made, models.folder)
    values = {"MODEL_NAME": minilm_path(), "ENCODER_BACKEND": backend, "DATA_DIR": models.folder.parent}
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))
    manager = ModelManager(loader := HashingLoader())
    with FaissSearch(write_faq(tmp_path), manager=manager) as searching:
        assert searching.encoder
    manager.close()
    assert len(loader.loads) == loads


def test_the_next_start_imports_no_torch_and_finds_the_same(made: Path, models: CompiledModels, tmp_path: Path) -> None:
    csv, data = write_faq(tmp_path), models.folder.parent
    heavy, before = search(csv, data, minilm_path())
    assert heavy == ["sentence_transformers", "torch", "transformers"]
    snapshots = sorted((data / "snapshots").rglob("manifest.json"))
    shutil.copytree(made, models.folder)
    heavy, after = search(csv, data, minilm_path())
    assert heavy == []
    assert sorted((data / "snapshots").rglob("manifest.json")) == snapshots
    for question, hits in before.items():
        assert [id_ for id_, _ in after[question]] == [id_ for id_, _ in hits]
        assert [sure for _, sure in after[question]] == pytest.approx([sure for _, sure in hits], abs=5e-4)


def test_what_is_kept_of_it(made: Path) -> None:
    [found] = CompiledModels(made).all()
    assert (found.model, found.revision) == (minilm_encoder().name, minilm_encoder().revision)
    assert found.made_with == made_with()
    assert found.cosine > 0.999999
    assert found.texts == len(TEXTS) + 4
    assert {NETWORK, WEIGHTS, "tokenizer.json", "1_Pooling/config.json"} <= found.checksums.keys()
    assert (made / found.key / NETWORK).stat().st_size < 1_000_000
    assert 80_000_000 < (made / found.key / WEIGHTS).stat().st_size < 100_000_000
    kept = b"".join(file.read_bytes() for file in made.rglob("*") if file.is_file())
    assert not any(text.encode() in kept for text in TEXTS)


def test_swapped_in_between_two_jobs(made: Path, load: Callable[[Path], EncoderWorker]) -> None:
    encoder, compiled = load(minilm_path()), CompiledModels(made).open(str(minilm_path()))
    assert compiled
    before = encoder.encode_documents(TEXTS)
    assert encoder.swap(compiled)
    assert encoder.is_idle
    assert worst(encoder.encode_documents(TEXTS), before) > 0.99999
    assert worst(np.stack([encoder.encode_query(text) for text in TEXTS]), before) > 0.99999
    assert (encoder.name, encoder.revision) == (minilm_encoder().name, minilm_encoder().revision)


def test_another_model_is_not_swapped_in(made: Path) -> None:
    compiled = CompiledModels(made).open(str(minilm_path()))
    assert compiled
    compiled._recipe = compiled._recipe.__class__(**{**vars(compiled._recipe), "pooling": "cls"})  # type: ignore[attr-defined]
    assert not minilm_encoder().swap(compiled)


@pytest.mark.parametrize("kind", ["roberta", "xlm_roberta", "modernbert", "distilbert", "cls"])
def test_architectures(
    kind: str, models: CompiledModels, load: Callable[[Path], EncoderWorker], tmp_path: Path
) -> None:
    encoder = load(build_like_minilm(tmp_path / kind, kind))
    before = encoder.encode_documents(TEXTS)
    assert compiled_here(encoder, models) == Outcome(compiled=True, is_final=True)
    compiled = models.open(str(tmp_path / kind))
    assert compiled
    assert worst(compiled.encode_documents(TEXTS), before) > 0.99999
    assert compiled_here(encoder, models, variant=INT8).compiled
    reduced = models.open(str(tmp_path / kind), None, INT8)
    assert reduced
    assert worst(reduced.encode_documents(TEXTS), before) > 0.98


def test_the_default_models_own_architecture(models: CompiledModels, load: Callable[[Path], EncoderWorker]) -> None:
    folder = e5_path()
    if folder is None:
        pytest.skip("python -m tests.e5 makes it")
    encoder = load(folder)
    before = encoder.encode_documents(TEXTS)
    compiled_in(models.folder, encoder)
    compiled = models.open(str(folder))
    assert compiled
    assert worst(compiled.encode_documents(TEXTS), before) > 0.99999
    assert worst(compiled.encode_queries(TEXTS), compiled.encode_documents(TEXTS)) < 0.9999  # other prompts


@pytest.mark.parametrize("kind", ["dense", "japanese"])
def test_what_only_sentence_transformers_can_do_stays_there(
    kind: str, models: CompiledModels, load: Callable[[Path], EncoderWorker], tmp_path: Path
) -> None:
    folder = tmp_path / kind
    folder.mkdir()
    encoder = load(build_japanese_bert(folder) if kind == "japanese" else build_like_minilm(folder, kind))
    outcome = compiled_here(encoder, models, ["パスワード"])
    why = {
        "dense": Translatable("model.other_part", part="sentence_transformers.base.modules.dense.Dense"),
        "japanese": Translatable("compile.slow_tokenizer", kind="BertJapaneseTokenizer"),
    }[kind]
    found = models.find(str(folder))
    assert outcome == Outcome(compiled=False, why=why, is_final=True)
    assert found
    assert found.refused == why
    assert models.open(str(folder)) is None


def test_killed_at_any_moment(models: CompiledModels, copied: Path) -> None:
    """Whatever is left behind is not taken for a model, and goes; what was compiled before stays."""
    for moment in (0.0, 1.0, 2.5, 4.5, 7.0):
        stop = threading.Event()
        working = threading.Thread(target=compile_model, args=(models, minilm_encoder(), TEXTS, stop))
        working.start()
        child = child_of_this_process()
        time.sleep(moment)
        with suppress(psutil.NoSuchProcess):
            child.kill()
        working.join(30)
        assert not working.is_alive()
        assert [each.name for each in models.folder.iterdir()] == [copied.name]
        assert models.open(str(minilm_path())) is not None


def child_of_this_process() -> psutil.Process:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for child in psutil.Process().children():
            if "indexes.encoder.compiling" in child.cmdline():
                return child
    raise AssertionError("nothing is being compiled")


def test_it_ends_with_the_bot(models: CompiledModels) -> None:
    """A bot that is killed leaves neither a process nor, after the next start, a folder."""
    script = f"""
import sys, threading
from pathlib import Path
from indexes.encoder.compiled import CompiledModels
from indexes.encoder.compiler import compile_model
from tests.encoders import minilm_encoder
compile_model(CompiledModels(Path({str(models.folder)!r})), minilm_encoder(), ["hello"], threading.Event())
"""
    bot = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    until = time.monotonic() + 120
    while not list(models.folder.glob(".*.new")) and time.monotonic() < until:
        time.sleep(0.05)
    children = psutil.Process(bot.pid).children()  # from Python 3.14 one more, which looks after locks
    bot.kill()
    bot.wait()
    _, left = psutil.wait_procs(children, timeout=30)
    assert children
    assert [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []
    assert models.find(str(minilm_path())) is None
    models.sweep(time.time())
    assert list(models.folder.iterdir()) == []


@pytest.mark.parametrize("file", [NETWORK, WEIGHTS, "tokenizer.json", "1_Pooling/config.json", MANIFEST])
def test_a_flipped_bit_is_found_before_anything_is_answered(copied: Path, models: CompiledModels, file: str) -> None:
    data = bytearray((copied / file).read_bytes())
    data[len(data) // 2] ^= 4
    (copied / file).write_bytes(data)
    assert CompiledModels(models.folder, deletes=False).open(str(minilm_path())) is None
    assert (copied / file).read_bytes() == data, "a process that only reads leaves it"
    assert models.open(str(minilm_path())) is None
    assert not copied.exists() or file == MANIFEST


def test_every_byte_of_the_manifest_counts(made: Path, tmp_path: Path) -> None:
    [found] = CompiledModels(made).all()
    file = made / found.key / MANIFEST
    data = file.read_bytes()
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 7
        (tmp_path / MANIFEST).write_bytes(changed)
        with pytest.raises(DamagedError):
            CompiledModel.read(tmp_path)


def test_a_manifest_of_an_earlier_version_has_no_checksum_and_is_used(copied: Path, models: CompiledModels) -> None:
    content = json.loads((copied / MANIFEST).read_bytes())
    del content["checksum"]
    (copied / MANIFEST).write_text(json.dumps(content, indent=1), "utf-8")
    assert models.open(str(minilm_path())) is not None


@pytest.mark.parametrize("file", [NETWORK, WEIGHTS, "tokenizer.json", MANIFEST])
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_file_that_is_gone_or_cut(copied: Path, models: CompiledModels, file: str, how: str) -> None:
    if how == "gone":
        (copied / file).unlink()
    else:
        (copied / file).write_bytes((copied / file).read_bytes()[:-1])
    assert models.open(str(minilm_path())) is None


def test_too_little_memory(models: CompiledModels) -> None:
    order = order_of(minilm_encoder(), models, TEXTS)
    script = f"ulimit -v 1000000; exec {sys.executable} -m indexes.encoder.compiling"
    with subprocess.Popen(["sh", "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(json.dumps(order).encode() + b"\n")
        child.stdin.flush()
        outcome = json.loads(child.stdout.read())
    assert (outcome["compiled"], outcome["final"]) == (False, False)
    assert outcome["why"]["key"] == "compile.memory"
    assert outcome["why"]["values"]["needed"] == pytest.approx(600 + 2 * 87, abs=5)
    assert models.all() == []


def test_a_full_disk(models: CompiledModels) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, limits[1]))
    try:
        outcome = compiled_here(minilm_encoder(), models)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome.why
    assert outcome.why.key == "compile.not_stored"
    assert not outcome.is_final
    assert list(models.folder.iterdir()) == []


def test_a_changed_model_or_library_is_compiled_again_and_the_old_one_goes(
    models: CompiledModels, load: Callable[[Path], EncoderWorker], tmp_path: Path
) -> None:
    folder = build_like_minilm(tmp_path / "mine", "roberta")
    assert compiled_here(load(folder), models).compiled
    [first] = models.all()
    assert models.find(str(folder)) == first
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**settings, "note": 1}), "utf-8")
    assert models.find(str(folder)) is None
    manager = ModelManager(load_model)
    compiled_in(models.folder, manager.get(str(folder)))
    manager.close()
    [second] = models.all()
    assert second.revision != first.revision
    manifest = models.folder / second.key / MANIFEST
    older = {**json.loads(manifest.read_bytes()), "made_with": {**second.made_with, "torch": "1.0"}}
    manifest.write_bytes(render(older))
    assert models.find(str(folder)) is None


def test_cleared(copied: Path, models: CompiledModels) -> None:
    size = sum(file.stat().st_size for file in copied.rglob("*") if file.is_file())
    assert models.clear("another") == 0
    assert models.clear(str(minilm_path())) == size
    assert not copied.exists()
