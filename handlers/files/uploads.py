"""CSV files and workbooks that admins send to the bot: a preview is shown first, and applied when the admin confirms.

The preview is a direct message: it shows entries of the knowledge base, which a channel must not see. `/kb rollback`
uses the same preview for an earlier version.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from slack_sdk.models.blocks import Option

from handlers.answers import search
from handlers.audience import ensure_open
from handlers.files.applying import index_file, put_file
from handlers.files.downloads import download
from handlers.files.pending import Upload
from handlers.files.sources import known_name, new_name, pending_files, preview_of, source_of
from handlers.files.views import uploads
from handlers.request import Request, run_each
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.slack.message_text import message_text
from handlers.slack.mrkdwn import has_words, one_line, plain
from handlers.texts import Texts
from indexes.names import WORKBOOKS
from indexes.storage.import_preview import ImportPreview

_TABLES = (".csv", ".tsv", *WORKBOOKS)
_OTHER_SHEETS = (".xlsb", ".numbers", ".gsheet")


def brings_files(event: Mapping[str, Any]) -> bool:
    """Return whether a message of a person has files."""
    return bool(event.get("files")) and not event.get("bot_id")


def direct(services: Services, request: Request) -> None:
    """Take the tables among the files of a direct message; anything else is a question."""
    if not _took(services, request):
        search.direct(services, request)


def mention(services: Services, request: Request) -> None:
    """Take the tables among the files of a mention; anything else is a question."""
    if not _took(services, request):
        search.mention(services, request)


def posted(services: Services, request: Request) -> None:
    """Take the CSV files of a channel message that mentions the bot; Slack may send an `app_mention` for it too."""
    mention(services, replace(request, body={"event": {**request.event, "type": "app_mention"}}))


def chosen(services: Services, request: Request) -> None:
    """Show what a file would change in the knowledge base that the admin chose."""
    pressed = request.body["actions"][0]
    upload = _waiting(services, request, str(pressed["block_id"]).removeprefix("upload:"))
    if upload:
        name = str(pressed["selected_option"]["value"])
        target = known_name(services, name) or new_name(name)
        ensure_open(services, request.user, target)
        upload = pending_files(services).choose(upload, target)
        request.update_message(card(services, upload, request.texts))


def column_chosen(services: Services, request: Request) -> None:
    """Show what a file would change with the column that the admin chose as question or answer."""
    pressed = request.body["actions"][0]
    upload = _waiting(services, request, str(pressed["block_id"]).removeprefix("upload_columns:"))
    if upload is None:
        return
    ensure_open(services, request.user, upload.target)
    found, wanted = _found(services, upload), str(pressed["selected_option"]["value"])
    header = next((title for place, title in enumerate(found.headers) if str(place) == wanted), "")
    role = str(pressed["action_id"]).removeprefix("upload_column_")
    if header and role in found.open_roles:
        others = {other: found.columns.get(other, "") for other in found.open_roles if other != role}
        columns = {role: header} | {other: title for other, title in others.items() if title not in {"", header}}
        upload = pending_files(services).choose_columns(upload, columns)
        request.update_message(card(services, upload, request.texts))


def cancelled(services: Services, request: Request) -> None:
    """Discard a file."""
    if upload := _waiting(services, request, request.pressed):
        with pending_files(services).decided(upload) as mine:
            if mine:
                request.update_message(
                    notice(request.texts("upload.cancelled", file=one_line(upload.file, uploads.NAME)))
                )


def applied(services: Services, request: Request) -> None:
    """Apply a file and index it, unless the preview that the admin saw is out of date.

    What was written before the process died is not out of date: it is done to the end.
    """
    id_, _, seen = request.pressed.partition(":")
    upload = _waiting(services, request, id_)
    if upload is None:
        return
    ensure_open(services, request.user, upload.target)
    found = _found(services, upload)
    if found.digest != seen and found.current != found.data:
        request.update_message(card(services, upload, request.texts, found, stale=True))
        return
    with pending_files(services).decided(upload) as mine:
        unlogged = put_file(services, request, upload, found, seen) if mine else None
    try:
        if mine:
            index_file(services, request, upload, found.source)
    finally:  # what is written is indexed all the same
        if unlogged:
            raise unlogged


def card(
    services: Services, upload: Upload, texts: Texts, found: ImportPreview | None = None, *, stale: bool = False
) -> Message:
    """Return the preview of a file, or the question which knowledge base it is for; raises UnusableFileError."""
    options = _options(services, upload, texts)
    if not upload.target:
        return uploads.question(upload, options, texts)
    found = found or _found(services, upload)
    versions = {version.number: version for version in services.maintenance.versions.of(found.source)}
    version = versions.get(upload.version)
    return uploads.proposal(upload, found, version, options, services.config.admin_command, texts, stale=stale)


def _took(services: Services, request: Request) -> bool:
    """Handle the files of a message, of whose events only the first counts; False if the message is a question."""
    with services.locks(request.channel, request.event["ts"]):
        if not services.claims.take(f"files:{request.channel}:{request.event['ts']}"):
            return True
    asks = has_words(plain(message_text(request.event)))
    if not request.person.is_admin:
        if any(_ends(file, _TABLES) for file in request.event["files"]):
            request.tell_privately(notice(request.texts("upload.admins")))
            return not asks
        return False
    files = [_told(services, file) for file in request.event["files"]]
    tables = [file for file in files if _ends(file, _TABLES)]
    run_each(request, [partial(_receive, services, request, str(file["id"])) for file in tables])
    if not tables and not asks and any(_ends(file, _OTHER_SHEETS) for file in files):
        request.tell_privately(notice(request.texts("upload.only_csv")))
        return True
    return bool(tables)


def _told(services: Services, file: Mapping[str, Any]) -> Mapping[str, Any]:
    """Look up a file that the message doesn't describe, as in channels shared with other organisations."""
    if "name" in file:
        return file
    told: dict[str, Any] = services.client.files_info(file=file["id"])["file"]
    return told


