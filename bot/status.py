"""The state of a running bot for `kotae status` in another process: a small file, rewritten every few seconds."""

import json
import logging
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bot.background import BackgroundThread
from handlers.counters import Count
from handlers.queue import Kind
from handlers.texts import ENGLISH
from indexes.atomic_file import replace_file
from indexes.messages import Translatable

if TYPE_CHECKING:
    from handlers.services import Services

log = logging.getLogger(__name__)

RENEWED_SECONDS = 5.0
STALE_SECONDS = 20.0
FILE = "status.json"
TRIAL = "try"
"""The folder in DATA_DIR in which `kotae try` has its state, and its status."""
WAITING = {
    Kind.NOTICE.value: "to be told that there was no room",
    Kind.ASKED.value: "requests",
    Kind.PROGRAM.value: "requests of programs",
    Kind.EVENT.value: "other events",
    Kind.MESSAGE.value: "channel messages",
}
ALWAYS_TOLD = {Count.LATE_ACKS.value, Count.RETRIES.value}
"""Counts that are shown even if nothing happened; the others only when something did."""
COUNTS = {
    Count.LATE_ACKS.value: "acks after more than 3 s",
    Count.RETRIES.value: "events sent again by Slack",
    Count.DROPPED_MESSAGES.value: "channel messages skipped for want of room",
    Count.DROPPED_EVENTS.value: "other events skipped for want of room",
    Count.BUSY.value: "requests turned away for want of room",
    Count.TOO_MANY.value: "requests turned away because one person sent too many",
    Count.UNTOLD.value: "people not told for want of room",
    Count.UNKEPT.value: "requests that a crash would have lost, since the database was too slow or failed",
    Count.REDONE.value: "requests of before the start, done after it",
    Count.EXPIRED.value: "requests of before the start, too old to be done",
}
_NONE: Mapping[str, str] = MappingProxyType({})


class StatusRenewal(BackgroundThread):
    """Renews the status of a bot that runs inside something else, such as `kotae try`; `close` removes it."""

    def __init__(self, data_dir: Path, services: "Services") -> None:
        super().__init__("kotae-status")
        self._data_dir = data_dir
        self._services = services

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                write_status(self._data_dir, self._services)
            except OSError as error:
                log.warning("The status file can't be written (%s)", error.strerror)
            self._stop.wait(RENEWED_SECONDS)

    def close(self) -> None:
        """End, and remove the file."""
        super().close()
        forget_status(self._data_dir)


def write_status(
    data_dir: Path, services: "Services", sources: Mapping[str, str] = _NONE, *, stopping: bool = False
) -> None:
    """Write the file, with what is to be said of `sources` that are fetched; raises OSError."""
    registry, process = services.registry, services.process()
    status = {
        "pid": os.getpid(),
        "at": time.time(),
        "stopping": stopping,
        "words": registry.wait_ready(0),
        "database_answers": services.database.answers(),
        "process": {
            **asdict(process),
            "model_trouble": _in_english(process.model_trouble),
            "model_form": _in_english(process.model_form),
        },
        "encoder": registry.encoder.name if registry.encoder else None,
        "quiet": _quiet(services.messenger.quiet.until()),
        "database_trouble": _in_english(services.database.damage or services.database.trouble),
        "recovery": asdict(waiting) if (waiting := services.database.recovery.waiting) else None,
        "knowledge_bases": {
            name: {
                "records": len(loaded.index.records),
                "dense": loaded.index.dense is not None,
                "by_questions": loaded.by_questions,
                "encoding": asdict(registry.encoding[name]) if name in registry.encoding else None,
                "file_changed": loaded.file_changed,
                "trouble": _in_english(loaded.trouble),
            }
            for name, loaded in registry.loaded.items()
        },
        "replicas": [
            {
                "host": each.host,
                "since": each.started,
                "silent": each.silent,
                "doing": each.doing,
                "other_config": each.has_other_config(services.config.digest),
            }
            for each in services.membership.all()
        ],
        "failures": {name: str(why) for name, why in registry.failures.items()},
        "sources": dict(sources),
    }
    replace_file(data_dir / FILE, json.dumps(status, ensure_ascii=False).encode())


def write_waiting(data_dir: Path, why: str) -> None:
    """Write the file of a process that has not begun, because of its database; raises OSError."""
    status = {"pid": os.getpid(), "at": time.time(), "waiting": why}
    replace_file(data_dir / FILE, json.dumps(status, ensure_ascii=False).encode())


def explain_recovery(recovery: Mapping[str, Any]) -> str:
    """Say what happened to the database, from the values of a `Recovery`, and what an admin is asked for."""
    kept = f"set aside as {recovery['damaged']}; " if recovery["damaged"] else ""
    stored_at = recovery["stored_at"]
    until = f"what was stored until {time.ctime(stored_at)} is in use" if stored_at else "it began empty"
    return (
        f"the state database had to be given up ({recovery['reason'] or 'unknown'}); {kept}{until}. Auto-reply runs in"
        " shadow mode until an admin confirms the settings in Slack"
    )


