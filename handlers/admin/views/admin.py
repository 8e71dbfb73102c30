"""What admins see: reload reports, status, channels."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import Block

from handlers.admin.views import sources
from handlers.admin.views.sources import Polled
from handlers.learning.views import proof
from handlers.slack.blocks import Message, entries, fitting, section
from handlers.slack.mrkdwn import escape, one_line, person
from handlers.texts import Texts
from indexes.messages import Translatable

if TYPE_CHECKING:
    from handlers.channel_rules import Channel, ChannelProof
    from handlers.services import Process
    from handlers.store.knowledge_files import KnowledgeFile
    from handlers.store.server import ServerState
    from indexes.loaded import LoadedKnowledgeBase
    from indexes.registry import EncodingProgress
    from indexes.reload_report import ReloadReport

PROBLEMS = 10
PROBLEM = 150
REASON = 500
ELSEWHERE = Translatable("access.elsewhere")
"""Shown instead of a text that may quote a knowledge base to somebody who may not read it."""
NAME = 100
MINUTE, HOUR, DAY = 60, 3600, 86400
_NONE: Mapping[str, Polled] = MappingProxyType({})


def reloaded(reports: Sequence["ReloadReport"], closed: Collection[str], texts: Texts) -> Message:
    """Report what each reload did, with skipped rows and why; for `closed` knowledge bases only numbers."""
    reports = [replace(one, error=one.error and ELSEWHERE) if one.name in closed else one for one in reports]
    headlines = fitting([_headline(report, texts) for report in reports], texts)
    told = [_counted(one, texts) if one.name in closed else _report(one, texts) for one in reports]
    return Message("\n".join(headlines), _sections(told, texts))


def without_content(failures: Mapping[str, Translatable], closed: Collection[str]) -> Mapping[str, Translatable]:
    """Leave out why `closed` knowledge bases can't be read: the reason may quote their content."""
    return {name: ELSEWHERE if name in closed else why for name, why in failures.items()}


def status(
    loaded: Mapping[str, "LoadedKnowledgeBase"],
    changed: AbstractSet[str],
    failures: Mapping[str, Translatable],
    channels: Sequence["ChannelProof"],
    shared: Sequence[str],
    process: "Process",
    database_trouble: Translatable | None,
    server: "ServerState | None",
    files: Sequence["KnowledgeFile"],
    now: float,
    encoding: Mapping[str, "EncodingProgress"],
    texts: Texts,
    polled: Mapping[str, Polled] = _NONE,
) -> Message:
    """Report what is loaded, which files have `changed` or are gone, and the state of the process at the time `now`.

    `encoding` says how far the knowledge bases are whose texts are being encoded; `polled` are those that are fetched.
    """
    title = texts("kb.status.title")
    states = [_failed(name, why, polled.get(name), texts) for name, why in failures.items()]
    gone = {file.name for file in files if file.state.is_missing}
    for name, kept in loaded.items():
        where = [_searched_in(one.channel, texts) for one in channels if name in one.channel.knowledge_bases]
        everywhere = [texts("kb.status.everywhere")] if name in shared else []
        note = texts("kb.status.gone") if name in gone else _trouble(kept, texts, changed=name in changed)
        fetched = sources.line(polled[name], texts) if name in polled else ""
        age = _age(now - kept.snapshot.created, texts) if kept.snapshot else texts("kb.status.no_snapshot")
        proved = [
            f"<#{one.channel.id}> · {line}"
            for one in channels
            for line in proof.lines(replace(one, proofs={name: one.proofs[name]} if name in one.proofs else {}), texts)
        ]
        states.append(
            _state(
                name,
                kept,
                everywhere or where,
                "\n".join([*proved[:PROBLEMS], fetched, note, prepared(kept, encoding.get(name), texts)]).strip(),
                age,
                texts,
            )
        )
    lost = [file.name for file in files if file.state.is_fault]
    if lost:
        states.insert(0, texts("kb.status.fault", count=len(lost), names=_names(lost)))
    around = [section(line) for line in _process(process, database_trouble, server, texts)]
    return Message(title, [section(title), *_sections(states, texts), *around])