def _ends(file: Mapping[str, Any], endings: tuple[str, ...]) -> bool:
    return str(file.get("name", "")).lower().endswith(endings)


def _receive(services: Services, request: Request, file_id: str) -> None:
    """Download a file and show its preview to the admin alone."""
    file = services.client.files_info(file=file_id)["file"]
    name = str(file["name"])
    data = download(services.client, file)
    target, is_certain = _target(services, request, name)
    source = source_of(services, target or new_name(name) or name)
    ensure_open(services, request.user, source.name)
    found = preview_of(services, source, data, name)
    if is_certain and found.is_identical and not found.open_roles:
        message = uploads.identical(name, found, request.texts)
    else:
        upload = pending_files(services).keep(data, name, request.user, request.channel, target, is_certain=is_certain)
        message = card(services, upload, request.texts, found)
    if request.is_direct:
        request.post(message)
    else:
        services.messenger.post(request.user, message)
        request.tell_privately(notice(request.texts("upload.sent_privately", file=one_line(name, uploads.NAME))))


def _target(services: Services, request: Request, file: str) -> tuple[str, bool]:
    """Return which knowledge base a file is for, blank if unknown, and whether the file's name makes it certain."""
    if known := known_name(services, file):
        return known, True
    if request.is_direct:
        return "", False
    shared = services.channels.shared
    own = [name for name in services.channels.of(request.channel).knowledge_bases if name not in shared]
    return (own[0] if len(own) == 1 else ""), False


def _options(services: Services, upload: Upload, texts: Texts) -> list[Option]:
    names = services.registry.sources()
    new = new_name(upload.file)
    return uploads.options(names, "" if known_name(services, new) else new, texts)


def _waiting(services: Services, request: Request, id_: str) -> Upload | None:
    """Return the file with an id; None after telling the admin that it is gone."""
    upload = pending_files(services).get(id_)
    if upload is None:
        request.tell_privately(notice(request.texts("upload.gone")))
    return upload


def _found(services: Services, upload: Upload) -> ImportPreview:
    data = pending_files(services).data(upload)
    source = source_of(services, upload.target)
    return preview_of(services, source, data, upload.file, upload.columns, fetched=upload.is_fetched)