def _quiet(until: float | None) -> dict[str, float | None] | None:
    """Return until when nothing is posted unasked; without a time if that does not end by itself."""
    return None if until is None else {"until": None if math.isinf(until) else until}


def explain_quiet(quiet: Mapping[str, Any]) -> str:
    """Say until when nothing is posted unasked."""
    until = time.ctime(quiet["until"]) if quiet["until"] else "`kotae quiet off`"
    return f"Quiet until {until}: nothing is posted unasked in any channel; direct questions are answered"


def _in_english(trouble: Translatable | None) -> str:
    return "" if trouble is None else ENGLISH.say(trouble)


def forget_status(data_dir: Path) -> None:
    """Remove the file."""
    with suppress(OSError):
        (data_dir / FILE).unlink()


def read_status(data_dir: Path, stale_seconds: float = STALE_SECONDS) -> dict[str, Any] | None:
    """Return the status of the running bot; None when none is running, or none has told for so long."""
    try:
        status: dict[str, Any] = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
        return status if time.time() - status["at"] < stale_seconds else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _traffic(process: Mapping[str, Any]) -> list[str]:
    """Describe what waits, and what happened since the start; a bot of an earlier version tells neither."""
    waiting, counts = process.get("waiting", {}), process.get("counts", {})
    told = {name: count for name, count in counts.items() if count or name in ALWAYS_TOLD}
    return [
        f"  {title}: {', '.join(f'{number} {names[name]}' for name, number in numbers.items())}"
        for title, numbers, names in (("Waiting", waiting, WAITING), ("Since the start", told, COUNTS))
        if numbers
    ]


def _prepared(one: Mapping[str, Any]) -> str:
    """Say how far a knowledge base is being prepared; a bot of an earlier version doesn't tell."""
    far = one.get("encoding")
    if not far:
        return ""
    ready = "; the questions are ready, answers and other phrasings follow" if one.get("by_questions") else ""
    return f"being prepared for the search by meaning, {far['done']:,} of {far['total']:,} texts{ready}"


def _replicas(status: Mapping[str, Any]) -> list[str]:
    """Say which replicas run; none where there is one process, and a bot of an earlier version doesn't tell."""
    return [
        f"  Replica: {each['host']}, since {time.ctime(each['since'])}, last heard of {each['silent']:.0f} s ago,"
        f" {each['doing'].get('knowledge_bases', 0)} knowledge bases, queue: {each['doing'].get('queue', 0)}"
        f"{' - its kotae.toml is another one' if each.get('other_config') else ''}"
        for each in status.get("replicas", ())
    ]


def _form(process: Mapping[str, Any]) -> str:
    """Say in which form the model runs; a bot of an earlier version doesn't tell."""
    return f", {form}" if (form := process.get("model_form")) else ""


def format_status(status: dict[str, Any], *, is_trial: bool = False) -> str:
    """Format the status as text, of the bot or of one in a trial."""
    if why := status.get("waiting"):
        return f"Kotae waits for its database (pid {status['pid']}). {why}"
    process = status["process"]
    what = "A trial (`kotae try`)" if is_trial else "Kotae"
    heard = "not heard from yet" if process["pong_age"] is None else f"heard from {process['pong_age']:.0f} s ago"
    lines = [
        f"{what} is running (pid {status['pid']}, up {process['uptime'] / 3600:.1f} h)",
        f"  Connection to Slack: {heard}; queue: {process['queue']}; memory: {process['memory']:.0f} MB",
        *_traffic(process),
        f"  Encoder: {status['encoder'] or 'none, lexical search only'}{_form(process)}",
    ]
    if quiet := status.get("quiet"):
        lines.append(f"  {explain_quiet(quiet)}")
    if process["model_trouble"]:
        lines.append(f"  Model: {process['model_trouble']}")
    if status["database_trouble"]:
        lines.append(f"  Database: {status['database_trouble']}")
    if http := process.get("http"):
        lines.append(f"  HTTP for programs: open at {http}")
    if recovery := status.get("recovery"):
        lines.append(f"  Recovered: {explain_recovery(recovery)}")
    lines += _replicas(status)
    for name, one in status["knowledge_bases"].items():
        notes = [one["trouble"] or ("the file has changed since; reload it" if one["file_changed"] else "")]
        notes.append(_prepared(one))
        lines.append(f"  {name}: {one['records']} records{''.join(f' - {note}' for note in notes if note)}")
    lines += [f"  {name}: not loaded - {why}" for name, why in status["failures"].items()]
    lines += [f"  {name}: {said}" for name, said in status.get("sources", {}).items()]
    return "\n".join(lines)
