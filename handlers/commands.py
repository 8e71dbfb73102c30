"""`/kb`: what admins do with knowledge bases and channels."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

from handlers.access import Need
from handlers.admin import quiet, reports, settings, waiting
from handlers.admin.views import admin
from handlers.admin.views import recovery as recovery_view
from handlers.admin.views import replicas as replicas_view
from handlers.admin.views.sources import trouble
from handlers.audience import closed_to
from handlers.entries import editing, proposals
from handlers.files import removal, versions
from handlers.files.applying import PROGRESS_SECONDS
from handlers.files.fetching import poll_for, polled_sources
from handlers.freshness import reviewing
from handlers.knowledge.shared import known_files
from handlers.learning import learned_aliases, misses
from handlers.learning.proof import proofs_of
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice, section
from handlers.slack.mrkdwn import one_line, unescaped
from handlers.store.audit import AuditLog
from handlers.store.questions import DAYS, MOST_DAYS
from handlers.synonyms import proposing
from indexes.messages import Translatable
from indexes.names import find_name
from indexes.registry import unknown_knowledge_base
from indexes.reload_report import ReloadReport
from indexes.text import unicode_form

ECHO = 60
"""Characters of an unknown action or name that are shown again."""
QUESTIONS_READY = 10
"""Knowledge bases of which it is told that their questions are ready."""
LISTED = 1000
"""Characters of a list of names."""
_DIGITS = 9
"""Digits of a number that is read: Python makes none of thousands."""


def command(services: Services, request: Request) -> None:
    """`/kb action …`: run what was typed."""
    name, argument = _split(request)
    action = ACTIONS.get(name, UNKNOWN)
    action.run(services, request, argument if action.as_typed else unicode_form("NFKC", argument))


def need(request: Request) -> Need:
    """Return who may run the typed action."""
    return need_of(_split(request)[0])


def need_of(action: str) -> Need:
    """Return who may run an action, by its name."""
    return ACTIONS.get(action, UNKNOWN).needs


def _split(request: Request) -> tuple[str, str]:
    """Split what was typed into the name of the action and its argument."""
    name, argument, *_ = [*_typed(request).split(maxsplit=1), "", ""]
    return name.casefold() or "help", argument.strip()


def _typed(request: Request) -> str:
    """Return the text after the command, as it was typed: Slack escapes it."""
    return unescaped(str(request.body.get("text") or ""))


def _help(services: Services, request: Request, _: str) -> None:
    request.tell_privately(notice(request.texts("kb.help", command=services.config.admin_command)))


def _unknown(services: Services, request: Request, _: str) -> None:
    action = one_line(_typed(request).replace("`", "'"), ECHO)
    explained = [
        request.texts("kb.unknown", action=action),
        request.texts("kb.help", command=services.config.admin_command),
    ]
    request.tell_privately(notice("\n".join(explained)))


def _reload(services: Services, request: Request, argument: str) -> None:
    services.rescan()
    chosen = _chosen(services, request, argument)
    if not chosen:
        request.tell_privately(notice(request.texts("kb.nothing_to_reload", command=services.config.admin_command)))
        return
    names = one_line(", ".join(chosen), LISTED)
    request.tell_privately(notice(request.texts("kb.reloading", names=f"*{names}*")))
    fetched = _fetched(services, request, chosen)
    others = [name for name in chosen if name not in fetched]
    waiting: list[Future[ReloadReport]] = [services.maintenance.reload(name) for name in others]
    _tell_when_questions_are_ready(services, request, others, waiting)
    reports = [*fetched.values(), *(future.result() for future in waiting)]
    try:
        request.tell_privately(admin.reloaded(reports, closed_to(services, request.user), request.texts))
    finally:  # what was done is in the audit log even when Slack takes no report
        for report in reports:
            AuditLog(services.database).record(request.user, request.channel, _told(report))


def _fetched(services: Services, request: Request, names: Sequence[str]) -> dict[str, ReloadReport]:
    """Ask the sources of those that are fetched; return reports of what was new, and tell what was not to be had."""
    polled = {name: poll_for(services, request, name) for name in names if name in services.config.remotes.by_name}
    told = polled_sources(services, request.user) if polled else {}
    lines = [f"*{one_line(name, ECHO)}*: {said}" for name in polled if (said := trouble(told[name], request.texts))]
    if lines:
        request.tell_privately(notice("\n".join(lines)))
    return {name: each.report for name, each in polled.items() if each.report}


def _tell_when_questions_are_ready(
    services: Services, request: Request, names: Sequence[str], waiting: Sequence[Future[ReloadReport]]
) -> None:
    """Until all is done, tell once how far it is: when the questions of a large file can be searched by meaning."""
    while wait(waiting, PROGRESS_SECONDS).not_done:
        loaded, encoding = services.registry.loaded, services.registry.encoding
        ready = [name for name in names if name in encoding and name in loaded and loaded[name].by_questions]
        if ready:
            said = [
                (one_line(name, ECHO), admin.prepared(loaded[name], encoding[name], request.texts)) for name in ready
            ]
            request.tell_privately(notice("\n".join(f"*{name}*: {far}" for name, far in said[:QUESTIONS_READY])))
            return


def _told(report: ReloadReport) -> Translatable:
    """Return the audit entry of a reload."""
    if report.error:
        return Translatable("audit.reload_failed", name=report.name, error=report.error)
    counts = {"added": report.added, "changed": report.changed, "removed": report.removed}
    return Translatable("audit.reload", name=report.name, records=report.records, **counts)


def _chosen(services: Services, request: Request, argument: str) -> tuple[str, ...]:
    """Return which knowledge bases to reload: the named one, all, or the channel's own."""
    known = services.registry.sources()
    if argument.casefold() == "all":
        return known
    if not argument:
        return services.channels.of(request.channel).knowledge_bases
    name = find_name(argument, known)
    if name is None:
        raise unknown_knowledge_base(argument[:ECHO], known)
    return (name,)


