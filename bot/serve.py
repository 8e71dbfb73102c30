"""Runs the bot until a signal stops it."""

import logging
import os
import sys
import threading
from urllib.error import URLError

from slack_sdk.errors import SlackApiError

from bot.app import Bot, build_app
from bot.database_wait import StoppedError, wait_for_database
from bot.knowledge_folder import KnowledgeFolder
from bot.lock import only_one
from bot.refusals import cause_of, explain
from bot.restore import finish
from bot.samples import from_samples
from bot.settings import Settings
from bot.signals import call_at_end
from bot.source_watch import told_of_sources
from bot.status import RENEWED_SECONDS, forget_status, write_status
from bot.terminal import told
from handlers.schema import open_or_recover
from handlers.slack.trouble import CALL_ERRORS
from indexes.encoder import models
from indexes.messages import Translatable
from indexes.registry import Registry

log = logging.getLogger(__name__)


def serve(settings: Settings, *, is_empty: bool = False) -> int:
    """Answer on Slack until a signal; then finish the accepted requests and return 0.

    A database server that is not there yet is waited for, and a restore that was interrupted is finished first.
    `is_empty` says that the knowledge folder is meant to be empty, although it was not. Raises TakenError while another
    bot works with the same DATA_DIR, SettingsError when the database does not come, OSError for a file or folder.
    """
    settings.check_tokens()
    with only_one(settings.environment.data_dir):
        stop = threading.Event()
        call_at_end(stop.set)
        try:
            wait_for_database(settings, stop)
        except StoppedError:
            log.info("Stopped before the database was there")
            return 0
        finish(settings)
        if is_empty:
            _accept_empty(settings)
        return _serve(settings, stop)


def _serve(settings: Settings, stop: threading.Event) -> int:
    try:
        bot = build_app(settings)
        bot.start()
    except SlackApiError as error:
        print(told(explain(error)), file=sys.stderr)
        return 1
    except CALL_ERRORS as error:
        if isinstance(error, OSError) and not isinstance(error, URLError) and error.filename:  # of the disk
            raise
        address, why = settings.environment.slack_api_url, str(cause_of(error))
        print(told(Translatable("slack.unreachable", address=address, why=why)), file=sys.stderr)
        return 1
    bot.services.registry.wait_ready(RENEWED_SECONDS)
    _renew_status(settings, bot)
    _warn_of_contents(settings, bot.services.registry)
    while not stop.wait(RENEWED_SECONDS):
        _renew_status(settings, bot)
    log.info("Stopping: finishing the accepted requests")
    _renew_status(settings, bot, stopping=True)
    drained = bot.stop()
    models.close()
    forget_status(settings.environment.data_dir)
    log.info("Stopped")
    if not drained:
        log.warning("Some questions could not be finished in time")
        logging.shutdown()
        os._exit(0)  # a job that hangs would keep the interpreter from ending
    return 0


def _warn_of_contents(settings: Settings, registry: Registry) -> None:
    """Log that there is nothing to answer from yet, or that samples are answered from."""
    sources = registry.catalog()
    if not sources and not settings.is_shared:
        folder = settings.knowledge_dir
        log.warning("%s holds no CSV file or workbook yet: it-help.csv in it would serve #it-help", folder.absolute())
    answering = {name: each.index.records for name, each in registry.loaded.items()}
    for each in from_samples(sources, settings.synonyms, answering):
        log.warning("%s", each)


def _accept_empty(settings: Settings) -> None:
    """Forget what the knowledge folder held; not while it holds something."""
    database = open_or_recover(settings.database_url, settings.environment.data_dir)
    try:
        folder = KnowledgeFolder(settings, database)
        if folder.is_empty:
            folder.accept_empty()
    finally:
        database.close()


def _renew_status(settings: Settings, bot: Bot, *, stopping: bool = False) -> None:
    try:
        write_status(settings.environment.data_dir, bot.services, told_of_sources(bot.services), stopping=stopping)
    except OSError as error:
        log.warning("The status file can't be written (%s)", error.strerror)
