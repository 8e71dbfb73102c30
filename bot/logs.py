"""The log: what may stand in it. Questions, answers, tokens and addresses that let one in may not, at any level.

Libraries see whole payloads, and Bolt copies the level of the root logger into loggers named after its callers. So no
level keeps them quiet: a filter on the handler does, for whatever logger a record comes from.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from types import TracebackType

from indexes.errors import KnowledgeBaseError

log = logging.getLogger(__name__)

OWN = ("bot", "handlers", "indexes", "__main__")
WITHOUT_PAYLOADS = (
    "alembic",
    "faiss",
    "filelock",
    "huggingface_hub",
    "onnxruntime",
    "py.warnings",
    "sentence_transformers",
    "torch",
    "transformers",
    "watchfiles",
)
"""Libraries that never see a payload of Slack: their warnings are shown as they are."""

_NO_TROUBLE = {("slack_bolt.App", "__init__")}
"""Where Bolt warns that it takes its client's token and not SLACK_BOT_TOKEN of the environment: they are the same."""
_TOKEN = re.compile(r"\b(?:(?:xox[a-z]|xapp|xwfp)[-.][\w.-]+|kotae_[0-9a-f]{12}_[0-9a-f]+)")
_QUERY = re.compile(r"(?<=[/\w])\?[^\s\"'<>)]+")
_SECRET_PATH = re.compile(r"/(?:commands|actions|workflows|services|upload|files-pri|files-tmb|link)/[^\s\"'<>)]+")
_PAGE = re.compile(r"(?<=a response in a non-JSON format: ).+", re.DOTALL)
"""What the SDK puts in the place of an error code, when a proxy or Slack sends something else than JSON."""
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")
_HIDDEN = "[hidden]"


def log_to_stderr(level: str) -> None:
    """Log to stderr, and nowhere else; also what ends a thread."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TracebackFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    handler.addFilter(withhold)
    logging.basicConfig(level=level, handlers=[handler])
    threading.excepthook = _log_end_of_thread


def withhold(record: logging.LogRecord) -> bool:
    """Keep what may be read; of a library that sees payloads only where in it something went wrong, from WARNING on."""
    if _is_of(record, OWN):
        record.msg, record.args = without_secrets(record.getMessage()), ()
        return True
    if record.levelno < logging.WARNING or (record.name, record.funcName) in _NO_TROUBLE:
        return False
    if _is_of(record, WITHOUT_PAYLOADS):
        record.msg, record.args = without_secrets(record.getMessage()), ()
    else:
        record.msg, record.args = f"{record.module}.{record.funcName}, line {record.lineno} {_HIDDEN}", ()
    return True


def without_secrets(text: str) -> str:
    """Hide tokens, those parts of addresses that let anybody in who knows them, and pages that came instead of JSON."""
    without_page = _PAGE.sub(_HIDDEN, text)
    return _SECRET_PATH.sub(f"/{_HIDDEN}", _QUERY.sub(f"?{_HIDDEN}", _TOKEN.sub(_HIDDEN, without_page)))


class TracebackFormatter(logging.Formatter):
    """Shows where exceptions come from and their types; their messages may quote anything, so only some are shown."""

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """Return the traceback of an exception and of what caused it."""
        return "\n".join(_lines(ei[1])) if ei[1] else ""


def _lines(error: BaseException) -> Iterator[str]:
    if cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        yield from _lines(cause)
        yield "which led to:"
    yield "Traceback (most recent call last):"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
    yield f"{type(error).__module__}.{type(error).__qualname__}{_told(error)}"


def _told(error: BaseException) -> str:
    # Slack's error code; the SDK takes long to import, and puts whole pages there when Slack sends no JSON
    answer = getattr(getattr(error, "response", None), "data", None)
    code = str(answer.get("error")) if isinstance(answer, Mapping) else ""
    if _CODE.fullmatch(code):
        return f": {code}"
    if isinstance(error, KnowledgeBaseError):
        return f": {error.message.key}"
    return f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""


def _is_of(record: logging.LogRecord, packages: tuple[str, ...]) -> bool:
    return record.name.startswith(tuple(f"{package}." for package in packages)) or record.name in packages


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    log.error("A thread ended: %s", ended.thread.name if ended.thread else "", exc_info=ended.exc_value)
