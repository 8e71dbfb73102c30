"""The order in which tests run: none is left out, and what takes long is begun first."""

from collections.abc import Iterator

import pytest

from tests.conftest import long_first


def shared_out(tests: list[bool], workers: int) -> Iterator[list[bool]]:
    """Yield what each worker is given at first, as xdist's worksteal does."""
    for others in range(workers, 0, -1):
        count = len(tests) // others
        yield tests[:count]
        tests = tests[count:]


@pytest.mark.parametrize("workers", [1, 2, 6])
@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_each_worker_begins_with_its_share_of_the_long_ones(count: int, workers: int) -> None:
    items, long = range(count), set(range(count)[3::7])
    ordered = long_first(items, workers, long.__contains__)
    assert sorted(ordered) == list(items)
    assert [each for each in ordered if each not in long] == [each for each in items if each not in long]
    shares = list(shared_out([each in long for each in ordered], workers))
    assert all(share == sorted(share, reverse=True) for share in shares)
    assert max(map(sum, shares)) - min(map(sum, shares)) <= 1