def channels(
    configured: Sequence["Channel"], shared: Sequence[str], left: Mapping[str, Sequence[str]], texts: Texts
) -> Message:
    """List what each channel searches, and which of its rules an admin set in Slack.

    `left` are the knowledge bases that auto-reply still uses in channels with guests, by channel id.
    """
    title = texts("kb.channels.title")
    lines = [_channel(channel, texts) + _guests(left.get(channel.id), texts) for channel in configured]
    blocks: list[Block] = [section(title), *_sections(lines, texts)]
    if not configured:
        blocks.append(section(texts("kb.channels.none")))
    if shared:
        blocks.append(section(texts("kb.channels.shared", names=_names(shared))))
    return Message(title, blocks)


def _sections(paragraphs: Sequence[str], texts: Texts) -> list[Block]:
    return [section(paragraph) for paragraph in fitting(paragraphs, texts)]


def _headline(report: "ReloadReport", texts: Texts) -> str:
    name = one_line(report.name, NAME)
    if report.error:
        return texts("kb.failed", name=name, error=one_line(texts.say(report.error), REASON))
    return texts(
        "kb.reloaded",
        name=name,
        records=entries(report.records, texts),
        added=report.added,
        changed=report.changed,
        removed=report.removed,
        skipped=sum(problem.skipped for problem in report.problems),
        encoded=report.encoded,
        reused=report.reused,
        seconds=f"{report.seconds:.1f}",
    )


def _report(report: "ReloadReport", texts: Texts) -> str:
    warnings = [f":warning: {one_line(texts.say(warning), PROBLEM)}" for warning in report.warnings[:3]]
    lines = [_headline(report, texts), *warnings]
    lines += [
        "• " + texts("kb.problem", line=problem.line, message=one_line(texts.say(problem.message), PROBLEM))
        for problem in report.problems[:PROBLEMS]
    ]
    if len(report.problems) > PROBLEMS:
        lines.append(texts("kb.more_problems", count=len(report.problems) - PROBLEMS))
    return "\n".join(lines)


def _counted(report: "ReloadReport", texts: Texts) -> str:
    """Report a reload in numbers, for somebody who may not read the file."""
    found = len(report.problems) + len(report.warnings)
    return "\n".join([_headline(report, texts), *([texts("kb.problems_counted", count=found)] if found else [])])


def _failed(name: str, why: Translatable, polled: Polled | None, texts: Texts) -> str:
    """Say why a knowledge base is not there; of one that is fetched, what became of that."""
    if polled and (said := sources.trouble(polled, texts)):
        return f"*{one_line(name, NAME)}*: {said}"
    return f":warning: *{one_line(name, NAME)}*: {one_line(texts.say(why), REASON)}"


def _state(name: str, loaded: "LoadedKnowledgeBase", where: Sequence[str], note: str, age: str, texts: Texts) -> str:
    stamp = loaded.snapshot.encoder if loaded.snapshot and loaded.index.dense else None
    without = "kb.status.questions" if loaded.by_questions else "kb.status.lexical"
    encoder = escape(stamp.name) if stamp else texts(without)
    records = entries(len(loaded.index.records), texts)
    line = texts("kb.status.one", name=one_line(name, NAME), records=records, encoder=encoder, age=age)
    searched = texts("kb.status.in", channels=", ".join(where[:PROBLEMS])) if where else ""
    return "\n".join(filter(None, [line, searched, note]))


def prepared(loaded: "LoadedKnowledgeBase | None", progress: "EncodingProgress | None", texts: Texts) -> str:
    """Say how far a knowledge base is being prepared for the search by meaning; blank when it isn't."""
    if progress is None or not progress.total:
        return ""
    key = "kb.preparing_rest" if loaded and loaded.by_questions else "kb.preparing"
    return texts(key, done=f"{progress.done:,}", total=f"{progress.total:,}")


def _searched_in(channel: "Channel", texts: Texts) -> str:
    by = (channel.set_by or {}).get("auto_reply")
    mark = texts("kb.channels.by", user=person(by, texts)) if by else ""
    mode = texts(f"settings.mode.{channel.auto_reply.value}")
    return f"<#{channel.id}>{texts('kb.status.mode', mode=mode, mode_by=mark)}"


