"""Checking a file without a model, for `kotae check`."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from indexes.errors import UnusableFileError
from indexes.messages import Translatable, say
from indexes.messages.en import WORDS as ENGLISH
from indexes.records.columns import closest_name
from indexes.records.model import KnowledgeBase, Problem, Record
from indexes.records.placeholders import has_answer
from indexes.records.reading import read_records
from indexes.records.table import DELIMITERS
from indexes.text import is_japanese, normalize

SIMILAR = 0.6
"""Similarity from which two questions are reported: the share of character pairs in common, weighted by rarity."""
MAX_PAIRS = 1_000
"""Most pairs of similar questions that are reported."""

_COMPARED = 300
"""Characters of a question that are compared."""
_COMMON_FROM = 1_000
"""Rarity is computed as if there were at least this many rows: few rows don't show which phrases are common."""
_SHOWN = 20
_AS_NAMED: Mapping[str, str] = MappingProxyType({})
_FEWEST_MERGED = 2
"""One row without a question is no sign of merged cells."""
_NUMBER = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two rows with nearly the same question."""

    lines: tuple[int, int]
    questions: tuple[str, str]
    similarity: float


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of checking one file; if `error` is set, the rest is empty."""

    file: str
    error: Translatable | None = None
    encoding: str = ""
    delimiter: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    details: tuple[str, ...] = ()
    records: int = 0
    problems: tuple[Problem, ...] = ()
    near_duplicates: tuple[NearDuplicate, ...] = ()
    sheet: str = ""

    @property
    def usable(self) -> bool:
        """Return whether the file can be a knowledge base."""
        return not self.error

    @property
    def skipped(self) -> int:
        """Number of rows left out; a run of blank rows counts once."""
        return sum(problem.skipped for problem in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; `error` is there for an unusable file only, and `sheet` for a workbook only."""
        return {
            "file": self.file,
            "usable": self.usable,
            **({"error": str(self.error)} if self.error else {}),
            **({"sheet": self.sheet} if self.sheet else {}),
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "columns": dict(self.columns),
            "details": list(self.details),
            "rows": self.records + self.skipped,
            "records": self.records,
            "skipped": self.skipped,
            "problems": [
                {"line": problem.line, "message": str(problem.message), "skipped": problem.skipped}
                for problem in self.problems
            ],
            "near_duplicates": [
                {"lines": list(pair.lines), "questions": list(pair.questions), "similarity": pair.similarity}
                for pair in self.near_duplicates
            ],
        }


def check_file(path: Path, sheet: str = "", chosen: Mapping[str, str] = _AS_NAMED) -> CheckReport:
    """Read a file the way the bot does, and return a report; problems of the file are never raised."""
    try:
        found = read_records(path, sheet, chosen)
    except UnusableFileError as error:
        return CheckReport(file=str(path), error=error.message)
    return CheckReport(
        file=str(path),
        encoding=found.encoding,
        delimiter=found.delimiter,
        columns=found.columns,
        details=found.details,
        records=len(found.records),
        problems=tuple(
            sorted(
                [*found.problems, *volunteering_problems(found), *_merged_cells(found)],
                key=lambda problem: problem.line,
            )
        ),
        near_duplicates=tuple(near_duplicates(found)),
        sheet=found.sheet,
    )


def volunteering_problems(found: KnowledgeBase) -> Iterator[Problem]:
    """Yield why rows are never posted unasked: a missing column, or else rows without an answer.

    Of guessed columns, reading the file has already told.
    """
    if found.guessed:
        return
    japanese = is_japanese("".join([*found.columns.values(), *found.details]))
    if "question" not in found.columns:
        yield Problem(found.header_line, _no_questions(found, "質問" if japanese else "question"), skipped=False)
    elif "answer" not in found.columns:
        yield Problem(found.header_line, _no_answers(found, "回答" if japanese else "answer"), skipped=False)
    else:
        yield from (Problem(one.line, _no_answer(one), skipped=False) for one in found.records if not has_answer(one))


def _merged_cells(found: KnowledgeBase) -> Iterator[Problem]:
    """Yield where rows without a question follow one that has it, as cells that are merged in a workbook become."""
    if "question" not in found.columns:
        return
    runs = [(asked, list(rows)) for asked, rows in groupby(found.records, key=_has_question)]
    merged = [(before[-1], rows) for (_, before), (asked, rows) in pairwise(runs) if not asked]
    if sum(len(rows) for _, rows in merged) < _FEWEST_MERGED:
        return
    for above, rows in merged:
        message = Translatable("row.merged", count=len(rows), question=above.question, line=above.line)
        yield Problem(rows[0].line, message, skipped=False)


def _has_question(record: Record) -> bool:
    return bool(record.question)


def _no_questions(found: KnowledgeBase, usual: str) -> Translatable:
    if close := closest_name("question", found.details):
        return Translatable("csv.misspelt_question", column=close[0], name=close[1])
    return Translatable("csv.missing_question", name=usual)


def _no_answers(found: KnowledgeBase, usual: str) -> Translatable:
    if close := closest_name("answer", found.details):
        return Translatable("csv.misspelt_answer", column=close[0], name=close[1])
    return Translatable("csv.missing_answer", name=usual)


def _no_answer(record: Record) -> Translatable:
    if record.answer:
        return Translatable("row.placeholder", text=" ".join(record.answer.split()))
    return Translatable("row.no_answer")


def format_report(report: CheckReport, words: Mapping[str, str] = ENGLISH) -> str:
    """Format the report as text, in the language of `words`; long lists are cut, but complete in `as_dict`."""
    if report.error:
        return f"{say(report.error, words)}\n"
    lines = [say(_summary(report), words), *(f"  {say(each, words)}" for each in _read(report))]
    lines += _cut([f"  {say(each, words)}" for each in _problems(report)], words)
    if pairs := report.near_duplicates:
        one, more = Translatable("check.pair"), Translatable("check.pairs", count=len(pairs))
        lines.append(f"  {say(one if len(pairs) == 1 else more, words)}")
        lines += _cut([line for pair in pairs for line in _pair_lines(Path(report.file).name, pair)], words)
    return "\n".join(lines) + "\n"


def _summary(report: CheckReport) -> Translatable:
    count = Translatable("check.record") if report.records == 1 else Translatable("check.records", count=report.records)
    delimiter = Translatable(f"check.delimiter.{DELIMITERS[report.delimiter]}") if report.delimiter else ""
    written = Translatable("check.text", encoding=report.encoding, delimiter=delimiter)
    return Translatable(
        "check.summary",
        file=Path(report.file).name,
        records=count,
        skipped=report.skipped,
        written=Translatable("check.sheet", sheet=report.sheet) if report.sheet else written,
    )


def _read(report: CheckReport) -> Iterator[Translatable]:
    """Say what the columns were read as."""
    yield Translatable("check.columns", columns=tuple(f"{role} = {header}" for role, header in report.columns.items()))
    if report.details:
        yield Translatable("check.details", columns=report.details)


def _problems(report: CheckReport) -> Iterator[Translatable]:
    name = Path(report.file).name
    for each in report.problems:
        if each.skipped:
            yield Translatable("check.skipped", file=name, line=str(each.line), problem=each.message)
        else:
            yield Translatable("check.problem", file=name, line=str(each.line), problem=each.message)


def _pair_lines(name: str, pair: NearDuplicate) -> Iterator[str]:
    for place, (line, question) in enumerate(zip(pair.lines, pair.questions, strict=True)):
        tail = f"  ({pair.similarity:.2f})" if place else ""
        yield f"    {name}:{line}: {question}{tail}"


def _cut(lines: list[str], words: Mapping[str, str]) -> list[str]:
    hidden = len(lines) - 2 * _SHOWN
    if hidden <= 0:
        return lines
    return [*lines[: 2 * _SHOWN], f"  {say(Translatable('check.hidden', count=hidden), words)}"]


def near_duplicates(found: KnowledgeBase) -> list[NearDuplicate]:
    """Return pairs of rows with nearly the same question, the most similar first, at most MAX_PAIRS.

    Similarity is lexical: weighted Jaccard of character pairs, weighted by rarity. Questions with different numbers
    (Windows 10, Windows 11) are not compared.
    """
    same, similar = similar_pairs([record.title for record in found.records])
    places = [*islice(same, MAX_PAIRS), *islice(similar, MAX_PAIRS)]
    pairs = [(found.records[a], found.records[b], similarity) for a, b, similarity in places]
    pairs.sort(key=lambda pair: (-pair[2], pair[0].line, pair[1].line))
    return [_pair(*pair) for pair in pairs[:MAX_PAIRS]]


SimilarPair = tuple[int, int, float]
"""Positions of two texts, and their similarity."""


def similar_pairs(texts: Sequence[str]) -> tuple[Iterator[SimilarPair], Iterator[SimilarPair]]:
    """Return two iterators of pairs: texts with the same letters, each with the first of them, and similar texts.

    Of texts with the same letters, only the first is compared with others; texts without letters are ignored.
    """
    places: dict[tuple[str, ...], dict[frozenset[str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, text in enumerate(texts):
        if grams := _grams(text):
            places[numbers(text)][grams].append(place)
    weights = _weights([grams for groups in places.values() for grams in groups])
    same = ((first, other, 1.0) for groups in places.values() for first, *others in groups.values() for other in others)
    similar = (
        (groups[a][0], groups[b][0], similarity)
        for groups in places.values()
        for a, b, similarity in _similar(list(groups), weights)
    )
    return same, similar


def _pair(a: Record, b: Record, similarity: float) -> NearDuplicate:
    first, second = sorted((a, b), key=lambda record: record.line)
    return NearDuplicate((first.line, second.line), (first.title, second.title), round(similarity, 2))


def _grams(text: str) -> frozenset[str]:
    """Return the character pairs of the text without spaces and punctuation."""
    letters = "".join(_LETTERS.findall(normalize(text[:_COMPARED])))
    return frozenset(letters[place : place + 2] for place in range(max(len(letters) - 1, min(len(letters), 1))))


def numbers(text: str) -> tuple[str, ...]:
    """Return the numbers in a text, sorted; texts with different numbers are never the same."""
    return tuple(sorted(_NUMBER.findall(normalize(text[:_COMPARED]))))


def _weights(texts: Sequence[frozenset[str]]) -> dict[str, float]:
    rows = max(len(texts), _COMMON_FROM)
    counts = Counter(gram for grams in texts for gram in grams)
    return {gram: math.log(1 + rows / count) for gram, count in counts.items()}


def _similar(
    texts: Sequence[frozenset[str]], weights: Mapping[str, float]
) -> Iterator[tuple[frozenset[str], frozenset[str], float]]:
    """Yield the pairs whose weighted Jaccard similarity is at least SIMILAR.

    Prefix filtering (Chaudhuri, Ganti, Kaushik 2006): with every set's grams in one order, the rarest first, two sets
    that are similar enough share a gram among the first few of both. Only those few are looked up. Sums are exact, so
    that they don't depend on the order of a set.
    """
    holders: dict[str, list[int]] = defaultdict(list)
    totals = [math.fsum(weights[gram] for gram in grams) for grams in texts]
    for row, grams in enumerate(texts):
        prefix = _prefix(grams, weights, totals[row])
        for other in sorted({other for gram in prefix for other in holders[gram]}):
            if min(totals[row], totals[other]) < SIMILAR * max(totals[row], totals[other]):
                continue
            shared = math.fsum(weights[gram] for gram in grams & texts[other])
            similarity = shared / (totals[row] + totals[other] - shared)
            if similarity >= SIMILAR:
                yield texts[other], grams, similarity
        for gram in prefix:
            holders[gram].append(row)


def _prefix(grams: frozenset[str], weights: Mapping[str, float], total: float) -> list[str]:
    """Return the rarest grams, so many that the others have less than SIMILAR of the weight."""
    ordered = sorted(grams, key=lambda gram: (-weights[gram], gram))
    left = total
    for count, gram in enumerate(ordered):
        if left < SIMILAR * total:
            return ordered[:count]
        left -= weights[gram]
    return ordered
