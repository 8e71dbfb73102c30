"""The benchmarks measure what they say: quick forms run, and the texts and vectors are as described."""

import json
import shutil
import sys
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.records import read_records
from indexes.retrieval.index import passages
from indexes.retrieval.synonyms import Synonyms
from tests.benchmarks import document, helpdesk, vectors
from tests.benchmarks.corpus import write_csv
from tests.benchmarks.distance import Distance
from tests.benchmarks.processes import ROOT, environment
from tests.benchmarks.report import Report, Table, at_most
from tests.compiled import eight_bits_minilm
from tests.encoders import minilm_path

QUICKEST = ("peak", "reload")
"""The others take a minute or more each: `make bench BENCH=--quick` runs them all."""


@pytest.mark.long("runs a benchmark")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", QUICKEST)
def test_the_quick_form_measures_everything_but_the_peers(tmp_path: Path, shared: Path, name: str) -> None:
    found, kept = tmp_path / "found.json", tmp_path / "kept"
    nobody = ["--peers", str(tmp_path / "none"), "--fastembed", str(tmp_path / "none"), "--keep", str(kept)]
    kept_models(kept, shared)
    command = [sys.executable, "-m", "tests.benchmarks", name, "--quick", "--json", str(found), *nobody]
    done = run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = json.loads(found.read_text("utf-8"))
    assert report["name"] == name
    assert report["tables"]
    assert all(table["rows"] for table in report["tables"])


def kept_models(folder: Path, shared: Path) -> None:
    """Put what other tests have made where a run leaves its models: the compiled all-MiniLM-L6-v2, also in 8 bits."""
    shutil.copytree(eight_bits_minilm(shared), folder / f"compiled-{minilm_path().name}" / "compiled")


def test_the_tables_of_the_page_are_those_that_were_measured(tmp_path: Path) -> None:
    report = Report(
        "one", "One", [Table("Times", ["", "s"], [["Kotae", "1.0"]])], [at_most("Time", 1.0, 2)], ["A note."]
    )
    found = tmp_path / "found.json"
    found.write_text(json.dumps([{**report.as_dict(), "noise": [{"spread": 0.1}]}]), "utf-8")
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    filled = document.filled(page, document.read(found))
    assert "1 of 1 are met.\n\n|  | wanted | measured |  |" in filled
    assert (
        "### One\n\n**Times**\n\n|  | s |\n| --- | --: |\n| Kotae | 1.0 |\n\n* A note.\n\n* Noise ±5% to ±5%." in filled
    )
    assert filled.count("### ") == 1
    assert document.filled(filled, document.read(found)) == filled


def test_every_row_of_the_help_desk_asks_in_its_own_words() -> None:
    rows = list(helpdesk.rows(4_000, bases=200))
    assert len({row.question for row in rows}) == len(rows)
    assert len({row.answer for row in rows}) == len(rows)
    assert {row.category for row in rows} == {"ja", "en"}
    assert rows[:200] == list(helpdesk.rows(200))


def test_what_is_encoded_beforehand_is_what_the_index_encodes(tmp_path: Path) -> None:
    rows = list(helpdesk.rows(300, bases=100))
    records = read_records(write_csv(tmp_path / "kb.csv", rows)).records
    assert [passages(record, Synonyms()) for record in records] == [helpdesk.texts(row) for row in rows]


def test_made_paraphrases_are_as_far_away_as_measured_ones() -> None:
    random = np.random.default_rng(1)
    common = random.standard_normal(64)
    texts = _unit(common + random.standard_normal((500, 64)))
    distance = Distance.between(texts, _unit(texts + 0.05 * random.standard_normal((500, 64))))
    made = distance.paraphrase(texts, texts.mean(axis=0), random)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    found = np.quantile((made * texts).sum(axis=1), [0.05, 0.5, 0.95])
    assert np.allclose(found, np.quantile(distance.cosines, [0.05, 0.5, 0.95]), atol=0.02)


def test_the_nearest_are_found_by_comparing_every_vector() -> None:
    random = np.random.default_rng(2)
    known = _unit(random.standard_normal((100, 16))).astype(np.float16)
    asked = _unit(random.standard_normal((3, 16)))
    expected = np.sort(asked @ known.astype(np.float32).T, axis=1)[:, -vectors.NEIGHBOURS :]
    assert np.allclose(vectors.nearest(known, asked), expected)


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
