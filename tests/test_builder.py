"""From a CSV to what answers, one step at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexes.builder import Builder
from indexes.encoder import EncoderWorker
from indexes.errors import UnusableFileError
from indexes.records import Source
from indexes.retrieval.dense import DenseIndex
from indexes.retrieval.index import Question
from indexes.retrieval.synonyms import Synonyms
from tests.encoders import hashing_encoder
from tests.snapshots import snapshot_of

CSV = """\
id,question,answer
vpn,How do I connect to the VPN?,Open the VPN client.
again,How do I connect to the VPN?,Ask.
"""


@pytest.fixture
def encoder() -> Iterator[EncoderWorker]:
    worker = hashing_encoder()
    yield worker
    worker.close()


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "it help.csv"
    path.write_text(CSV)
    return Source("it-help", path)


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path / "data")


def test_a_text_that_occurs_twice_is_encoded_once_and_stands_twice(
    builder: Builder, source: Source, encoder: EncoderWorker
) -> None:
    steps: list[tuple[int, int]] = []
    loaded, data = builder.read(source, Synonyms(), None)
    built = builder.with_vectors(loaded, encoder, (), lambda done, total: steps.append((done, total)), data)
    assert (built.encoded, built.reused, built.trouble) == (3, 0, None)
    assert steps == [(2, 3), (3, 3)]  # the longest alone: with it, the others would be padded to over 128 tokens
    dense = built.loaded.index.dense
    assert isinstance(dense, DenseIndex)
    assert (len(dense), dense.dimension) == (4, 256)
    assert dense.owners.tolist() == [0, 0, 1, 1]
    vectors = dense.vectors(np.arange(4))
    np.testing.assert_array_equal(vectors[0], vectors[2])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


def test_both_rows_of_a_question_are_found_with_cosine_1(
    builder: Builder, source: Source, encoder: EncoderWorker
) -> None:
    loaded, data = builder.read(source, Synonyms(), None)
    index = builder.with_vectors(loaded, encoder, (), None, data).loaded.index
    text = "how do i connect to the vpn?"
    hits = index.search(Question(text, text, encoder.encode_query(text)))
    assert {hit.record.id for hit in hits} == {"vpn", "again"}
    assert [hit.dense for hit in hits] == pytest.approx([1.0, 1.0], abs=1e-6)


def test_synonyms_apply_to_what_is_encoded(builder: Builder, source: Source, encoder: EncoderWorker) -> None:
    loaded, data = builder.read(source, Synonyms([("VPN", "tunnel")]), None)
    index = builder.with_vectors(loaded, encoder, (), None, data).loaded.index
    text = "how do i connect to the tunnel?"
    [hit, _] = index.search(Question(text, text, encoder.encode_query(text)))
    assert hit.dense == pytest.approx(1.0, abs=1e-6)


def test_the_csv_is_kept_before_there_is_any_model(builder: Builder, source: Source) -> None:
    built = builder.load(source, Synonyms())
    assert snapshot_of(built.loaded.snapshot).source.read_text() == CSV
    assert built.loaded.index.dense is None


def test_vectors_survive_a_time_without_a_model(builder: Builder, source: Source, encoder: EncoderWorker) -> None:
    loaded, data = builder.read(source, Synonyms(), None)
    builder.with_vectors(loaded, encoder, (), None, data)
    source.path.write_text(CSV + "new,Where is the printer?,Downstairs.\n")
    lexical = builder.load(source, Synonyms()).loaded
    assert len(lexical.index) == 3
    built = builder.with_vectors(lexical, encoder, [lexical.snapshot] if lexical.snapshot else [])
    assert (built.encoded, built.reused) == (2, 3)


def test_a_bad_file_without_any_snapshot_raises(builder: Builder, source: Source) -> None:
    source.path.write_text("")
    with pytest.raises(UnusableFileError, match=r"^it help\.csv: "):
        builder.load(source, Synonyms())


def test_a_file_that_is_not_there_raises(builder: Builder, source: Source) -> None:
    source.path.unlink()
    with pytest.raises(UnusableFileError, match=r"^it help\.csv: "):
        builder.read(source, Synonyms(), None)


def test_trouble_with_the_disk_is_remembered_for_status(tmp_path: Path, source: Source, encoder: EncoderWorker) -> None:
    (tmp_path / "data").write_text("in the way")
    builder = Builder(tmp_path / "data")
    built = builder.load(source, Synonyms())
    assert built.loaded.snapshot is None
    assert built.loaded.trouble == built.trouble
    assert str(built.trouble).startswith(
        f"it-help is in use but could not be kept in {tmp_path / 'data'} (Not a directory)"
    )
    dense = builder.with_vectors(built.loaded, encoder, ()).loaded.index.dense
    assert dense is not None
    assert len(dense) == 4
