"""files.*: file objects, and the steps of an upload."""

from __future__ import annotations

from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.entities import File
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.web_api.arguments import Args
from bot.playground.slack.web_api.dispatch import Method, MethodContext
from bot.playground.slack.web_api.methods.chat import thread
from bot.playground.slack.workspace import new_file

JSON = dict[str, Any]


def info(context: MethodContext, args: Args) -> JSON:
    """files.info."""
    file = context.workspace.files.get(args.text("file"))
    if file is None or not file.complete or not context.backend.file_visible_to_bot(file):
        raise RefusedError("file_not_found")
    if file.deleted:
        raise RefusedError("file_deleted")
    told = payloads.file(context.workspace, file)
    return {"file": told, "comments": [], "response_metadata": {"next_cursor": ""}}


def delete(context: MethodContext, args: Args) -> JSON:
    """files.delete: a file of the app's own."""
    file = context.workspace.files.get(args.text("file"))
    if file is None or not file.complete:
        raise RefusedError("file_not_found")
    if file.deleted:
        raise RefusedError("file_deleted")
    if file.user != context.workspace.bot.id:
        raise RefusedError("cant_delete_file")
    file.deleted = True
    return {}


def upload_url(context: MethodContext, args: Args) -> JSON:
    """files.getUploadURLExternal: where to send the bytes."""
    name, length = args.text("filename"), args.number("length", 0)
    if not name or length <= 0:
        raise RefusedError("invalid_arguments", "filename and a length above 0 are required")
    file = new_file(name, context.workspace.bot.id, complete=False)
    context.workspace.files[file.id] = file
    return {"file_id": file.id, "upload_url": f"{context.workspace.base_url}/upload/v1/{file.id}?length={length}"}


def complete_upload(context: MethodContext, args: Args) -> JSON:
    """files.completeUploadExternal: name the files and share them."""
    wanted = args.json("files")
    if not isinstance(wanted, list) or not wanted:
        raise RefusedError("invalid_arguments", "files must be a list")
    files = [_uploaded(context, each) for each in wanted]
    places = args.names("channels") or args.names("channel_id")
    channels = [context.channel(Args({"channel": each})) for each in places]
    for channel in channels:
        context.require_member(channel)
    for channel in channels:
        where = thread(context, channel, args)
        comment = args.text("initial_comment")
        context.backend.share_file(context.backend.bot_message(channel, comment, files=files, thread_ts=where))
    return {"files": [payloads.file(context.workspace, each) for each in files]}


def _uploaded(context: MethodContext, wanted: JSON) -> File:
    file = context.workspace.files.get(str(wanted.get("id")))
    if file is None or not file.data:
        raise RefusedError("file_not_found")
    file.title = wanted.get("title") or file.name
    file.complete = True
    return file


METHODS = {
    "files.info": Method(info, "files:read", 4),
    "files.delete": Method(delete, "files:write", 3),
    "files.getUploadURLExternal": Method(upload_url, "files:write", 4),
    "files.completeUploadExternal": Method(complete_upload, "files:write", 4),
}
