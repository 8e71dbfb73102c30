"""`kotae connect`: creates the Slack app, asks for its two tokens, tries them, and writes them to `.env`.

The app configuration token creates the app and is not stored. `.env` is written once, after everything was tried.
"""

import getpass
import re
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from dotenv import dotenv_values
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.env_file import ensure_writable, write_settings
from bot.manifest import AGENT_SCOPE, SCOPES, manifest
from bot.refusals import explain
from bot.settings import Environment, Settings, SettingsError, both, has_display
from bot.slack_client import scopes_of, slack_client
from bot.texts import ENGLISH
from handlers.slack.trouble import CALL_ERRORS
from handlers.texts import Texts
from indexes.environment import ENCODING
from indexes.messages import Translatable

TRIES = 3
"""How often a token is asked for before giving up."""
SEARCH, OTHERWISE = "/search", "/kb-search"
"""The default search command, and the one for workspaces where Slack reserves it."""
INVALID_NAME = "invalid_name"
EXAMPLE = ".env.example"
_APP = re.compile(r"A[A-Z0-9]+")
"""An app's id; it is shown as a part of commands to copy."""

CONFIGURATION = {
    "invalid_auth": Translatable("connect.unknown_token"),
    "token_expired": Translatable("connect.expired_token"),
    "not_allowed_token_type": Translatable("connect.other_token"),
}
"""What Slack's refusals of a configuration token mean."""


class ConnectError(SettingsError):
    """The bot can't be connected; the message says why and what to do. No token is in it."""


@dataclass(frozen=True)
class Options:
    """The options of the command line. `app` is an existing app; a blank command is the configured one."""

    app: str = ""
    search: str = ""
    admin: str = ""
    agent: bool = False
    replace: bool = False
    open_pages: bool = True


class Dialogue:
    """Asks without echo at a terminal; reads line by line from a pipe."""

    def __init__(self, source: TextIO, show: Callable[[str], None], texts: Texts = ENGLISH) -> None:
        self._source = source
        self._show = show
        self._texts = texts

    def say(self, message: Translatable) -> None:
        """Tell something in the language of the terminal."""
        self._show(self._texts.say(message))

    @property
    def is_at_terminal(self) -> bool:
        """Whether the input is a terminal."""
        return self._source.isatty()

    def secret(self, what: Translatable) -> str:
        """Return the answer; raises ConnectError at the end of the input."""
        prompt = f"{self._texts.say(what)}:"
        try:
            line = getpass.getpass(f"{prompt} ") + "\n" if self.is_at_terminal else self._line(prompt)
        except EOFError:  # Ctrl-D at a terminal
            line = ""
        if not line:
            raise ConnectError(Translatable("connect.input_ended", what=what))
        return line.strip()

    def _line(self, prompt: str) -> str:
        self._show(prompt)
        return self._source.readline()


def connect(settings: Settings, wanted: Options, dialogue: Dialogue, dotenv: Path) -> None:
    """Create the app unless it exists, ask for its tokens and write them; raises ConnectError or OSError."""
    environment = settings.environment
    before = {"SLACK_BOT_TOKEN": environment.slack_bot_token, "SLACK_APP_TOKEN": environment.slack_app_token}
    known = [key for key, token in before.items() if token]
    if known and not wanted.replace:
        raise ConnectError(Translatable("connect.set_already", tokens=both(*known)))
    outside = [key for key in known if not dotenv_values(dotenv, encoding=ENCODING).get(key)]
    search, app = wanted.search or environment.search_command, wanted.app
    admin = wanted.admin or environment.admin_command
    ensure_writable(dotenv)  # before an app is made whose tokens would be lost
    if not app:
        search, app = _create(environment, wanted, search, admin, dialogue)
    commands = {"SEARCH_COMMAND": search, "ADMIN_COMMAND": admin}
    now = {"SEARCH_COMMAND": environment.search_command, "ADMIN_COMMAND": environment.admin_command}
    try:
        tokens = _tokens(environment, wanted, app, dialogue)
        values = tokens | {key: name for key, name in commands.items() if name != now[key]}
        write_settings(dotenv, values, _fresh(dotenv))
    except (ConnectError, KeyboardInterrupt, *CALL_ERRORS):
        again = _again(app, search, admin, wanted)
        dialogue.say(Translatable("connect.unchanged", file=str(dotenv), command=again))
        raise
    dialogue.say(Translatable("connect.written", file=str(dotenv), names=tuple(values)))
    if outside:
        dialogue.say(Translatable("connect.outside", tokens=both(*outside), file=str(dotenv)))


# Making the app


def _create(environment: Environment, wanted: Options, search: str, admin: str, dialogue: Dialogue) -> tuple[str, str]:
    """Create the app with the first command name that Slack accepts; return that name and the app's id."""
    given = environment.slack_config_token
    page = _page(environment, "")
    asked = Translatable("connect.configuration_token", page=page)
    token = given.get_secret_value() if given else dialogue.secret(asked)
    if not token.startswith("xoxe.xoxp-"):
        refresh, other = Translatable("connect.refresh_token", page=page), Translatable("connect.no_token", page=page)
        raise ConnectError(refresh if token.startswith("xoxe-") else other)
    client = slack_client(environment, token)
    try:
        search, made = _accepted(client, search, admin, wanted, dialogue)
        created = client.apps_manifest_create(manifest=made)
    except SlackApiError as error:
        raise ConnectError(_refusal(error, page)) from None
    app = str(created.get("app_id"))
    if not _APP.fullmatch(app):
        raise ConnectError(Translatable("connect.no_id"))
    dialogue.say(Translatable("connect.made", app=app, search=search, admin=admin))
    return search, app


