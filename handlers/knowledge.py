"""`/kb`: what admins do with knowledge bases and channels."""

import html
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future

from handlers import editing, learned, misses, proposals, reports, settings, versions
from handlers.desk import Services, Turn
from handlers.views import admin
from handlers.views.message import notice
from handlers.views.text import one_line
from indexes.registry import Report, unknown

ECHO = 60
"""Characters of an unknown action or name that are shown again."""
LISTED = 1000
"""Characters that a list of names may take."""


def command(services: Services, turn: Turn) -> None:
    """`/kb action …`: for admins, but for what members may do; checked at every use."""
    action, argument, *_ = [*_typed(turn).split(maxsplit=1), "", ""]
    if turn.refuse_unless_known():
        return
    if not turn.person.is_admin and action.casefold() not in FOR_MEMBERS:
        turn.whisper(notice(turn.texts("access.admins")))
        return
    run = ACTIONS.get(action.casefold() or "help", _unknown)
    argument = argument.strip()
    run(services, turn, argument if run is editing.command else unicodedata.normalize("NFKC", argument))


def _typed(turn: Turn) -> str:
    """Return what followed the command, as it was typed: Slack escapes it."""
    return html.unescape(str(turn.body.get("text") or ""))


def _help(services: Services, turn: Turn, _: str) -> None:
    turn.whisper(notice(turn.texts("kb.help", command=services.admin_command)))


def _unknown(services: Services, turn: Turn, _: str) -> None:
    action = one_line(_typed(turn).replace("`", "'"), ECHO)
    explained = [turn.texts("kb.unknown", action=action), turn.texts("kb.help", command=services.admin_command)]
    turn.whisper(notice("\n".join(explained)))


def _reload(services: Services, turn: Turn, argument: str) -> None:
    services.rescan()
    chosen = _chosen(services, turn, argument)
    if not chosen:
        turn.whisper(notice(turn.texts("kb.nothing_to_reload", command=services.admin_command)))
        return
    names = one_line(", ".join(chosen), LISTED)
    turn.whisper(notice(turn.texts("kb.reloading", names=f"*{names}*")))
    waiting: list[Future[Report]] = [services.registry.reload(name) for name in chosen]
    reports = [future.result() for future in waiting]
    try:
        turn.whisper(admin.reloaded(reports, turn.texts))
    finally:  # what was done is in the audit log even when Slack takes no report
        for report in reports:
            outcome = (
                str(report.error)
                if report.error
                else f"{report.records} records, +{report.added} ~{report.changed} -{report.removed}"
            )
            services.journal.record(turn.user, turn.channel, f"reload {report.name}", outcome)


def _chosen(services: Services, turn: Turn, argument: str) -> tuple[str, ...]:
    """Return which knowledge bases to reload: the named one, all, or the channel's own."""
    known = services.registry.sources()
    if argument.casefold() == "all":
        return known
    if not argument:
        return services.channels.of(turn.channel).knowledge_bases
    name = argument.removesuffix(".csv")
    if name not in known:
        raise unknown(name[:ECHO], known)
    return (name,)


def _status(services: Services, turn: Turn, _: str) -> None:
    loaded = services.registry.loaded
    view = admin.status(
        loaded,
        {name for name, one in loaded.items() if one.file_changed},
        services.registry.failures,
        services.channels.configured(),
        services.channels.shared,
        services.process(),
        services.journal.trouble,
        time.time(),
        turn.texts,
    )
    turn.whisper(view)


def _channels(services: Services, turn: Turn, _: str) -> None:
    turn.whisper(admin.channels(services.channels.configured(), services.channels.shared, turn.texts))


ACTIONS: dict[str, Callable[[Services, Turn, str], None]] = {
    "reload": _reload,
    "status": _status,
    "auto-reply": settings.auto_reply,
    "threshold": settings.threshold,
    "settings": settings.opened,
    "stats": reports.statistics,
    "audit": reports.audit,
    "channels": _channels,
    "versions": versions.listed,
    "rollback": versions.rollback,
    "export": versions.exported,
    "add": editing.command,
    "proposals": proposals.command,
    "misses": misses.listed,
    "learned": learned.listed,
    "help": _help,
}
FOR_MEMBERS = {"add"}
"""What the others may type too; it knows what each of them may do."""
