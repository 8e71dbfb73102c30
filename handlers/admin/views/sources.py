"""What admins see of the sources that knowledge bases are fetched from: the host alone, never the address."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.slack.mrkdwn import one_line
from handlers.texts import Texts
from indexes.messages import Translatable

if TYPE_CHECKING:
    from handlers.remote.state import SourceState

REASON = 500
HOST = 100
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Polled:
    """A source: its `host`, what is known of it at the time `now`, and whether a change waits for an admin."""

    host: str
    state: "SourceState"
    waits: bool
    now: float


def line(polled: Polled, texts: Texts) -> str:
    """Say how old the copy is, and why it is not newer."""
    state = polled.state
    values = {"host": one_line(polled.host, HOST), "age": _since(state.fetched, polled.now, texts)}
    if state.why:
        key = "source.failed" if state.fetched else "source.never_fetched"
        return texts(key, **values, tried=_since(state.tried, polled.now, texts), reason=_reason(state.why, texts))
    if polled.waits:
        return texts("source.waits", **values)
    if state.asked:
        return texts("source.declined", **values)
    if not state.fetched:
        return texts("source.not_asked", **values)
    return texts("source.fresh", **values) + _last_change(polled, texts)


def trouble(polled: Polled, texts: Texts) -> str:
    """Say the same, or nothing where all is well."""
    is_well = polled.state.fetched and not polled.state.why and not polled.state.asked
    return "" if is_well else line(polled, texts)


def _last_change(polled: Polled, texts: Texts) -> str:
    """Say what the last change has brought, and how many of its rows can't be used."""
    state = polled.state
    if not state.changed_at:
        return ""
    counts = {"added": state.added, "changed": state.changed, "removed": state.removed}
    said = texts("source.changed", age=_since(state.changed_at, polled.now, texts), **counts)
    return said + (texts("source.skipped", count=state.skipped) if state.skipped else "")


def _reason(why: Translatable, texts: Texts) -> str:
    return one_line(texts.say(why), REASON)


def _since(then: float, now: float, texts: Texts) -> str:
    """Say how long ago something was."""
    seconds = max(now - then, 0.0)
    for unit, key in ((DAY, "source.days"), (HOUR, "source.hours"), (MINUTE, "source.minutes")):
        if seconds >= unit:
            return texts(key, count=int(seconds // unit))
    return texts("source.minutes", count=1)
