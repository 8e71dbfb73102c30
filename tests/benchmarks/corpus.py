"""Knowledge bases of any size: the sample records, told of numbered products. The same seed gives the same bytes."""

import csv
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from indexes.records import Record, read_records

SAMPLES = Path(__file__).parents[2] / "bot" / "samples"
ANSWER_LENGTH = 120
_SENTENCE = re.compile(r"[^。.!?！？]*[。.!?！？]?\s*")
_SYSTEMS = (
    "勤怠システム",
    "会議室予約",
    "経費精算",
    "複合機",
    "出張申請",
    "受付端末",
    "社内ポータル",
    "在庫管理",
    "電子契約",
)
_SERVICES = ("Gateway", "Scanner", "Ledger", "Runner", "Console", "Mailroom", "Badge", "Payroll", "Planner", "Archive")


@dataclass(frozen=True)
class Row:
    """One line of a CSV."""

    id: str
    question: str
    answer: str
    category: str


def rows(count: int, seed: int = 0, *, mixed: bool = True) -> Iterator[Row]:
    """Yield `count` rows; no two have the same question or answer. Two thirds are Japanese, as the samples are.

    Without `mixed`, all are: to the twin's tokenizer, which knows letters only, an English question is three times as
    long as to the default model's, while a Japanese one (23 tokens) is about as long.
    """
    choose = random.Random(seed)
    samples = [record for record in _samples() if mixed or _is_japanese(record.question)]
    for number in range(count):
        record = choose.choice(samples)
        japanese = _is_japanese(record.question)
        product = f"{choose.choice(_SYSTEMS if japanese else _SERVICES)} {choose.choice('ABCDEFG')}{seed}-{number}"
        joint = "：" if japanese else ": "
        yield Row(
            f"{seed}-{number}",
            f"{product}{joint}{record.question}",
            f"{product}{joint}{_beginning(record.answer)}",
            record.category,
        )


def write_csv(path: Path, lines: Sequence[Row]) -> Path:
    """Write rows as Kotae reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "question", "answer", "category"])
        writer.writerows([row.id, row.question, row.answer, row.category] for row in lines)
    return path


def write_folder(folder: Path, bases: int, size: int) -> Path:
    """Write `bases` CSVs of `size` rows each, named kb-00, kb-01, …; no two share a row."""
    for number in range(bases):
        write_csv(folder / f"kb-{number:02}.csv", list(rows(size, seed=number)))
    return folder


def questions(lines: Sequence[Row], count: int, seed: int = 1) -> list[tuple[str, Row]]:
    """Return `count` different questions as people put them, each with the row that answers it."""
    choose = random.Random(seed)
    asked = []
    for number, row in enumerate(choose.choices(lines, k=count)):
        product, _, question = re.split(r"(：|: )", row.question, maxsplit=1)
        words = f"{product}について。{question}" if "：" in row.question else f"About {product}. {question}"
        asked.append((f"{words} ({number})", row))
    return asked


@cache
def _samples() -> tuple[Record, ...]:
    paths = [path for path in sorted(SAMPLES.glob("*.csv")) if path.name != "_synonyms.csv"]
    records = [record for path in paths for record in read_records(path).records]
    return tuple(record for record in records if record.question)


@cache
def _is_japanese(text: str) -> bool:
    return re.search(r"[぀-ヿ㐀-鿿]", text) is not None


def _beginning(answer: str) -> str:
    """Return whole sentences up to about ANSWER_LENGTH characters, at least one."""
    kept = ""
    for sentence in _SENTENCE.findall(answer.replace("\n", " ")):
        if kept and len(kept) + len(sentence) > ANSWER_LENGTH:
            break
        kept += sentence
    return kept.strip()