def _status(services: Services, request: Request, _: str) -> None:
    loaded, closed = services.registry.loaded, closed_to(services, request.user)
    quoting = {name: replace(one, trouble=admin.ELSEWHERE) for name, one in loaded.items() if one.trouble}
    view = admin.status(
        {name: quoting[name] if name in closed and name in quoting else one for name, one in loaded.items()},
        {name for name, one in loaded.items() if one.file_changed},
        admin.without_content(services.registry.failures, closed),
        [proofs_of(services, channel) for channel in services.channels.configured()],
        services.channels.shared,
        services.process(),
        services.database.damage or services.database.trouble,
        services.database.server(),
        known_files(services.database, services.config.knowledge_dir).all(),
        time.time(),
        services.registry.encoding,
        request.texts,
        polled_sources(services, request.user),
    )
    of_recovery = recovery_view.in_status(services.database.recovery.waiting, request.texts)
    of_replicas = replicas_view.in_status(
        services.membership.all(), services.membership.id, services.config.digest, request.texts
    )
    quiet_now = quiet.state(services.messenger.quiet.until(), services.config.admin_command, request.texts)
    of_quiet = [section(quiet_now)] if quiet_now else []
    request.tell_privately(replace(view, blocks=[*of_recovery, *of_quiet, *view.blocks, *of_replicas]))


def _for_days(action: str, run: Callable[[Services, Request, int], None]) -> Callable[[Services, Request, str], None]:
    """Wrap an action that takes a number of days; for any other argument the usage is shown."""

    def run_for_days(services: Services, request: Request, argument: str) -> None:
        days = _days(argument)
        if days is None:
            usage = {"command": services.config.admin_command, "action": action, "most": MOST_DAYS}
            request.tell_privately(notice(request.texts("kb.days.usage", **usage)))
        else:
            run(services, request, days)

    return run_for_days


def _days(argument: str) -> int | None:
    """Read a number of days; None if it is none, or out of range."""
    if not argument:
        return DAYS
    is_number = argument.isascii() and argument.isdecimal() and len(argument) <= _DIGITS
    return int(argument) if is_number and 0 < int(argument) <= MOST_DAYS else None


@dataclass(frozen=True)
class Action:
    """An action of `/kb`, and who may run it; `as_typed` if its argument goes into a file and is not normalized."""

    run: Callable[[Services, Request, str], None]
    needs: Need
    as_typed: bool = False


ACTIONS = {
    "reload": Action(_reload, Need.ADMIN),
    "status": Action(_status, Need.ADMIN),
    "auto-reply": Action(settings.auto_reply, Need.ADMIN),
    "threshold": Action(settings.threshold, Need.ADMIN),
    "quiet": Action(quiet.command, Need.ADMIN),
    "settings": Action(settings.opened, Need.ADMIN),
    "stats": Action(_for_days("stats", reports.statistics), Need.ADMIN),
    "audit": Action(reports.audit, Need.ADMIN),
    "channels": Action(waiting.listed, Need.ADMIN),
    "remove": Action(removal.command, Need.ADMIN),
    "versions": Action(versions.listed, Need.ADMIN),
    "rollback": Action(versions.rollback, Need.ADMIN),
    "export": Action(versions.exported, Need.ADMIN),
    "add": Action(editing.command, Need.MEMBER, as_typed=True),
    "proposals": Action(proposals.command, Need.ADMIN),
    "misses": Action(_for_days("misses", misses.listed), Need.ADMIN),
    "learned": Action(learned_aliases.listed, Need.ADMIN),
    "synonyms": Action(proposing.listed, Need.ADMIN),
    "stale": Action(reviewing.listed, Need.ADMIN),
    "help": Action(_help, Need.ADMIN),
}
UNKNOWN = Action(_unknown, Need.ADMIN)
