"""`kotae doctor`: checks everything that the bot needs to start, and says how to fix each problem."""

from collections.abc import Callable, Iterator

from bot.doctor import api_checks, local_checks
from bot.doctor.finding import Finding
from bot.doctor.slack_checks import check_slack
from bot.doctor.source_checks import check_sources
from bot.settings import Settings
from indexes.messages import Translatable, reason

__all__ = ["Finding", "examine"]


def examine(settings: Settings) -> Iterator[Finding]:
    """Run one check after the other; nothing is changed."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        local_checks.check_places,
        local_checks.check_commands,
        check_slack,
        local_checks.check_knowledge,
        check_sources,
        local_checks.check_model,
        local_checks.check_disk,
        local_checks.check_database,
        api_checks.check_api,
    )
    for check in checks:
        try:
            yield from check(settings)
        except OSError as error:
            yield Finding("fail", _of_system(error))


def _of_system(error: OSError) -> Translatable:
    if error.filename:
        return Translatable("doctor.system_file", file=str(error.filename), why=reason(error))
    return Translatable("doctor.system", said=reason(error))
