"""Running a model on two threads: questions first; bulk work on both while nobody asks, else on the second."""

import gc
import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.encoder.names import unavailable
from indexes.encoder.protocol import (
    Model,
    Outcomes,
    Progress,
    Reduced,
    Vector,
    Vectors,
    encode_each,
    or_zeros,
    unit_rows,
)
from indexes.errors import EncodingError, ModelUnavailableError
from indexes.memory import release_memory
from indexes.messages import Translatable

log = logging.getLogger(__name__)

QUERY_BATCH = 4
"""Most questions per batch. A batch has one and a half times the throughput of single questions; larger batches gain
nothing, and each question waits for the longest in its batch."""
STEP_TOKENS = 128
"""Tokens per step of bulk work, padding included: 32 ms with 6 layers, 65 ms with 12.

In ONNX Runtime, 16 texts of 8 tokens at once take .47 of the time that they take one by one, 8 of 16 tokens .69, 4 of
32 tokens .83, 2 of 64 tokens .94. Twice the tokens gain 1 to 4% more (6 to 14% in torch), and a question that arrives
waits twice as long.
"""
STEP_SECONDS = 0.065
"""Longest step of the first thread, in CPU time: what STEP_TOKENS take with 12 layers. With 6 layers, or in 8 bits, a
text of 256 tokens takes no longer."""
AHEAD = 8
"""Steps of one call that are queued or being worked on, so that neither thread waits for the caller, which takes them
in order, nor for a long text, which takes as long as several steps."""
QUIET_SECONDS = 5.0
"""How long nobody may have asked before the first thread helps with bulk work: questions come in bursts."""
_COUNTED = 64
"""Texts whose tokens are counted at a time; other threads can't tokenize meanwhile."""
_LARGE = 8
"""Texts of one call from which on freed memory is worth returning."""
RECENT = 1000
"""Questions whose vectors are remembered, 1.5 MB at 384 dimensions: people repeat questions, and edits repeat them."""
SAME_VECTOR = 0.9999
"""Least cosine between the vectors of one text by two forms of a model that may replace each other."""
CANARIES = (
    "パスワードを忘れました",
    "会議室の予約方法を教えてください",
    "How do I reset my password?",
    "VPN接続 error 619",
)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """Texts to encode, and the future of their vectors, or of why there are none."""

    texts: Sequence[str]
    is_query: bool
    tokens: int = 0
    """Tokens of a bulk step, padding included."""
    answer: Future[Outcomes] = field(default_factory=Future)


