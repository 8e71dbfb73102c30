"""The environment of a script, as `kotae serve` has it: the variables of the process, then those of `.env`."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from indexes.errors import KnowledgeBaseError
from indexes.messages import reason

ENCODING = "utf-8-sig"
"""UTF-8, with or without the byte order mark that Windows' Notepad puts at the beginning."""


class EnvironmentValueError(KnowledgeBaseError):
    """A variable has a value that it can't have, or `.env` can't be read."""


def read_environment(folder: Path = Path()) -> Mapping[str, str]:
    """Return the variables that are set, those of the process before those of `.env` in a folder; none is blank.

    Nothing is put into the process's environment. Raises EnvironmentValueError for a `.env` that can't be read.
    """
    try:
        stored = dotenv_values(folder / ".env", encoding=ENCODING)
    except UnicodeDecodeError as error:
        raise EnvironmentValueError("environment.encoding") from error
    except OSError as error:
        raise EnvironmentValueError("environment.unreadable", reason=reason(error)) from error
    return {name: value for name, value in {**stored, **os.environ}.items() if value}


def one_of(known: Iterable[str], name: str, environment: Mapping[str, str]) -> str:
    """Return the value of a variable, by default the first one known; raises EnvironmentValueError for another."""
    values = list(known)
    value = environment.get(name, values[0])
    if value not in values:
        raise EnvironmentValueError("environment.unknown_value", name=name, value=value, known=", ".join(values))
    return value
