"""Errors as JSON: a status, a word for programs and a sentence for people."""

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from handlers import texts as words
from handlers.doors.errors import (
    InvalidQueryError,
    NoRoomError,
    NotNowError,
    NotOpenError,
    TooLargeError,
    TooManyError,
    TooSlowError,
    UnknownNameError,
    WrongHostError,
    WrongOriginError,
)
from handlers.store.errors import StoreError
from handlers.store.tokens import RefusedTokenError
from handlers.texts import ENGLISH, Texts
from indexes.errors import IndexUnavailableError, KnowledgeBaseError
from indexes.messages import Translatable

log = logging.getLogger(__name__)

RETRY_SECONDS = 3
JSON = "JSON"
"""What is wrong where no value of it is: the body as a whole."""


class Kind(NamedTuple):
    """How an error is answered."""

    status: HTTPStatus
    code: str
    headers: Mapping[str, str] = {}


CHALLENGE = {"WWW-Authenticate": "Bearer"}
RETRY = {"Retry-After": str(RETRY_SECONDS)}
CLOSE = {"Connection": "close"}
"""For requests that are not read to their end: what is left is not the next one, and need not be waited for."""
FAILED = Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "failed")
UNAVAILABLE = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", RETRY)
KINDS: Mapping[type[KnowledgeBaseError], Kind] = {
    RefusedTokenError: Kind(HTTPStatus.UNAUTHORIZED, "invalid_token", CHALLENGE),
    NotOpenError: Kind(HTTPStatus.UNAUTHORIZED, "token_needed", CHALLENGE),
    UnknownNameError: Kind(HTTPStatus.NOT_FOUND, "unknown_knowledge_base"),
    InvalidQueryError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid"),
    TooManyError: Kind(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests"),
    NoRoomError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "busy", {**RETRY, **CLOSE}),
    NotNowError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "busy", RETRY),
    WrongHostError: Kind(HTTPStatus.MISDIRECTED_REQUEST, "wrong_host", CLOSE),
    WrongOriginError: Kind(HTTPStatus.FORBIDDEN, "wrong_origin", CLOSE),
    TooLargeError: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", CLOSE),
    TooSlowError: Kind(HTTPStatus.REQUEST_TIMEOUT, "too_slow", CLOSE),
    StoreError: UNAVAILABLE,
    IndexUnavailableError: UNAVAILABLE,
}


def response(error: Exception, headers: Headers) -> JSONResponse:
    """Return the answer to a request that failed; what is not foreseen is logged, and only referred to."""
    texts = words.for_locale(headers.get("accept-language", ""))
    if isinstance(error, KnowledgeBaseError):
        retry = {"Retry-After": str(error.message.values["seconds"])} if isinstance(error, TooManyError) else {}
        return _answer(_kind(error), error.message, texts, retry)
    reference = secrets.token_hex(4)
    log.error("A request over HTTP failed; reference %s", reference, exc_info=error)
    return _answer(FAILED, Translatable("door.failed", reference=reference), texts)


def _kind(error: KnowledgeBaseError) -> Kind:
    return next((kind for base, kind in KINDS.items() if isinstance(error, base)), FAILED)


def _answer(kind: Kind, message: Translatable, texts: Texts, more: Mapping[str, str] | None = None) -> JSONResponse:
    content = {"error": {"code": kind.code, "message": texts.say(message)}}
    return JSONResponse(content, kind.status, {**kind.headers, **(more or {})})


def no_http() -> JSONResponse:
    """Return the answer to what is no HTTP; in which language it should be, nobody has said."""
    return _answer(Kind(HTTPStatus.BAD_REQUEST, "no_http", CLOSE), Translatable("door.no_http"), ENGLISH)


async def known(request: Request, error: Exception) -> JSONResponse:
    """Answer with an error that may be shown."""
    return response(error, request.headers)


async def invalid(request: Request, error: Exception) -> JSONResponse:
    """Say which value of a request is wrong, without saying it again."""
    problem: dict[str, Any] = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    place = ".".join(str(part) for part in problem.get("loc", ()) if part != "body") or JSON
    return _invalid(request, place, str(problem.get("msg", "")))


async def refused(request: Request, error: Exception) -> JSONResponse:
    """Answer what has no such address or method, or a body that is no text."""
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST
    headers = error.headers if isinstance(error, HTTPException) and error.headers else {}
    texts = words.for_locale(request.headers.get("accept-language", ""))
    if status is HTTPStatus.NOT_FOUND:
        return _answer(Kind(status, "not_found", headers), Translatable("door.no_address"), texts)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        return _answer(Kind(status, "method_not_allowed", headers), Translatable("door.no_method"), texts)
    why = "it is not written in UTF-8, or nested too deep, or has a number of thousands of digits"
    return _invalid(request, JSON, why)


def _invalid(request: Request, place: str, reason: str) -> JSONResponse:
    texts = words.for_locale(request.headers.get("accept-language", ""))
    return _answer(KINDS[InvalidQueryError], Translatable("door.invalid", field=place, reason=reason), texts)
