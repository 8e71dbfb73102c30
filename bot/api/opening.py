"""Opens HTTP if API_BIND is set: its packages are an extra, and nobody else imports them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.api.binding import Binding
from bot.extras import install
from bot.probe import HANGING_SECONDS, ready
from bot.settings import Settings, SettingsError
from bot.status import read_status
from handlers.services import Services
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.api.server import ApiServer

Make = Callable[[Services], "ApiServer | None"]


def api_of(settings: Settings, binding: Binding) -> Make:
    """Return what makes the server once there are services, or none; raises SettingsError if packages are missing."""
    if not binding:
        return lambda _: None
    try:
        from bot.api.server import ApiServer  # noqa: PLC0415 - only whoever wants HTTP has its packages
    except ImportError as error:
        package = str(error.name).partition(".")[0]
        raise SettingsError(
            Translatable(
                "settings.http_lacks", bind=settings.environment.api_bind, package=package, command=install("api")
            )
        ) from None
    data_dir = settings.environment.data_dir
    return lambda services: ApiServer(
        settings, binding, services, lambda: ready(read_status(data_dir, HANGING_SECONDS)).is_good
    )