class EncoderWorker:
    """An `Encoder` that loads, tokenizes and encodes on two threads of its own, one core each.

    Both take bulk work in short steps while no question waits. When somebody asks, the first thread is there within
    one step, and then takes only questions until nobody has asked for `quiet` seconds. More threads would compete for
    cores: 16 threads that call a model directly do half as much. The vectors of the last `recent` different questions
    are remembered.
    """

    def __init__(
        self, name: str, load: Callable[[], Model], recent: int = RECENT, quiet: float = QUIET_SECONDS
    ) -> None:
        """Start loading; every other method waits for it, and raises its error."""
        self._requested_name = name
        self._changed = threading.Condition()
        self._queries: deque[_Job] = deque()
        self._bulk: deque[_Job] = deque()
        self._recent: OrderedDict[str, Vector] = OrderedDict()
        self._most_recent = recent
        self._quiet = quiet
        self._last_asked = -quiet
        self._idle = 0
        self._token_seconds = math.inf
        self._closed = False
        self._model: Model | None = None
        self._loaded: Future[Vectors] = Future()
        self._threads = (
            threading.Thread(target=self._run, args=(load,), name="encoder", daemon=True),
            threading.Thread(target=self._work, kwargs={"first": False}, name="encoder-bulk", daemon=True),
        )
        self._threads[0].start()

    @property
    def name(self) -> str:
        """See `Encoder.name`."""
        return self._current().name

    @property
    def revision(self) -> str:
        """See `Encoder.revision`."""
        return self._current().revision

    @property
    def dimension(self) -> int:
        """See `Encoder.dimension`."""
        return int(self.canaries.shape[1])

    @property
    def canaries(self) -> Vectors:
        """See `Encoder.canaries`; the texts are `CANARIES`, encoded as documents."""
        return self._loaded.result()

    @property
    def variant(self) -> str:
        """See `Encoder.variant`."""
        return _variant(self._current())

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for a vector."""
        with self._changed:
            return not self._queries and not self._bulk

    def wait(self) -> None:
        """Wait until the model is loaded. Raises ModelUnavailableError."""
        self._loaded.result()

    def swap(self, model: Model) -> bool:
        """Use another form of the same model from the next batch on; False if it would give other vectors.

        A batch that is being encoded is finished with the form that began it. For a `Reduced` model, the vectors that
        count are those of the one that it stands for.
        """
        vectors = _canaries(model)
        if (model.name, model.revision) != (self.name, self.revision) or not is_same(vectors, self.canaries):
            return False
        with self._changed:
            if _variant(model) != self.variant:
                self._recent = OrderedDict()  # what the other form is still encoding is remembered in the old one
            self._model = model
            self._token_seconds = math.inf
        return True

    def encode_query(self, text: str) -> Vector:
        """See `Encoder.encode_query`. Raises EncodingError, and ModelUnavailableError once closed."""
        return self.begin_query(text).result()

    def begin_query(self, text: str) -> Future[Vector]:
        """See `Encoder.begin_query`; errors of the model are the future's."""
        asked: Future[Vector] = Future()
        known = self._recall(text)
        if known is not None:
            asked.set_result(known.copy())
        else:
            recent = self._recent
            job = self._submit(self._queries, _Job([text], is_query=True))
            job.answer.add_done_callback(partial(self._answer, recent, text, asked))
        return asked

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder.encode_queries`. They are remembered like the questions of people."""
        recent = self._recent
        known = {text: vector for text in texts if (vector := self._recall(text)) is not None}
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        for rows, encoded in self._vectors(fresh, are_queries=True):
            for row, vector in zip(rows, encoded, strict=True):
                known[fresh[row]] = vector
                if vector.any():
                    self._remember(recent, fresh[row], vector)
        return np.array([known[text] for text in texts], np.float32).reshape(len(texts), self.dimension)

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """See `Encoder.encode_documents`. In the order of their tokens, so that the texts of a step are equally long.

        `progress` is called in the caller's thread, after each step; if it raises, what hasn't begun is given up.
        """
        vectors, done = np.empty((len(texts), self.dimension), np.float32), 0
        with closing(self._vectors(texts, are_queries=False)) as steps:
            for rows, encoded in steps:
                vectors[rows] = encoded
                done += len(rows)
                if progress:
                    progress(done, len(texts))
        if len(texts) > _LARGE:
            release_memory()
        return vectors

    def _vectors(self, texts: Sequence[str], *, are_queries: bool) -> Generator[tuple[list[int], Vectors], None, None]:
        """Yield numbers of texts and their vectors; log how many have none."""
        failures: list[EncodingError] = []
        with closing(self._in_steps(texts, are_queries=are_queries)) as steps:
            for rows, outcomes in steps:
                failures += [each for each in outcomes if isinstance(each, EncodingError)]
                yield rows, or_zeros(outcomes, self.dimension)
        if failures:
            log.warning("%d of %d texts have no vector: %s", len(failures), len(texts), failures[-1])

    def _in_steps(
        self, texts: Sequence[str], *, are_queries: bool
    ) -> Generator[tuple[list[int], Outcomes], None, None]:
        """Yield numbers of texts and what became of them, with up to AHEAD steps queued."""
        begun: deque[tuple[list[int], _Job]] = deque()
        try:
            for rows, tokens in in_steps(self._count_tokens(texts)):
                begun.append((rows, self._submit(self._bulk, _Job([texts[row] for row in rows], are_queries, tokens))))
                if len(begun) == AHEAD:
                    yield _outcome(*begun.popleft())
            while begun:
                yield _outcome(*begun.popleft())
        finally:
            self._withdraw([job for _, job in begun])

    def _count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, in the caller's thread: a hundredth of the time of encoding."""
        model = self._current()
        return [count for at in range(0, len(texts), _COUNTED) for count in _counts(model, texts[at : at + _COUNTED])]

    def _withdraw(self, jobs: Sequence[_Job]) -> None:
        """Remove jobs that haven't begun; nobody waits for those that have."""
        with self._changed:
            for job in jobs:
                if job in self._bulk:
                    self._bulk.remove(job)

    def close(self, timeout: float = 5.0) -> None:
        """Fail all waiting calls; end the threads when their current batches (or the load) are done."""
        with self._changed:
            self._closed = True
            abandoned: list[Future[Any]] = [job.answer for job in (*self._queries, *self._bulk)]
            if not self._loaded.done():
                abandoned.append(self._loaded)
            self._queries.clear()
            self._bulk.clear()
            for waiting in abandoned:
                waiting.set_exception(self._closed_error())
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout)

    def _recall(self, text: str) -> Vector | None:
        with self._changed:
            if self._closed:
                raise self._closed_error()
            if text in self._recent:
                self._recent.move_to_end(text)
            return self._recent.get(text)

    def _remember(self, recent: OrderedDict[str, Vector], text: str, vector: Vector) -> None:
        with self._changed:
            recent[text] = vector
            if len(recent) > self._most_recent:
                recent.popitem(last=False)

    def _answer(
        self, recent: OrderedDict[str, Vector], text: str, asked: Future[Vector], encoded: Future[Outcomes]
    ) -> None:
        """Settle the future of one question; called by the thread that encoded it."""
        error = encoded.exception()
        outcome = error or encoded.result()[0]
        if isinstance(outcome, BaseException):
            asked.set_exception(outcome)
            return
        self._remember(recent, text, outcome.copy())
        asked.set_result(outcome)

    def _closed_error(self) -> ModelUnavailableError:
        return ModelUnavailableError("model.closed", model=self._requested_name)

    def _submit(self, queue: deque[_Job], job: _Job) -> _Job:
        self.wait()
        with self._changed:
            if self._closed:
                raise self._closed_error()
            queue.append(job)
            if queue is self._queries:
                self._last_asked = time.monotonic()
            self._changed.notify_all()
        return job

    def _run(self, load: Callable[[], Model]) -> None:
        try:
            canaries = self._load(load)
        except BaseException as error:  # noqa: BLE001 - raised for everyone who waits for the model
            self._settle_load(error)
            return
        release_memory()
        self._settle_load(canaries)
        self._threads[1].start()
        self._work(first=True)

    def _work(self, *, first: bool) -> None:
        while self._do_next(first=first):
            pass

    def _do_next(self, *, first: bool) -> bool:
        """Wait for one batch and encode it; return False when closed. No model is held while nothing is to do."""
        work = self._next_work(first=first)
        if work:
            started = time.thread_time()
            _encode_jobs(*work)
            self._note_pace(sum(job.tokens for job in work[1]), time.thread_time() - started)
        return work is not None

    def _note_pace(self, tokens: int, seconds: float) -> None:
        """Note the CPU time of a bulk step, which others on the machine don't change; questions aren't counted."""
        if not tokens:
            return
        with self._changed:
            before = self._token_seconds
            self._token_seconds = seconds / tokens if math.isinf(before) else 0.8 * before + 0.2 * seconds / tokens

    def _current(self) -> Model:
        self.wait()
        assert self._model
        return self._model

    def _settle_load(self, outcome: Vectors | BaseException) -> None:
        with self._changed:
            if self._closed:
                return
            if isinstance(outcome, BaseException):
                self._loaded.set_exception(outcome)
            else:
                self._loaded.set_result(outcome)

    def _load(self, load: Callable[[], Model]) -> Vectors:
        """Load the model; return its canaries."""
        started = time.perf_counter()
        model = load()
        try:
            canaries = _canaries(model)
        except EncodingError as error:
            raise unavailable(self._requested_name, error.message, Translatable("mend.other_model")) from error
        log.info(
            "Model %s is ready after %.1f s: %d dimensions, revision %.12s",
            model.name,
            time.perf_counter() - started,
            canaries.shape[1],
            model.revision,
        )
        self._model = model
        return canaries

    def _next_work(self, *, first: bool) -> tuple[Callable[[Sequence[str]], NDArray[Any]], list[_Job]] | None:
        """Wait for work: at most QUERY_BATCH questions, or else one bulk step; return None when closed.

        If the other thread has nothing to do either, half of the questions are left to it.
        """
        with self._changed:
            while not self._closed:
                if self._queries:
                    count = min(-(-len(self._queries) // (1 + self._idle)), QUERY_BATCH)
                    return self._current().encode_queries, [self._queries.popleft() for _ in range(count)]
                reserved = self._last_asked + self._quiet - time.monotonic()
                if job := self._next_bulk(first=first, helps=reserved <= 0):
                    model = self._current()
                    return model.encode_queries if job.is_query else model.encode_documents, [job]
                self._idle += 1
                self._changed.wait(reserved if first and reserved > 0 and self._bulk else None)
                self._idle -= 1
            return None

    def _next_bulk(self, *, first: bool, helps: bool) -> _Job | None:
        """Take the next step from the queue; the first thread, which must soon be back, only a short one.

        While the first one `helps`, the second leaves the short ones to it as long as there are others.
        """
        job = None
        if helps:
            job = next((job for job in self._bulk if self._is_short(job) == first), None)
        if job is None and not first and self._bulk:
            job = self._bulk[0]
        if job:
            self._bulk.remove(job)
        return job

    def _is_short(self, job: _Job) -> bool:
        """Return whether a step has no more than STEP_TOKENS, or takes no longer than STEP_SECONDS all the same."""
        return job.tokens <= STEP_TOKENS or job.tokens * self._token_seconds <= STEP_SECONDS


def _counts(model: Model, texts: Sequence[str]) -> Sequence[int]:
    """Count the tokens of each text; one that can't be counted is a step of its own, where it will fail again."""
    try:
        return model.count_tokens(texts)
    except Exception:  # noqa: BLE001 - told by the step
        return [STEP_TOKENS] if len(texts) == 1 else [count for text in texts for count in _counts(model, [text])]


def _outcome(rows: list[int], job: _Job) -> tuple[list[int], Outcomes]:
    """Wait for the outcome of a step."""
    return rows, job.answer.result()


def in_steps(tokens: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """Group texts by their numbers of tokens: yield the texts of each step, and its tokens, padding included.

    A step has at most STEP_TOKENS, or one text. The shortest come first; a long one whenever all long ones before it
    have no more tokens than the short steps, so that each thread has its half.
    """
    by_length = sorted(range(len(tokens)), key=tokens.__getitem__)
    long = deque(text for text in by_length if tokens[text] > STEP_TOKENS)
    ahead = 0
    for step in _short_steps(tokens, by_length[: len(by_length) - len(long)]):
        while long and ahead <= 0:
            ahead += tokens[long[0]]
            yield [long[0]], tokens[long.popleft()]
        padded = len(step) * tokens[step[-1]]
        yield step, padded
        ahead -= padded
    for text in long:
        yield [text], tokens[text]


def _short_steps(tokens: Sequence[int], by_length: Sequence[int]) -> Iterator[list[int]]:
    """Yield as many texts at a time as have STEP_TOKENS together when they are padded to the longest, which is last."""
    step: list[int] = []
    for text in by_length:
        if step and (len(step) + 1) * tokens[text] > STEP_TOKENS:
            yield step
            step = []
        step.append(text)
    if step:
        yield step


def _canaries(model: Model) -> Vectors:
    """Encode the fixed texts; raises EncodingError, or what the model raises, if it can encode none of them."""
    if isinstance(model, Reduced):
        return unit_rows(model.canaries, len(CANARIES))
    outcomes = encode_each(model.encode_documents, CANARIES)
    failures = [each for each in outcomes if isinstance(each, EncodingError)]
    if len(failures) == len(outcomes):
        raise failures[0].__cause__ or failures[0]
    return or_zeros(outcomes, next(len(each) for each in outcomes if not isinstance(each, EncodingError)))


def _variant(model: Model) -> str:
    return model.variant if isinstance(model, Reduced) else ""


def is_same(one: Vectors, other: Vectors, least: float = SAME_VECTOR) -> bool:
    """Return whether two forms of a model gave the same vectors for the same texts, of those that both can encode."""
    if one.shape != other.shape:
        return False
    both = one.any(axis=1) & other.any(axis=1)
    return bool(both.any() and (np.sum(one * other, axis=1)[both] >= least).all())


def forget_model() -> None:
    """Free a model that was swapped out: torch's modules refer to each other in circles."""
    gc.collect()
    release_memory()


def _encode_jobs(encode: Callable[[Sequence[str]], NDArray[Any]], jobs: Sequence[_Job]) -> None:
    """Encode the texts of all jobs at once; only faulty ones fail."""
    outcomes = encode_each(encode, [text for job in jobs for text in job.texts])
    start = 0
    for job in jobs:
        job.answer.set_result(outcomes[start : start + len(job.texts)])
        start += len(job.texts)