def _trouble(loaded: "LoadedKnowledgeBase", texts: Texts, *, changed: bool) -> str:
    if loaded.trouble:
        return f":warning: {one_line(texts.say(loaded.trouble), REASON)}"
    return f":warning: {texts('kb.status.changed')}" if changed else ""


def _process(
    process: "Process", database_trouble: Translatable | None, server: "ServerState | None", texts: Texts
) -> list[str]:
    lines = [_connection(process, texts), *_traffic(process, texts)]
    if process.model and not process.model_loaded:
        model = escape(process.model)
        if process.model_trouble:
            reason = one_line(texts.say(process.model_trouble), REASON)
            lines.append(texts("kb.status.no_model", model=model, reason=reason))
        else:
            lines.append(texts("kb.status.loading_model", model=model))
    elif process.model and process.model_form:
        form = one_line(texts.say(process.model_form), REASON)
        lines.append(texts("kb.status.model", model=escape(process.model), form=form))
    if process.http:
        waiting = process.waiting["programs"]
        lines.append(texts("kb.status.http", address=escape(process.http), waiting=waiting))
    if server:
        away = f"{server.seconds * 1000:.1f}"
        lines.append(texts("kb.status.server", version=server.version, milliseconds=away))
    if database_trouble:
        lines.append(texts("kb.status.database", trouble=one_line(texts.say(database_trouble), PROBLEM)))
    return lines


def _connection(process: "Process", texts: Texts) -> str:
    """Say when Slack was last heard of, and how the process is."""
    now = {"queue": process.queue, "memory": f"{process.memory:.0f}", "uptime": f"{process.uptime / HOUR:.1f}"}
    if process.pong_age is None:
        return texts("kb.status.unconnected", **now)
    return texts("kb.status.process", seconds=f"{process.pong_age:.0f}", **now)


def _traffic(process: "Process", texts: Texts) -> list[str]:
    """Report what waits, what was late, and what there was no room for."""
    waiting, counts = process.waiting, process.counts
    refused = {
        "dropped_messages": "kb.status.dropped_messages",
        "dropped_events": "kb.status.dropped_events",
        "busy": "kb.status.busy",
        "too_many": "kb.status.too_many",
        "untold": "kb.status.untold",
        "unkept": "kb.status.unkept",
        "redone": "kb.status.redone",
        "expired": "kb.status.expired",
    }
    parts = [texts(key, count=counts[name]) for name, key in refused.items() if counts[name]]
    return [
        texts("kb.status.waiting", asked=waiting["asked"], messages=waiting["messages"], events=waiting["events"]),
        texts("kb.status.acks", late=counts["late_acks"], retries=counts["retries"]),
        *([texts("kb.status.refused", parts=" · ".join(parts))] if parts else []),
    ]


def _channel(channel: "Channel", texts: Texts) -> str:
    by = channel.set_by or {}
    marks = {key: texts("kb.channels.by", user=person(user, texts)) for key, user in by.items()}
    return texts(
        "kb.channels.one",
        channel=f"<#{channel.id}>",
        names=_names(channel.knowledge_bases),
        mode=texts(f"settings.mode.{channel.auto_reply.value}"),
        mode_by=marks.get("auto_reply", ""),
        percent=f"{channel.threshold * 100:.0f}",
        percent_by=marks.get("threshold", ""),
    )


def _guests(left: Sequence[str] | None, texts: Texts) -> str:
    if left is None:
        return ""
    return "\n" + (texts("kb.channels.guests", names=_names(left)) if left else texts("kb.channels.silent"))


def _names(names: Sequence[str]) -> str:
    return one_line(", ".join(names), REASON)


def _age(seconds: float, texts: Texts) -> str:
    for unit, key in ((DAY, "days"), (HOUR, "hours")):
        if seconds >= unit:
            return texts(f"kb.age.{key}", count=int(seconds // unit))
    minutes = int(seconds // MINUTE)
    return texts("kb.age.minutes", count=minutes) if minutes > 0 else texts("kb.age.now")
