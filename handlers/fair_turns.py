"""Whose job is next: one place after the other, and in each place one person after the other."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Job = Callable[[], None]
Place = OrderedDict[str, deque[Job]]
"""The jobs of each person in a place, those of the person whose turn is next first."""


@dataclass(frozen=True)
class Source:
    """Whose a job is: of a person, in a channel or in direct messages; both may be blank."""

    person: str
    place: str


@dataclass(frozen=True)
class Limits:
    """How many jobs may wait, in all and for one place or person, and how many may run."""

    waiting: int
    waiting_in_place: int
    waiting_of_person: int
    running: int
    running_in_place: int
    running_of_person: int


class FairTurns:
    """The jobs of one kind that wait, and how many of them run. Not for several threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._waiting = _Tally()
        self._running = _Tally()

    def __len__(self) -> int:
        """Jobs that wait."""
        return self._waiting.all

    @property
    def running(self) -> int:
        """Jobs that were taken and have not been finished."""
        return self._running.all

    def has_waiting(self, source: Source) -> bool:
        """Return whether a job of this person in this place waits."""
        return source.person in self._places.get(source.place, ())

    def put(self, source: Source, job: Job) -> bool:
        """Let a job wait for its turn; False when as many wait as may."""
        limits = self._limits
        if not self._waiting.is_below(source, limits.waiting, limits.waiting_in_place, limits.waiting_of_person):
            return False
        self._waiting.add(source, 1)
        self._places.setdefault(source.place, OrderedDict()).setdefault(source.person, deque()).append(job)
        return True

    def take(self) -> tuple[Source, Job] | None:
        """Take the job whose turn it is; None when nothing waits that may run now. Call `finished` after it."""
        source = next(filter(self._may_run, self._in_turn()), None)
        if source is None:
            return None
        self._waiting.add(source, -1)
        self._running.add(source, 1)
        return source, self._pop(source)

    def finished(self, source: Source) -> None:
        """Give back the turn of a job that was taken."""
        self._running.add(source, -1)

    def clear(self) -> None:
        """Give up all jobs that wait."""
        self._places.clear()
        self._waiting = _Tally()

    def _in_turn(self) -> Iterator[Source]:
        return (Source(person, name) for name, people in self._places.items() for person in people)

    def _may_run(self, source: Source) -> bool:
        limits = self._limits
        return self._running.is_below(source, limits.running, limits.running_in_place, limits.running_of_person)

    def _pop(self, source: Source) -> Job:
        """Take the oldest job of a person in a place, and put both at the end of their rows."""
        people = self._places[source.place]
        job = people[source.person].popleft()
        people.move_to_end(source.person)
        if not people[source.person]:
            del people[source.person]
        self._places.move_to_end(source.place)
        if not people:
            del self._places[source.place]
        return job


class _Tally:
    """Numbers of jobs: in all, by place and by person."""

    def __init__(self) -> None:
        self.all = 0
        self._in_place: Counter[str] = Counter()
        self._of_person: Counter[str] = Counter()

    def add(self, source: Source, number: int) -> None:
        self.all += number
        for tally, key in ((self._in_place, source.place), (self._of_person, source.person)):
            tally[key] += number
            if not tally[key]:
                del tally[key]

    def is_below(self, source: Source, most: int, in_place: int, of_person: int) -> bool:
        return (
            self.all < most and self._in_place[source.place] < in_place and self._of_person[source.person] < of_person
        )
