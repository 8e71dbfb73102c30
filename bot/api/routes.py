"""The addresses of HTTP: each takes a request to the doors of `handlers.doors`, and describes what comes back."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from bot.api import errors
from bot.api.metrics import Metrics
from bot.api.models import (
    Health,
    KnowledgeBase,
    KnowledgeBases,
    SearchAnswer,
    SearchRequest,
    TroubleAnswer,
    UnansweredRequest,
)
from handlers.audience import knowledge_bases_for_program
from handlers.doors.caller import Caller, identify, take_turn
from handlers.doors.errors import NotNowError
from handlers.doors.searching import search
from handlers.doors.unanswered import report
from handlers.services import Services
from handlers.store.questions import Origin
from indexes.errors import KnowledgeBaseError

Value = TypeVar("Value")

CHECKERS = 4
"""Threads that look up tokens: in none of them is anything searched."""
WAIT_SECONDS = 10.0
"""How long a request waits for its turn and its search; whoever would wait longer is better told to come back."""
QUIET = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)
"""Nothing of a request goes to another program: it is somebody's question."""
BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `kotae token create`. Without one, only public knowledge bases are open.",
)
DESCRIPTION = """\
Searches the knowledge bases that Kotae answers from in Slack: the same rows, with the same confidence.

A token says which knowledge bases you may see; without one, it is those that are public. Every answer that is no
success is a `TroubleAnswer`.
"""


class Door:
    """What the addresses need: `ready` tells whether the bot can answer, as `kotae status --probe ready` does."""

    def __init__(self, services: Services, ready: Callable[[], bool], metrics: Metrics) -> None:
        self.services = services
        self.ready = ready
        self.metrics = metrics
        self._threads = ThreadPoolExecutor(CHECKERS, thread_name_prefix="kotae-api")

    async def aside(self, work: Callable[[], Value]) -> Value:
        """Do something short beside the searches, such as looking up a token; raises NotNowError if it takes long."""
        return await _in_time(asyncio.get_running_loop().run_in_executor(self._threads, work))

    async def in_turn(self, caller: Caller, work: Callable[[], Value]) -> Value:
        """Do something in the queue, when it is this program's turn; raises NotNowError if that takes long."""
        return await _in_time(asyncio.wrap_future(take_turn(self.services, caller, work)))

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False)


async def _in_time(doing: "asyncio.Future[Value]") -> Value:
    try:
        return await asyncio.wait_for(doing, WAIT_SECONDS)
    except TimeoutError:
        raise NotNowError("door.too_late", seconds=round(WAIT_SECONDS)) from None


async def door_of(request: Request) -> Door:
    """Return what the addresses need."""
    door: Door = request.app.state.door
    return door


OpenDoor = Annotated[Door, Depends(door_of)]


async def caller_of(request: Request, door: OpenDoor, _: Annotated[Any, Security(BEARER)]) -> Caller:
    """Return who asks, and count the request; raises RefusedTokenError or TooManyError."""
    sent = request.headers.getlist("authorization")
    address = request.client.host if request.client else ""
    plain = _token(sent[0]) if len(sent) == 1 else "" if sent else None
    return await door.aside(partial(identify, door.services, plain, address))


def _token(header: str) -> str:
    """Return the token of an Authorization header; blank, which is none, for a header of any other form."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


Asking = Annotated[Caller, Depends(caller_of)]
REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"model": TroubleAnswer, "description": "The token is unknown, revoked or expired; or one is needed."},
    404: {"model": TroubleAnswer, "description": "No knowledge base of that name is open to you."},
    422: {"model": TroubleAnswer, "description": "A value is missing, wrong or too long."},
    429: {"model": TroubleAnswer, "description": "Too many requests; Retry-After says how long to wait."},
    503: {"model": TroubleAnswer, "description": "Not now: starting, too busy, or the database fails. Try again."},
}
searching = APIRouter(prefix="/v1", tags=["searching"], responses=REFUSED)
watching = APIRouter(tags=["watching"])


@searching.post("/search", summary="Search for a question")
async def post_search(wanted: SearchRequest, caller: Asking, door: OpenDoor) -> SearchAnswer:
    """Return the closest rows, best first, each with the confidence that it answers the question.

    A question without a certain answer is kept: admins see it in Slack with `/kb misses`, marked as asked over HTTP.
    """
    work = partial(search, door.services, caller, wanted.as_query(), Origin.HTTP)
    return SearchAnswer.of(await door.in_turn(caller, work))


@searching.post("/unanswered", status_code=204, summary="Report a question without a good answer")
async def post_unanswered(told: UnansweredRequest, caller: Asking, door: OpenDoor) -> None:
    """Put a question among the unanswered ones, which admins see in Slack with `/kb misses`, and can answer there."""
    await door.in_turn(caller, partial(report, door.services, caller, told.question, told.reason, Origin.HTTP))


@searching.get("/knowledge-bases", summary="List the knowledge bases that you may search")
async def get_knowledge_bases(caller: Asking, door: OpenDoor) -> KnowledgeBases:
    """Return the names of the knowledge bases that are open to you, with the number of their rows."""
    services = door.services
    loaded, public = services.registry.loaded, services.channels.public
    seen = [(name, loaded[name]) for name in knowledge_bases_for_program(services, caller.token) if name in loaded]
    found = [KnowledgeBase(name=name, rows=len(one.index), public=name in public) for name, one in seen]
    return KnowledgeBases(knowledge_bases=sorted(found, key=lambda each: each.name))


@watching.get("/healthz", summary="Whether the process answers at all")
async def get_health() -> Health:
    """Answer without looking at anything."""
    return Health(status="ok")


@watching.get(
    "/readyz",
    summary="Whether the bot can answer",
    responses={503: {"model": Health, "description": "Not yet, or not any more."}},
)
async def get_readiness(response: Response, door: OpenDoor) -> Health:
    """Say whether Slack, the database and the knowledge bases are there; which is missing, `kotae status` tells."""
    is_ready = await door.aside(door.ready)
    response.status_code = 200 if is_ready else 503
    return Health(status="ready" if is_ready else "not ready")


@watching.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={status: REFUSED[status] for status in (401, 429, 503)},
)
async def get_metrics(caller: Asking, door: OpenDoor) -> Response:
    """Return metrics as text; with a token, the rows of each knowledge base that it sees, too."""
    named = knowledge_bases_for_program(door.services, caller.token) if caller.token else ()
    text = await door.aside(partial(door.metrics.exposition, door.services, named))
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def application(door: Door) -> FastAPI:
    """Return the application; without the guard, which is to be put around it."""
    app = FastAPI(
        title="Kotae",
        summary="Answers from your team's own knowledge bases",
        description=DESCRIPTION,
        version=version("kotae"),
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # the guard takes them off: a redirect would cost some clients their token
        telemetry=QUIET,
    )
    app.state.door = door
    app.include_router(searching)
    app.include_router(watching)
    app.add_exception_handler(KnowledgeBaseError, errors.known)
    app.add_exception_handler(RequestValidationError, errors.invalid)
    app.add_exception_handler(HTTPException, errors.refused)
    app.add_exception_handler(Exception, errors.known)
    return app
