"""Proposing synonyms: a word of questions that no row has, for a word of their right rows that the questions lack.

A pair is proposed if chance can't explain how often the two go together, if a search by words finds the right rows
better with it and none worse, and if no other pair explains the same as well. Linear in the questions and rows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from indexes.retrieval.synonyms import Synonyms
from indexes.synonym_mining.association import is_sure, likelihood_ratio
from indexes.synonym_mining.cases import Cases, KnownQuestion
from indexes.synonym_mining.knowledge import Knowledge
from indexes.synonym_mining.terms import Text
from indexes.text import normalize

PEOPLE, QUESTIONS, ANSWERS = 2, 3, 2
"""The fewest that a proposal needs: what all questions with one answer lack may be any word of its row."""
SHOWN = 3
"""Hits that people see: a move below them helps and harms nobody."""
TRIED = 200
"""Pairs that are tried by searching, the surest first."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """People say `said` where the knowledge says `known`; both as they are written, `said` in all its forms.

    `key` is the same for all forms of both. `questions` are the ids of those that say so, `improved` how many different
    ones a search by words answers better with it.
    """

    key: str
    said: tuple[str, ...]
    known: str
    questions: tuple[int, ...]
    improved: int


@dataclass(frozen=True, slots=True)
class _Pair:
    said: str
    known: str
    cases: frozenset[int]
    """Those that say the one, and whose rows say the other."""
    ratio: float
    improved: int = 0

    @property
    def fit(self) -> tuple[int, float]:
        return len(self.cases), self.ratio


@dataclass(frozen=True, slots=True)
class Support:
    """How many people and different questions a proposal needs at least."""

    people: int = PEOPLE
    questions: int = QUESTIONS


def mine(
    knowledge: Mapping[str, Knowledge],
    questions: Sequence[KnownQuestion],
    synonyms: Synonyms,
    support: Support | None = None,
) -> list[Proposal]:
    """Propose synonyms, those that most questions say first. `synonyms` are those in use."""
    return _Mine(Cases(knowledge, questions, synonyms), synonyms, support or Support()).proposals()


class _Mine:
    """One search for synonyms."""

    def __init__(self, cases: Cases, synonyms: Synonyms, support: Support) -> None:
        self._cases, self._synonyms, self._support = cases, synonyms, support

    def proposals(self) -> list[Proposal]:
        """Return what is proposed."""
        tried = sorted(self._associated(), key=lambda pair: pair.fit, reverse=True)[:TRIED]
        helpful = [pair for pair in map(self._tried, tried) if pair.improved]
        return [self._proposal(pair) for pair in _best_of_each(helpful) if not _is_ambiguous(pair, helpful)]

    def _associated(self) -> Iterator[_Pair]:
        """Yield pairs that go together more often than by chance."""
        found = [pair for said in self._foreign() for pair in self._with(said)]
        for pair in found:
            if self._is_supported(pair) and is_sure(pair.ratio, len(found)):
                yield pair

    def _foreign(self) -> list[str]:
        """List the terms that enough people say and no row has, and that no synonym in use leads to.

        Of a term and its part the longer one, if the part is never said without it.
        """
        targets = {normalize(target) for _, target in self._synonyms.pairs}
        said = [key for key in self._cases.saying if key not in targets and self._is_said(key)]
        foreign = {key for key in said if not self._cases.is_known(key)}
        parts = [(part, key) for key in foreign for part in self._parts(key) if part in foreign]
        saying = self._cases.saying
        needless = {part if saying[part] == saying[key] else key for part, key in parts}
        return [key for key in said if key in foreign and key not in needless]

    def _is_said(self, key: str) -> bool:
        """Return whether enough people say a term, and somebody in no longer term.

        Two words of a spaced script are none: most of them are no phrase but stand side by side.
        """
        numbers = self._cases.saying[key]
        return (
            " " not in key
            and self._is_enough(numbers)
            and any(case.text.terms[key].is_alone for case in self._cases.some(numbers))
        )

    def _is_enough(self, numbers: set[int] | frozenset[int]) -> bool:
        people = {person for number in numbers for person in self._cases.all[number].people}
        return len(numbers) >= self._support.questions and len(people) >= self._support.people

    def _parts(self, key: str) -> list[str]:
        """List the terms that are a part of a longer one: they are in every question with it."""
        question = self._cases.all[min(self._cases.saying[key])].text
        return [part for part in question.terms if part != key and Text(key).has(part)]

    def _with(self, said: str) -> Iterator[_Pair]:
        """Yield the pairs of a term with each term of its right rows that its questions lack."""
        saying, lacking, background = self._cases.saying[said], self._cases.lacking, self._cases.background
        row_terms = dict.fromkeys(key for case in self._cases.some(saying) for key in case.row_terms)
        for known in row_terms:
            both = saying & lacking[known]
            others = len(lacking[known]) - len(both)
            without = len(self._cases.all) - len(self._cases.saying.get(known, ()))
            neither = max(without - len(saying) - others, 0) + background.without(known)
            others += background.lacking(known)
            ratio = likelihood_ratio(len(both), len(saying) - len(both), others, neither)
            if both:
                yield _Pair(said, known, frozenset(both), ratio)

    def _is_supported(self, pair: _Pair) -> bool:
        """Return whether most questions that say the one are answered by rows of several answers that say the other."""
        cases = self._cases.some(pair.cases)
        return (
            self._is_enough(pair.cases)
            and 2 * len(pair.cases) > len(self._cases.saying[pair.said])
            and len({case.answer for case in cases}) >= ANSWERS
            and any(case.row_terms[pair.known].is_alone for case in cases)
        )

    def _tried(self, pair: _Pair) -> _Pair:
        """Return the pair with the number of questions that it helps: 0 if it harms one."""
        known = self._known(pair)
        synonyms = Synonyms([*self._synonyms.pairs, *((form, known) for form in self._said(pair))])
        improved = 0
        for case in self._cases.all:
            if case.text.has(pair.said):
                before, after = case.rank(), case.rank(synonyms)
                if before < after and before <= SHOWN:
                    return pair
                improved += after < before and after <= SHOWN
        return replace(pair, improved=improved)

    def _said(self, pair: _Pair) -> tuple[str, ...]:
        """Return the forms in which questions have a term, each as the first of them writes it."""
        forms: dict[str, str] = {}
        for case in self._cases.some(pair.cases):
            forms.setdefault(case.text.terms[pair.said].written, case.said(pair.said))
        return tuple(forms.values())

    def _known(self, pair: _Pair) -> str:
        """Return the term of the rows as most of them write it."""
        forms = Counter(case.known(pair.known) for case in self._cases.some(pair.cases))
        return forms.most_common(1)[0][0]

    def _proposal(self, pair: _Pair) -> Proposal:
        ids = [id_ for case in self._cases.some(pair.cases) for id_ in case.ids]
        key = f"{pair.said}\0{pair.known}"
        return Proposal(key, self._said(pair), self._known(pair), tuple(sorted(ids)), pair.improved)


def _best_of_each(pairs: Sequence[_Pair]) -> list[_Pair]:
    """Return the best pair of each term that is said, with the longest term that explains as many questions."""
    best: dict[str, _Pair] = {}
    for pair in sorted(pairs, key=lambda pair: pair.fit, reverse=True):
        first = best.setdefault(pair.said, pair)
        if first.known in pair.known and len(first.cases) == len(pair.cases) and len(first.known) < len(pair.known):
            best[pair.said] = pair
    return list(best.values())


def _is_ambiguous(pair: _Pair, pairs: Sequence[_Pair]) -> bool:
    """Return whether another pair explains the same as well: another word said as often, or another word known."""
    return any(_is_rival(pair, other) for other in pairs)


def _is_rival(pair: _Pair, other: _Pair) -> bool:
    same_said = other.said == pair.said and not _are_nested(other.known, pair.known)
    same_known = other.known == pair.known and not _are_nested(other.said, pair.said)
    return (same_said and other.fit >= pair.fit) or (same_known and other.cases >= pair.cases)


def _are_nested(one: str, other: str) -> bool:
    return one in other or other in one