def _accepted(
    client: WebClient, search: str, admin: str, wanted: Options, dialogue: Dialogue
) -> tuple[str, dict[str, Any]]:
    """Return the first name that Slack accepts, with the manifest; raises SlackApiError for other refusals."""
    names = (search, OTHERWISE) if search == SEARCH else (search,)
    for name in names:
        built = manifest(name, admin, agent=wanted.agent)
        try:
            client.apps_manifest_validate(manifest=built)
        except SlackApiError as error:
            if name == names[-1] or INVALID_NAME not in {problem.get("code") for problem in _problems(error)}:
                raise
            said = next(str(each.get("message")) for each in _problems(error) if each.get("code") == INVALID_NAME)
            dialogue.say(Translatable("connect.other_name", name=name, said=said, other=names[-1]))
        else:
            break
    return name, built


def _problems(error: SlackApiError) -> list[Mapping[str, Any]]:
    """Return the problems of a manifest: each has a message, and mostly a code and a pointer."""
    listed = error.response.get("errors")
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def _refusal(error: SlackApiError, page: str) -> Translatable:
    code = str(error.response.get("error"))
    if code in CONFIGURATION:
        return Translatable("connect.token_refused", code=code, why=CONFIGURATION[code], page=page)
    problems = _problems(error)
    lines = "".join(f"\n  {each.get('message')} ({each.get('pointer', '-')})" for each in problems)
    if any(each.get("code") == INVALID_NAME for each in problems):
        return Translatable("connect.names_refused", code=code, problems=lines)
    return Translatable("connect.manifest_refused", code=code, problems=lines)


# Its tokens


def _tokens(environment: Environment, wanted: Options, app: str, dialogue: Dialogue) -> dict[str, str]:
    """Ask for both tokens until Slack accepts them."""
    install = _page(environment, f"{app}/install-on-team")
    dialogue.say(Translatable("connect.install", page=install))
    if wanted.open_pages and dialogue.is_at_terminal and has_display():
        webbrowser.open(install)
    needed = (*SCOPES, *([AGENT_SCOPE] if wanted.agent else []))
    bot = _asked(
        dialogue,
        Translatable("connect.bot_token", page=_page(environment, f"{app}/oauth")),
        "xoxb-",
        lambda token: _try_bot(slack_client(environment, token), needed, dialogue),
    )
    socket = _asked(
        dialogue,
        Translatable("connect.app_token", page=_page(environment, f"{app}/general")),
        "xapp-",
        lambda token: _try_socket(slack_client(environment, token), token),
    )
    return {"SLACK_BOT_TOKEN": bot, "SLACK_APP_TOKEN": socket}


def _asked(dialogue: Dialogue, what: Translatable, prefix: str, attempt: Callable[[str], Translatable | None]) -> str:
    """Ask until `attempt` returns no objection to the answer."""
    for _ in range(TRIES):
        token = dialogue.secret(what)
        has_form = re.fullmatch(rf"{prefix}[\w-]+", token, re.ASCII)
        wrong = attempt(token) if has_form else Translatable("connect.wrong_prefix", prefix=prefix)
        if not wrong:
            return token
        dialogue.say(wrong)
    raise ConnectError(Translatable("connect.not_taken", tries=TRIES, what=what))


def _try_bot(client: WebClient, needed: tuple[str, ...], dialogue: Dialogue) -> Translatable | None:
    try:
        identity = client.auth_test()
    except SlackApiError as error:
        return explain(error)
    missing = [scope for scope in needed if scope not in scopes_of(identity)]
    if missing:
        return Translatable("connect.scopes_missing", missing=tuple(missing))
    user, team = str(identity["user"]), str(identity["team"])
    dialogue.say(Translatable("connect.scopes", user=user, team=team, count=len(needed)))
    return None


def _try_socket(client: WebClient, token: str) -> Translatable | None:
    try:
        client.apps_connections_open(app_token=token)
    except SlackApiError as error:
        return explain(error)
    return None


# Around it


def _page(environment: Environment, path: str) -> str:
    """Return the address of a page about apps, at the configured Slack."""
    host = urlsplit(environment.slack_api_url).hostname or ""
    domain = "slack-gov.com" if host == "slack-gov.com" or host.endswith(".slack-gov.com") else "slack.com"
    return f"https://api.{domain}/apps" + (f"/{path}" if path else "")


def _again(app: str, search: str, admin: str, wanted: Options) -> str:
    parts = [f"kotae connect --app {app} --search-command {search} --admin-command {admin}"]
    parts += ["--agent"] if wanted.agent else []
    parts += ["--replace"] if wanted.replace else []
    return " ".join(parts)


def _fresh(dotenv: Path) -> str:
    """Return the initial text of a new `.env`: the example beside it, if there is one."""
    example = dotenv.with_name(EXAMPLE)
    return example.read_text(encoding="utf-8") if example.exists() else ""
