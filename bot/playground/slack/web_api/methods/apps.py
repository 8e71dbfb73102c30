"""apps.manifest.* and blocks.validate: checks of manifests and blocks before they are used."""

from __future__ import annotations

from typing import Any

from bot.playground.slack.block_kit.validation import check_attachments, check_message_blocks, check_view
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.manifests import MARK, problems
from bot.playground.slack.web_api.arguments import Args
from bot.playground.slack.web_api.dispatch import Method, MethodContext

JSON = dict[str, Any]


def _checked_manifest(context: MethodContext, args: Args) -> JSON:
    manifest = args.json("manifest", "invalid_manifest")
    if wrong := problems(manifest, context.backend.app.reserved):
        raise RefusedError("invalid_manifest", errors=wrong)
    checked: JSON = manifest
    return checked


def validate_manifest(context: MethodContext, args: Args) -> JSON:
    """apps.manifest.validate."""
    _checked_manifest(context, args)
    return {"errors": []}


def create_app(context: MethodContext, args: Args) -> JSON:
    """apps.manifest.create: returns the one app of this Slack."""
    ours = context.workspace
    context.backend.manifests.append(_checked_manifest(context, args))
    scopes = ",".join(context.backend.manifests[-1]["oauth_config"]["scopes"]["bot"])
    return {
        "app_id": ours.app_id,
        "credentials": dict.fromkeys(("client_id", "client_secret", "verification_token", "signing_secret"), "x"),
        "oauth_authorize_url": f"https://slack.com/oauth/v2/authorize?client_id=x&scope={scopes}",
        "team_id": ours.team_id,
        "team_domain": ours.domain,
    }


def validate_blocks(context: MethodContext, args: Args) -> JSON:
    """blocks.validate, of exactly one of blocks, a message and a view."""
    del context
    given = [name for name in ("blocks", "message", "view") if name in args]
    if len(given) != 1:
        raise RefusedError("invalid_arguments", "provide exactly one of blocks, message and view")
    (kind,) = given
    try:
        _check(kind, args.json(kind))
    except RefusedError as refused:
        details = refused.details or (refused.error,)
        raise RefusedError(f"invalid_{kind}", errors=[_told(detail) for detail in details]) from None
    return {}


def _check(kind: str, payload: Any) -> None:
    if kind == "view":
        check_view(payload)
    elif kind == "blocks":
        check_message_blocks(payload, "")
    elif not isinstance(payload, dict):
        raise RefusedError("invalid_message", "must provide an object")
    else:
        check_message_blocks(payload.get("blocks", []))
        check_attachments(payload.get("attachments", []))


def _told(detail: str) -> JSON:
    message, _, pointer = detail.removesuffix("]").partition(MARK)
    return {"code": "failed_constraint", "message": message, "pointer": pointer.removeprefix("/view")}


METHODS = {
    "apps.manifest.validate": Method(validate_manifest, "", 3, "config"),
    "apps.manifest.create": Method(create_app, "", 1, "config"),
    "blocks.validate": Method(validate_blocks, "", 3),
}
