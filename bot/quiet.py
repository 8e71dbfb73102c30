"""`kotae quiet`: what `/kb quiet` does, from the command line; the bot may be running, and on another machine."""

import math

from bot.settings import Settings, SettingsError
from bot.status import explain_quiet
from handlers.admin.quiet import switch
from handlers.schema import open_database
from handlers.store.database import upgrade_due
from handlers.store.quiet import Quiet
from handlers.store.sqlite import file_of
from indexes.messages import Translatable

CALLER = "kotae quiet"
"""Stands for an admin in the audit log."""


def be_quiet(settings: Settings, seconds: float) -> Translatable:
    """Post nothing unasked for so long from now on, infinity for until it is ended, 0 to end it; say what is done.

    Raises SettingsError where no bot of this version has been started, StoreError when the database fails.
    """
    file = file_of(settings.database_url)
    if (file and not file.is_file()) or upgrade_due(settings.database_url):
        where = str(file.absolute()) if file else "DATABASE_URL"
        raise SettingsError(Translatable("settings.no_bot", where=where))
    database = open_database(settings.database_url)
    try:
        until = switch(Quiet(database), seconds, CALLER, "")
    finally:
        database.close()
    if not seconds:
        return Translatable("quiet.no_longer")
    return explain_quiet({"until": None if math.isinf(until) else until})
