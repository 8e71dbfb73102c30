"""Measure the precision of proposed synonyms on sets of questions whose right rows are known.

Each set is searched for synonyms as it is, without the synonyms that are shipped, and then with words of its knowledge
base replaced by others (`planted.csv`), five at a time, so that its questions say something that no row has. The
questions are the answerable ones of the set, and the aliases of its rows, which are taken out of the knowledge base;
each was asked by somebody else. A proposal is right if it leads back to the word that was replaced, if the shipped
synonyms have it, or if `judged.csv` says so: whoever reads the questions would understand the same with the one word as
with the other. Everything else is wrong, also what nobody has judged.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from indexes.confidence.evaluation import ANSWERABLE, read_queries
from indexes.records import Record, read_records
from indexes.retrieval.lexical import LexicalIndex
from indexes.retrieval.synonyms import Synonyms, read_synonyms
from indexes.synonym_mining.cases import KnownQuestion
from indexes.synonym_mining.knowledge import Knowledge
from indexes.synonym_mining.mining import QUESTIONS, Proposal, Support, mine
from indexes.synonym_mining.terms import Text, is_japanese
from indexes.text import normalize
from tests.sets.finding import sets

HERE = Path(__file__).parent
SHIPPED = HERE.parents[2] / "bot" / "samples" / "_synonyms.csv"
AT_ONCE = 5
FEWEST = 3
"""Questions that say a word which is planted."""
NAME = "set"

Pair = tuple[str, str]


@dataclass
class Found:
    """What was proposed for one set, each pair once; `planted` words, of which `recovered` were proposed."""

    name: str
    planted: int = 0
    recovered: int = 0
    right: dict[Pair, Proposal] = field(default_factory=dict)
    wrong: dict[Pair, Proposal] = field(default_factory=dict)
    texts: Sequence[str] = ()

    @property
    def precision(self) -> float:
        """The share of right proposals; 1 without any."""
        return len(self.right) / max(len(self.right) + len(self.wrong), 1) if self.right or self.wrong else 1.0


def measure(name: str, knowledge_base: Path, queries: Path, support: Support) -> Found:
    """Search one set for synonyms, as it is and with planted words."""
    records = read_records(knowledge_base).records
    asked = [(query.text, sorted(query.relevant)) for query in read_queries(queries) if query.kind == ANSWERABLE]
    asked += [(alias, [record.id]) for record in records for alias in record.aliases]
    bare = [replace(record, aliases=(), details={}) for record in records]
    found = Found(name, texts=[text for text, _ in asked])
    planted = plantable(bare, found.texts)
    found.planted = len(planted)
    for pairs in [[], *(planted[at : at + AT_ONCE] for at in range(0, len(planted), AT_ONCE))]:
        replaced = Synonyms([form for pair in pairs for form in forms(pair)])
        proposals = proposed([renamed(record, replaced) for record in bare], asked, support)
        judge(found, proposals, replaced)
        found.recovered += sum(any(is_back(each, Synonyms(forms(pair))) for each in proposals) for pair in pairs)
    return found


def plantable(records: Sequence[Record], texts: Sequence[str]) -> list[Pair]:
    """Return the planted pairs whose first word titles and questions have, and whose second is in no row."""
    titles = Text(normalize("\n".join(record.question for record in records)))
    rows = Text(normalize("\n".join(f"{record.question}\n{record.answer}" for record in records)))
    said = [Text(normalize(text)) for text in texts]
    pairs = [(normalize(word), normalize(other)) for word, other in read_synonyms(HERE / "planted.csv").pairs]
    return [
        (word, other)
        for word, other in pairs
        if titles.has(word) and not rows.has(other) and sum(text.has(word) for text in said) >= FEWEST
    ]


def forms(pair: Pair) -> list[Pair]:
    """Return a pair, and in English its plural."""
    return [pair] if is_japanese(pair[0]) else [pair, (f"{pair[0]}s", f"{pair[1]}s")]


def renamed(record: Record, replaced: Synonyms) -> Record:
    """Return a record in other words."""
    question, answer, category = (
        replaced.apply(normalize(text)) for text in (record.question, record.answer, record.category)
    )
    keywords = tuple(replaced.apply(normalize(text)) for text in record.keywords)
    return replace(record, question=question, answer=answer, category=category, keywords=keywords)


def proposed(records: Sequence[Record], asked: Sequence[tuple[str, list[str]]], support: Support) -> list[Proposal]:
    """Search for synonyms; of several right rows the one was confirmed that a search by words finds first."""
    knowledge = Knowledge(records, LexicalIndex(records, Synonyms()))
    places = {record.id: place for place, record in enumerate(records)}
    questions = []
    for number, (text, relevant) in enumerate(asked):
        rows = np.array([places[id_] for id_ in relevant if id_ in places], dtype=np.int64)
        if len(rows):
            scores = knowledge.lexical.query(normalize(text)).score(rows).total
            right = records[rows[int(np.argmax(scores))]].id
            questions.append(KnownQuestion(number, text, NAME, right, f"U{number}"))
    return mine({NAME: knowledge}, questions, Synonyms(), support)


def judge(found: Found, proposals: Sequence[Proposal], replaced: Synonyms) -> None:
    """Sort proposals into right and wrong."""
    shipped, judged = read_synonyms(SHIPPED), judgements()
    for each in proposals:
        pair = each.said[0].casefold(), each.known.casefold()
        same = shipped.apply(normalize(each.said[0])) == shipped.apply(normalize(each.known))
        is_right = is_back(each, replaced) or same or judged.get((found.name, *pair), False)
        (found.right if is_right else found.wrong).setdefault(pair, each)


def is_back(proposal: Proposal, replaced: Synonyms) -> bool:
    """Return whether a proposal leads from a replaced word to what it was replaced by."""
    return any(replaced.apply(normalize(said)) == normalize(proposal.known) for said in proposal.said)


def judgements() -> Mapping[tuple[str, str, str], bool]:
    """Read what was judged by hand: by set, what is said and what is known, both in small letters."""
    with (HERE / "judged.csv").open(encoding="utf-8", newline="") as file:
        return {(row["set"], row["said"], row["known"]): row["right"] == "yes" for row in csv.DictReader(file)}


def lines(found: Found, *, examples: bool) -> Iterator[str]:
    """Yield the row of a set, and what was proposed."""
    count = len(found.right) + len(found.wrong)
    precision = f"{found.precision:.2f}" if count else "–"
    yield f"{found.name:<18}{len(found.texts):6d}{found.planted:9d}{found.recovered:10d}{count:10d}{precision:>11}"
    for title, pairs in (("right", found.right), ("wrong", found.wrong)) if examples else ():
        for (said, known), each in pairs.items():
            yield f"    {title}: {said} → {known} ({len(each.questions)} questions, {each.improved} better)"
            yield from (f"        {found.texts[number]}" for number in each.questions[:3])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of the sets in some folders."""
    parser = argparse.ArgumentParser(prog="python -m tests.sets.words", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, default=[HERE.parent])
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="the fewest that a proposal needs")
    parser.add_argument("--examples", action="store_true", help="print every proposal with questions")
    options = parser.parse_args(arguments)
    print(f"{'set':<18}{'asked':>6}{'planted':>9}{'recovered':>10}{'proposed':>10}{'precision':>11}")
    found = []
    for folder in options.folders:
        for each in sets(folder):
            found.append(measure(*each, Support(questions=options.questions)))
            print(*lines(found[-1], examples=options.examples), sep="\n", flush=True)
    right, wrong = (sum(len(getattr(each, name)) for each in found) for name in ("right", "wrong"))
    print(f"{right} of {right + wrong} proposals are right: {right / max(right + wrong, 1):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
