"""The state of a running bot for `kotae status` in another process: a small file, rewritten every few seconds."""

import json
import logging
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bot.background import BackgroundThread
from bot.terminal import moment
from bot.texts import ENGLISH, JAPANESE
from handlers.counters import Count
from handlers.texts import Texts
from indexes.atomic_file import replace_file
from indexes.messages import Translatable, Value

if TYPE_CHECKING:
    from handlers.services import Process, Services

log = logging.getLogger(__name__)

RENEWED_SECONDS = 5.0
STALE_SECONDS = 20.0
FILE = "status.json"
TRIAL = "try"
"""The folder in DATA_DIR in which `kotae try` has its state, and its status."""
ALWAYS_TOLD = {Count.LATE_ACKS.value, Count.RETRIES.value}
"""Counts that are shown even if nothing happened; the others only when something did."""
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
        "in_japanese": _in_japanese(services, process),
    }
    replace_file(data_dir / FILE, json.dumps(status, ensure_ascii=False).encode())


def write_waiting(data_dir: Path, why: str) -> None:
    """Write the file of a process that has not begun, because of its database; raises OSError."""
    status = {"pid": os.getpid(), "at": time.time(), "waiting": why}
    replace_file(data_dir / FILE, json.dumps(status, ensure_ascii=False).encode())


def explain_recovery(recovery: Mapping[str, Any]) -> Translatable:
    """Say what happened to the database, from the values of a `Recovery`, and what an admin is asked for."""
    why = recovery["reason"] or Translatable("status.recovered_unknown")
    kept = Translatable("status.recovered_kept", file=recovery["damaged"]) if recovery["damaged"] else ""
    began = Translatable("status.recovered_empty")
    if stored_at := recovery["stored_at"]:
        began = Translatable("status.recovered_until", at=moment(stored_at))
    return Translatable("status.recovered", why=why, kept=kept, began=began)


def _quiet(until: float | None) -> dict[str, float | None] | None:
    """Return until when nothing is posted unasked; without a time if that does not end by itself."""
    return None if until is None else {"until": None if math.isinf(until) else until}


def explain_quiet(quiet: Mapping[str, Any]) -> Translatable:
    """Say until when nothing is posted unasked."""
    if quiet["until"]:
        return Translatable("status.quiet_until", at=moment(quiet["until"]))
    return Translatable("status.quiet")


def _in_english(trouble: Translatable | None) -> str:
    return "" if trouble is None else ENGLISH.say(trouble)


def _in_japanese(services: "Services", process: "Process") -> dict[str, str]:
    """Return what the status says in English, with what that is in Japanese: who asks for it may read either."""
    registry, database = services.registry, services.database
    said = [process.model_trouble, process.model_form, database.damage or database.trouble]
    said += [loaded.trouble for loaded in registry.loaded.values()]
    said += registry.failures.values()
    return {ENGLISH.say(each): JAPANESE.say(each) for each in said if each}


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


def _traffic(process: Mapping[str, Any]) -> Iterator[Translatable]:
    """Describe what waits, and what happened since the start; a bot of an earlier version tells neither."""
    waiting, counts = process.get("waiting", {}), process.get("counts", {})
    told = {name: count for name, count in counts.items() if count or name in ALWAYS_TOLD}
    if waiting:
        listed = tuple(Translatable(f"status.wait.{name}", count=count) for name, count in waiting.items())
        yield Translatable("status.waiting", counts=listed)
    if told:
        listed = tuple(Translatable(f"status.count.{name}", count=count) for name, count in told.items())
        yield Translatable("status.since", counts=listed)


def _prepared(one: Mapping[str, Any]) -> Translatable | None:
    """Say how far a knowledge base is being prepared; a bot of an earlier version doesn't tell."""
    if not (far := one.get("encoding")):
        return None
    if one.get("by_questions"):
        return Translatable("status.preparing_rest", done=far["done"], total=far["total"])
    return Translatable("status.preparing", done=far["done"], total=far["total"])


def _replica(each: Mapping[str, Any]) -> Translatable:
    """Say which replica runs; `Status.replicas` has none where there is one process."""
    return Translatable(
        "status.replica",
        host=each["host"],
        since=moment(each["since"]),
        silent=round(each["silent"]),
        bases=each["doing"].get("knowledge_bases", 0),
        queue=each["doing"].get("queue", 0),
        config=Translatable("status.other_config") if each.get("other_config") else "",
    )


def _base(name: str, one: Mapping[str, Any]) -> Translatable:
    changed = Translatable("status.changed") if one["file_changed"] else ""
    first, second = map(_remark, (one["trouble"] or changed, _prepared(one)))
    return Translatable("status.base", name=name, records=one["records"], first=first, second=second)


def _remark(said: Translatable | str | None) -> Value:
    return Translatable("status.remark", said=said) if said else ""


def _process(status: Mapping[str, Any], *, is_trial: bool) -> Iterator[Translatable]:
    process = status["process"]
    pid, hours = str(status["pid"]), f"{process['uptime'] / 3600:.1f}"
    runs = Translatable("status.trial", pid=pid, hours=hours)
    yield runs if is_trial else Translatable("status.runs", pid=pid, hours=hours)
    age = process["pong_age"]
    heard = Translatable("status.not_heard") if age is None else Translatable("status.heard", seconds=round(age))
    yield Translatable("status.slack", heard=heard, queue=process["queue"], memory=round(process["memory"]))
    yield from _traffic(process)
    form = process.get("model_form")  # a bot of an earlier version doesn't tell
    encoder = status["encoder"] or Translatable("status.no_encoder")
    is_running = status["encoder"] and form
    yield Translatable("status.encoder", parts=(encoder, form) if is_running else (encoder,))
    if quiet := status.get("quiet"):
        yield explain_quiet(quiet)
    if process["model_trouble"]:
        yield Translatable("status.model", why=process["model_trouble"])


def _around(status: Mapping[str, Any]) -> Iterator[Translatable]:
    if status["database_trouble"]:
        yield Translatable("status.database", why=status["database_trouble"])
    if http := status["process"].get("http"):
        yield Translatable("status.http", address=http)
    if recovery := status.get("recovery"):
        yield Translatable("status.was_recovered", what=explain_recovery(recovery))
    yield from map(_replica, status.get("replicas", ()))
    yield from (_base(name, one) for name, one in status["knowledge_bases"].items())
    yield from (Translatable("status.not_loaded", name=name, why=why) for name, why in status["failures"].items())
    yield from (Translatable("status.source", name=name, said=said) for name, said in status.get("sources", {}).items())


def format_status(status: Mapping[str, Any], *, is_trial: bool = False, texts: Texts = ENGLISH) -> str:
    """Format the status as text, of the bot or of one in a trial."""
    if why := status.get("waiting"):
        return texts.say(Translatable("status.waits", pid=str(status["pid"]), why=why))
    translated = status.get("in_japanese", {}) if texts.language == "ja" else {}
    first, *others = [
        texts.say(each, lambda said: translated.get(said, said))
        for each in (*_process(status, is_trial=is_trial), *_around(status))
    ]
    return "\n".join([first, *(f"  {other}" for other in others)])
