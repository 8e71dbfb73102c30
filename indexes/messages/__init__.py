"""Messages about files, models and disks: a key with values, put into the reader's language when shown.

Each language has one sentence per key. The bot adds keys of its own, used in the same way.
"""

import errno
from collections.abc import Callable, Mapping
from typing import Any, Union

from indexes.messages import en

Value = Union[str, int, float, "Translatable", tuple["Value", ...]]
"""A value of a message. A list is a tuple; it is joined with the separator of the language."""


class Translatable:
    """One message. ``str()`` gives it in English, for the log and the command line."""

    __slots__ = ("key", "values")

    def __init__(self, key: str, /, **values: Value) -> None:
        self.key = key
        self.values: Mapping[str, Value] = values

    def with_values(self, values: "Mapping[str, Value]") -> "Translatable":
        """Return the same message with some of its values changed."""
        key = self.key
        return Translatable(key, **{**self.values, **values})

    def __str__(self) -> str:
        return say(self, en.WORDS)

    def __repr__(self) -> str:
        return f"Translatable({self.key!r}, {self.values!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Translatable) and (self.key, self.values) == (other.key, other.values)

    def __hash__(self) -> int:
        return hash(self.key)


def as_data(value: Value) -> Any:
    """Convert a message, or a value of one, to JSON types; `from_data` is the inverse."""
    if isinstance(value, Translatable):
        return {"key": value.key, "values": {name: as_data(each) for name, each in value.values.items()}}
    return [as_data(each) for each in value] if isinstance(value, tuple) else value


def from_data(data: Any) -> Value:
    """Convert JSON types from `as_data` back; raises KeyError or TypeError for anything else."""
    if isinstance(data, dict):
        key, values = data["key"], data["values"]
        return Translatable(key, **{name: from_data(each) for name, each in values.items()})
    value: Value = tuple(map(from_data, data)) if isinstance(data, list) else data
    return value


def say(message: Translatable, words: Mapping[str, str], show: Callable[[str], str] = str) -> str:
    """Return a message as text; every text among its values passes through `show`, for example to escape it."""

    def shown(value: Value) -> object:
        if isinstance(value, Translatable):
            return say(value, words, show)
        if isinstance(value, tuple):
            return words["list.comma"].join(str(shown(each)) for each in value)
        return show(value) if isinstance(value, str) else value

    return words[message.key].format(**{name: shown(value) for name, value in message.values.items()})


_REASONS = {
    errno.EACCES: Translatable("os.no_permission"),
    errno.EPERM: Translatable("os.not_permitted"),
    errno.ENOSPC: Translatable("os.no_space"),
    errno.EDQUOT: Translatable("os.no_quota"),
    errno.EROFS: Translatable("os.read_only"),
    errno.EIO: Translatable("os.input_output"),
    errno.ENOENT: Translatable("os.not_there"),
    errno.EISDIR: Translatable("os.is_a_folder"),
    errno.ENOTDIR: Translatable("os.no_folder"),
    errno.ENAMETOOLONG: Translatable("os.name_too_long"),
    errno.EMFILE: Translatable("os.too_many_open"),
}


def reason(error: Exception) -> Value:
    """Return why the system refused; a rare reason is in the system's own words."""
    if isinstance(error, OSError):
        return _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return str(error)
