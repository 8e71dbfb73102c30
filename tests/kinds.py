"""Which tests are run when: each by `make test` or by `make test-long`, and some of them again on PostgreSQL."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

LONG = "long"
MARKED = f"mark.{LONG}("
"""What stands in a file that has long tests."""


def is_long(item: pytest.Item) -> bool:
    """Tell whether a test is left to `make test-long`."""
    return item.get_closest_marker(LONG) is not None


def has_none(path: Path, wanted: str) -> bool:
    """Tell whether a file of tests has none of those that `-m` wants, without importing it."""
    return wanted == LONG and path.name.startswith("test_") and MARKED not in path.read_text("utf-8")


def reason_of(item: pytest.Item, marker: pytest.Mark) -> str:
    """Return the reason that a marker gives; raises UsageError without one."""
    if len(marker.args) != 1 or not str(marker.args[0]).strip():
        raise pytest.UsageError(f"{item.nodeid}: the marker `{marker.name}` wants one reason")
    return str(marker.args[0])


def counted(items: Iterable[pytest.Item]) -> Counter[str]:
    """Count the tests of each kind; raises UsageError for one that is left to later without a reason."""
    return Counter(LONG if [reason_of(each, mark) for mark in each.iter_markers(LONG)] else "test" for each in items)


def told(kinds: Counter[str]) -> str:
    """Say how many there are of each."""
    return f"{kinds.total():,} tests: {kinds['test']:,} of make test, {kinds[LONG]:,} of make test-long"
