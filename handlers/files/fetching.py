"""Taking what a source has: with the checks of an upload, and an admin's press where many entries would be gone."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

from handlers.admin.views.admin import ELSEWHERE
from handlers.admin.views.sources import Polled
from handlers.admins import active_admins, tell_each
from handlers.audience import closed_to
from handlers.files.applying import write_file
from handlers.files.pending import EXPIRES_SECONDS, Upload
from handlers.files.sources import pending_files, preview_of
from handlers.files.uploads import card
from handlers.remote.fetching import Fetched
from handlers.remote.network import FetchError
from handlers.remote.places import Remote
from handlers.remote.state import SourceState, SourceStates
from handlers.request import Request
from handlers.services import Services
from handlers.store.exclusive import WAIT_SECONDS, BusyError
from handlers.texts import ENGLISH
from indexes.errors import KnowledgeBaseError
from indexes.records import Source
from indexes.records.editing import digest_of
from indexes.reload_report import ReloadReport
from indexes.storage.import_preview import ImportPreview

log = logging.getLogger(__name__)

Clock = Callable[[], float]
MOST_REMOVED = 0.3
"""The part of the entries that a source may take away without an admin being asked."""


@dataclass(frozen=True)
class Poll:
    """What is known of a source now; `report` is that of the reload, if there was something new."""

    state: SourceState
    report: ReloadReport | None = None


def poll(services: Services, name: str, clock: Clock = time.time, *, at_once: bool = False) -> Poll:
    """Ask a source whether it has something new, if that is due and nobody else is asking it; or `at_once`, after them.

    Raises StoreError, and CancelledError while the bot stops.
    """
    states, remotes = SourceStates(services.database), services.config.remotes.by_name

    def is_due(state: SourceState) -> bool:
        return at_once or state.due <= clock()

    if not is_due(known := states.get(name)):
        return Poll(known)
    wait_seconds = WAIT_SECONDS if at_once else 0.0
    with suppress(BusyError), services.database.exclusively(f"source {name}", wait_seconds):
        if is_due(before := states.get(name)):
            source = services.registry.source(name)
            polled = _Attempt(services, source, remotes[name], clock(), is_asked=at_once).poll(before)
            states.put(name, polled.state, remotes)
            _log(name, remotes[name].place.host, before, polled)
            return polled
    return Poll(states.get(name))


def poll_for(services: Services, request: Request, name: str) -> Poll:
    """Ask a source now for an admin, and show them the change that waits for an admin, if there is one."""
    polled = poll(services, name, at_once=True)
    upload = _waiting(services, polled.state)
    if upload and name not in closed_to(services, request.user):
        request.tell_privately(card(services, upload, request.texts))
    return polled


def polled_sources(services: Services, user: str | None = None, now: float | None = None) -> dict[str, Polled]:
    """Return what is known of all sources, as this user may see it; without a user, all of it."""
    remotes = services.config.remotes.by_name
    if not remotes:
        return {}
    states, closed = SourceStates(services.database).all(), closed_to(services, user) if user else frozenset()
    now = time.time() if now is None else now
    found = {}
    for name, remote in remotes.items():
        state = states.get(name, SourceState())
        if name in closed and state.why and not state.why.key.startswith("source."):  # what reading it complains of
            state = replace(state, why=ELSEWHERE)
        found[name] = Polled(remote.place.host, state, _waiting(services, state) is not None, now)
    return found


@dataclass(frozen=True)
class _Attempt:
    """One attempt to bring a copy up to date; `is_asked` if an admin has asked for it."""

    services: Services
    source: Source
    remote: Remote
    now: float
    is_asked: bool

    def poll(self, before: SourceState) -> Poll:
        """Fetch what the source has, and take it; whatever goes wrong is in the state."""
        try:
            known = self._known(before)
            # for an admin all of it is fetched: a host may be wrong when it says that nothing has changed
            etag, modified = ("", "") if self.is_asked else (known.etag, known.modified)
            fetched = self.services.config.remotes.fetcher.fetch(self.remote, etag, modified)
            if fetched is None:
                return Poll(self._up_to_date(known))
            body = sha256(fetched.data).hexdigest()
            if body == known.body:
                return Poll(self._up_to_date(replace(known, etag=fetched.etag, modified=fetched.modified)))
            return self._take(fetched, known, body)
        except FetchError as error:
            return Poll(before.failed(error.message, self.now, self.remote.poll_seconds, error.retry_after))
        except KnowledgeBaseError as error:
            return Poll(self._unusable(before, error))

    def _known(self, before: SourceState) -> SourceState:
        """Return what is known, as far as it is of this address and the copy is still what was made of it."""
        if before.key == self.remote.key and before.copy and before.copy == digest_of(self.source.path):
            return before
        return replace(before, key=self.remote.key, etag="", modified="", body="", copy="")

    def _take(self, fetched: Fetched, known: SourceState, body: str) -> Poll:
        """Put what was fetched in the place of the copy, unless an admin is to be asked. Raises KnowledgeBaseError."""
        file = f"{self.source.name}{fetched.ending}"
        found = preview_of(self.services, self.source, fetched.data, file, fetched=True)
        if len(found.removed) > MOST_REMOVED * found.before:
            return Poll(self._ask(fetched, found, file, known, body))
        report = None if found.is_identical else self._put(found)
        taken = replace(known, etag=fetched.etag, modified=fetched.modified, body=body)
        state = self._up_to_date(replace(taken, copy=sha256(found.data).hexdigest()))
        if report and report.error:
            state = state.failed(report.error, self.now, self.remote.poll_seconds)
        elif report:
            state = state.changed_by(report, self.now)
        return Poll(state, report)

    def _put(self, found: ImportPreview) -> ReloadReport:
        services, name = self.services, self.source.name
        with services.locks("knowledge base", name):
            write_file(services, found, "source", "")
            if name not in services.registry.loaded:
                services.rescan()  # before it is first read: the channel that has its name by then gets it
            return services.maintenance.reload(name).result()

    def _ask(self, fetched: Fetched, found: ImportPreview, file: str, known: SourceState, body: str) -> SourceState:
        """Ask admins about a change, once a day while the source has it; meanwhile the copy goes on serving.

        While the bot is quiet nobody is asked, but at the first poll after it.
        """
        pause = self.remote.poll_seconds
        is_recent = known.asked_body == body and self.now - known.asked_at < EXPIRES_SECONDS
        if is_recent and (_waiting(self.services, known) or not self.is_asked):
            return known.waiting(known.asked, body, known.asked_at, self.now, pause)
        self._withdraw(known)
        upload = pending_files(self.services).keep(fetched.data, file, "", "", self.source.name, is_certain=True)
        if not self.is_asked:
            tell_each(self.services, self._who_may_see(), lambda texts: card(self.services, upload, texts, found))
        was_told = self.is_asked or self.services.messenger.unasked().may_post()
        return known.waiting(upload.id, body if was_told else "", self.now, self.now, pause)

    def _who_may_see(self) -> list[str]:
        services, name = self.services, self.source.name
        return [admin for admin in active_admins(services) if name not in closed_to(services, admin)]

    def _up_to_date(self, state: SourceState) -> SourceState:
        self._withdraw(state)
        return state.up_to_date(self.now, self.remote.poll_seconds)

    def _withdraw(self, state: SourceState) -> None:
        """Take back what was asked about a content that the source doesn't have any more."""
        if upload := _waiting(self.services, state):
            with pending_files(self.services).decided(upload):
                log.info("%s: the change that waited for an admin is not at the source any more", self.source.name)

    def _unusable(self, before: SourceState, error: KnowledgeBaseError) -> SourceState:
        """Note that what the source has can't be used: somebody may be mending it, so the pause stays short."""
        return replace(before, failures=0).failed(error.message, self.now, self.remote.poll_seconds)


def _waiting(services: Services, state: SourceState) -> Upload | None:
    """Return the change that waits for an admin; None if there is none, or it was decided."""
    return pending_files(services).get(state.asked) if state.asked else None


def _log(name: str, host: str, before: SourceState, polled: Poll) -> None:
    """Log what is new; a failure that goes on is logged once."""
    state, report = polled.state, polled.report
    if state.why and state.why != before.why:
        log.warning(
            "%s can't be fetched from %s; what was fetched last is used: %s", name, host, ENGLISH.say(state.why)
        )
    elif before.why and not state.why:
        log.info("%s can be fetched from %s again", name, host)
    if state.asked != before.asked and state.asked:
        log.warning("%s: %s has so few of the entries that an admin is asked first", name, host)
    if report and not report.error:
        counts = (report.added, report.changed, report.removed, len(report.problems))
        log.info("%s was fetched from %s: %d added, %d changed, %d removed, %d problems", name, host, *counts)
