"""Every function that takes a text takes a time that grows with the text, not with its square."""

import inspect
from collections.abc import Iterator
from contextlib import suppress
from types import ModuleType

import pytest

from indexes.errors import KnowledgeBaseError
from tests.pathological import slow
from tests.test_linear_expressions import modules, texts
from tests.text_functions import NOT_A_TEXT, PATHS, RUN

PACKAGES_OF_TEXT = ("handlers.slack.", "indexes.")
WHOLE = pytest.mark.long("measures how a whole request grows with what was asked")
EXCLUDED = {name for names in NOT_A_TEXT.values() for name in names}


def text_modules() -> Iterator[ModuleType]:
    """Yield the modules that deal with texts: all that have a regular expression, and all of some packages."""
    named = {name.rpartition(".")[0] for name in RUN}
    for path, module in modules().items():
        name = module.__name__
        if name in named or name.startswith(PACKAGES_OF_TEXT) or ".views." in name or "re.compile" in texts()[path]:
            yield module


def takers() -> Iterator[str]:
    """Yield every public function of these that takes a text, or several, by module and name."""
    for module in text_modules():
        for name, value in vars(module).items():
            function = inspect.unwrap(value) if inspect.isroutine(value) else None
            if function is not None and not name.startswith("_") and function.__module__ == module.__name__:
                parameters = inspect.signature(function).parameters.values()
                if any("str" in str(parameter.annotation) for parameter in parameters):
                    yield f"{module.__name__}.{name}"


def is_excluded(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:count]) in EXCLUDED for count in range(2, len(parts) + 1))


def test_every_function_that_takes_a_text_is_run_or_excluded() -> None:
    found = set(takers())
    assert {name for name in found if name not in RUN and not is_excluded(name)} == set()
    assert {name for name in RUN if name not in found} == set(), "gone, or renamed"
    assert {name for name in EXCLUDED if not any(f"{each}.".startswith(f"{name}.") for each in found)} == set()


@pytest.mark.parametrize("name", [*RUN, *(pytest.param(name, marks=WHOLE) for name in PATHS)])
def test_function_is_linear(name: str) -> None:
    function = {**RUN, **PATHS}[name]

    def run(text: str) -> None:
        with suppress(KnowledgeBaseError):  # a refusal takes no longer than reading what is refused
            function(text)

    assert not slow(run)
