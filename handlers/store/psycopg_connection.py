"""A connection to PostgreSQL that never waits without end, and takes any text that Python has."""

import json
import re
import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.types.string import StrDumper, StrDumperUnknown, StrDumperVarchar

LOOK_SECONDS = 0.1
"""How often the driver looks up while it waits for the server."""
REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL has no place for in texts: NUL, and halves of characters."""


Result = TypeVar("Result")


class UnansweredError(psycopg.OperationalError):
    """The server took longer for a statement than it would let one run itself."""


class Connection(psycopg.Connection[Any]):
    """Gives a server up that is silent for `patience` seconds: one that hangs can't end a statement."""

    patience: float = 0.0
    """0 for no limit."""

    def wait(self, gen: PQGen[Result], interval: float = LOOK_SECONDS, timeout: float | None = None) -> Result:
        """Run an operation of the driver's; raises UnansweredError, and the connection is closed then."""
        if not self.patience:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(_until(gen, time.monotonic() + self.patience), interval, timeout)
        except UnansweredError:
            self.pgconn.finish()
            raise

    def is_alive(self, seconds: float) -> bool:
        """Tell whether the server answers within so many seconds."""
        usual, self.patience = self.patience, seconds
        try:
            self.autocommit = True  # or a transaction would begin
            self.execute("")
            self.autocommit = False
        except psycopg.Error:
            return False
        self.patience = usual
        return True


def _until(gen: PQGen[Result], deadline: float) -> PQGen[Result]:
    """Pass on what the driver waits for; the driver looks up at each interval, with 0 if nothing came."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > deadline:
                raise UnansweredError("the server does not answer")
            wanted = gen.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result


def storable(text: str) -> str:
    """Return a text as PostgreSQL can store it."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def json_of(value: Any) -> str:
    """Return JSON as PostgreSQL can read it, which refuses NUL and halves of characters there too."""
    return json.dumps(_storable_in(value), ensure_ascii=False)


def _storable_in(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(name)): _storable_in(each) for name, each in value.items()}
    return [_storable_in(each) for each in value] if isinstance(value, list | tuple) else value


class _Text(StrDumper):
    def dump(self, obj: str) -> Any:
        return super().dump(storable(obj))


class _Varchar(StrDumperVarchar):
    def dump(self, obj: str) -> Any:
        return super().dump(storable(obj))


class _Unknown(StrDumperUnknown):
    def dump(self, obj: str) -> Any:
        return super().dump(storable(obj))


def connect(patience: float, *given: Any, **named: Any) -> Connection:
    """Return a connection that waits at most so long for an answer, and stores any text."""
    connection = Connection.connect(*given, **named)
    connection.patience = patience
    for dumper in (_Text, _Varchar, _Unknown):  # the last one counts where the type is not known
        connection.adapters.register_dumper(str, dumper)
    return connection
