"""Every test is run by exactly one of `make test` and `make test-long`, and each that waits for the latter says why."""

import re
from pathlib import Path

import pytest

from tests.conftest import COUNTED
from tests.kinds import LONG, has_none, told

TESTS = Path(__file__).parent
TARGETS = re.compile(r"^(test\S*):.*\n(?:\t.*\n)*?\t\$\(PYTEST\)(?: -m (\"[^\"]+\"|\S+))?$", re.MULTILINE)


def test_each_is_run_by_one_of_the_two(pytestconfig: pytest.Config) -> None:
    chosen = dict(TARGETS.findall((TESTS.parent / "Makefile").read_text("utf-8")))
    assert chosen == {"test": f'"not {LONG}"', "test-long": LONG, "test-all": ""}
    counted = pytestconfig.stash[COUNTED]
    assert counted.keys() <= {"test", LONG}
    assert counted["test"] + counted[LONG] == counted.total() > 0
    assert told(counted).startswith(f"{counted.total():,} tests: ")


def test_no_file_with_long_tests_is_passed_over() -> None:
    marker = re.compile(rf"\bmark\.{LONG}\b")
    files = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    assert [path.name for path in files if marker.search(path.read_text("utf-8")) and has_none(path, LONG)] == []
    assert any(has_none(path, LONG) for path in files)
    assert not any(has_none(path, f"not {LONG}") for path in files)
