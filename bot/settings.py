"""All settings: the environment and `.env` for secrets and the process, `kotae.toml` for channels.

The only module that reads the environment. Every error names the key, its value and the fix.
"""

import difflib
import locale
import os
import platform
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from dotenv import dotenv_values, load_dotenv
from pydantic import (
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.addresses import is_network, split
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.source_settings import edited_at, remotes_of, troubles_of
from bot.texts import ENGLISH
from handlers.remote.places import Remote
from handlers.store.file_address import url_of
from indexes.encoder.agreement import Precision
from indexes.encoder.backends import Backend, chosen_model
from indexes.encoder.compiled import CompiledModels
from indexes.encoder.names import FAST
from indexes.environment import ENCODING
from indexes.messages import Translatable, Value, reason

SLACK_API_URL = "https://slack.com/api/"
CONFIG_FILE = "kotae.toml"

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
KOTAE_TOKEN = re.compile(r"kotae_[0-9a-zA-Z_]+")
DATABASE = re.compile(r"[\w+]+://(?:[^/@:]*(?::[^@]*)?@)?(?:\[[^/?@]+\]|[^/:?@\[\]]*)(?::\d+)?(?:[/?].*)?")
COMMAND = re.compile(r"/[^\sA-Z/]{1,31}")


def both(first: str, *second: str) -> Translatable | str:
    """Name one thing, or two."""
    return Translatable("list.both", first=first, second=second[0]) if second else first


class SettingsError(Exception):
    """A setting is wrong; the message names every wrong key, its value and the fix. It contains no secret.

    ``str(error)`` is the message in English, for the log.
    """

    def __init__(self, message: Translatable | str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message if isinstance(self.message, str) else ENGLISH.say(self.message)


class WrongValueError(ValueError):
    """A setting has a value that it can't have; the message says which ones it can."""

    def __init__(self, key: str, /, **values: Value) -> None:
        self.message = Translatable(key, **values)
        super().__init__(ENGLISH.say(self.message))


def check_address(url: str) -> None:
    """See that a database's address is one; raises WrongValueError."""
    if not DATABASE.fullmatch(url):
        raise WrongValueError("wrong.database")
    if url.startswith("sqlite") and "?" in url:
        from handlers.store.sqlite import takes_options  # noqa: PLC0415 - it takes long to import, and few addresses need it

        if not takes_options(url):
            raise WrongValueError("wrong.database_options")


UNKNOWN_KEY = Translatable("wrong.unknown_key", file=CONFIG_FILE)
LIST, BOOLEAN = Translatable("wrong.list"), Translatable("wrong.boolean")


class Environment(BaseSettings):
    """Secrets and process settings, from the environment or `.env`; `.env.example` explains each."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_config_token: SecretStr | None = None
    slack_api_url: str = SLACK_API_URL
    search_command: str = "/search"
    admin_command: str = "/kb"
    admin_users: Annotated[tuple[str, ...], NoDecode] = ()
    admin_usergroup: str = ""
    knowledge_dir: Path = Path("knowledge")
    data_dir: Path = Path(".kotae")
    model_name: str = ""
    encoder_backend: Backend = "auto"
    encoder_precision: Precision = Precision.AUTO
    database_url: SecretStr | None = None
    index_backend: Literal["faiss", "pgvector"] = "faiss"
    kotae_token: SecretStr | None = None
    api_bind: str = ""
    api_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    api_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    hf_home: Path | None = None

    @field_validator("slack_bot_token")
    @classmethod
    def _is_bot_token(cls, token: SecretStr | None) -> SecretStr | None:
        return _of_form(token, "xoxb-", WrongValueError("wrong.bot_token"))

    @field_validator("slack_app_token")
    @classmethod
    def _is_app_token(cls, token: SecretStr | None) -> SecretStr | None:
        return _of_form(token, "xapp-", WrongValueError("wrong.app_token"))

    @field_validator("kotae_token")
    @classmethod
    def _is_kotae_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not KOTAE_TOKEN.fullmatch(token.get_secret_value()):
            raise WrongValueError("wrong.kotae_token")
        return token

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_address(url.get_secret_value())
        return url

    @field_validator("slack_api_url")
    @classmethod
    def _ends_with_slash(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise WrongValueError("wrong.slack_address", example=SLACK_API_URL)
        return url.rstrip("/") + "/"

    @field_validator("search_command", "admin_command")
    @classmethod
    def _is_command(cls, name: str) -> str:
        if not COMMAND.fullmatch(name):
            raise WrongValueError("wrong.command")
        return name

    @field_validator("admin_users", "api_hosts", "api_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("admin_users")
    @classmethod
    def _are_user_ids(cls, users: tuple[str, ...]) -> tuple[str, ...]:
        for user in users:
            if not user.startswith(("U", "W")):
                raise WrongValueError("wrong.user", user=user)
        return users

    @field_validator("api_bind")
    @classmethod
    def _is_bind(cls, bind: str) -> str:
        if bind:
            split(bind)
        return bind

    @field_validator("api_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not HOST.fullmatch(host):
                raise ValueError(f"{host!r} is no host name such as kotae.example.com, without https:// and port")
        return tuple(host.lower() for host in hosts)

    @field_validator("api_proxies")
    @classmethod
    def _are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            if not is_network(proxy):
                raise ValueError(f"{proxy!r} is no address such as 127.0.0.1, and no network such as 10.0.0.0/8")
        return proxies

    @model_validator(mode="after")
    def _commands_differ(self) -> Self:
        if self.search_command == self.admin_command:
            raise WrongValueError("wrong.same_commands")
        return self

    @model_validator(mode="after")
    def _database_has_vectors(self) -> Self:
        url = self.database_url.get_secret_value() if self.database_url else ""
        if self.index_backend == "pgvector" and not url.startswith("postgresql"):
            raise WrongValueError("wrong.pgvector")
        return self

    @property
    def connects_to_slack(self) -> bool:
        """Tell whether both tokens are there."""
        return self.slack_bot_token is not None and self.slack_app_token is not None


class Settings:
    """The environment and the configuration file, checked together."""

    def __init__(self, environment: Environment, config: ConfigFile, config_path: Path) -> None:
        self.environment = environment
        self.config = config
        self.config_path = config_path

    def connected_to(
        self, api_url: str, bot_token: str, app_token: str, *, knowledge_dir: Path, data_dir: Path
    ) -> Self:
        """Return these settings for a local Slack: its own state, watched files, and little of `kotae.toml`."""
        environment = self.environment.model_copy(
            update={
                "slack_api_url": api_url,
                "slack_bot_token": SecretStr(bot_token),
                "slack_app_token": SecretStr(app_token),
                "knowledge_dir": knowledge_dir,
                "data_dir": data_dir,
                "database_url": None,
                "index_backend": "faiss",
                "api_bind": "",
            }
        )
        chosen = self.config
        config = ConfigFile(model=chosen.model, revision=chosen.revision, promise=chosen.promise, watch=True)
        return type(self)(environment, config, self.config_path)

    def reading(self, folder: Path) -> Self:
        """Return these settings for a folder of files, without any database."""
        environment = self.environment.model_copy(update={"knowledge_dir": folder, "database_url": None})
        return type(self)(environment, self.config, self.config_path)

    def check_tokens(self) -> None:
        """Raise SettingsError for Slack tokens that are missing: without them there is nothing to ask Slack."""
        given = {name: getattr(self.environment, name) for name in ("slack_bot_token", "slack_app_token")}
        if missing := [name.upper() for name, token in given.items() if token is None]:
            raise SettingsError(Translatable("settings.no_tokens", missing=both(*missing)))

    @property
    def app_token(self) -> str:
        """The app-level token; raises SettingsError without one."""
        if self.environment.slack_app_token is None:
            raise SettingsError(Translatable("settings.no_app_token"))
        return self.environment.slack_app_token.get_secret_value()

    @property
    def model(self) -> str | None:
        """The model to load: MODEL_NAME, else kotae.toml's; None for lexical search only."""
        name = self.environment.model_name or self.config.model
        return chosen_model(name, self.environment.encoder_backend, self.revision)

    @property
    def compiled_models(self) -> CompiledModels | None:
        """The compiled models; None if ENCODER_BACKEND says that none is used."""
        uses = self.environment.encoder_backend == "auto" and not (self.model or FAST).startswith(FAST)
        return CompiledModels(self.compiled_folder) if uses else None

    @property
    def compiled_folder(self) -> Path:
        """The folder of compiled models."""
        return self.environment.data_dir / "compiled"

    @property
    def remotes(self) -> Mapping[str, Remote]:
        """The sources that knowledge bases are fetched from, by the names of their sections."""
        return remotes_of(self.config, os.environ)

    def check_remotes(self) -> None:
        """Raise SettingsError for sources of which an address or a header is missing or wrong."""
        if troubles := troubles_of(self.config, os.environ):
            raise SettingsError("\n".join(f"{self.config_path.name}: {each}" for each in troubles))

    def edited_at(self, section: KnowledgeBaseSection) -> str:
        """Return where people edit a knowledge base that is fetched; blank for one that isn't."""
        return edited_at(section, os.environ)

    @property
    def revision(self) -> str | None:
        """The revision that kotae.toml pins for its model; None when MODEL_NAME names another model."""
        return None if self.environment.model_name else self.config.revision

    @property
    def timezone(self) -> ZoneInfo | None:
        """The time zone of days and of the digest; None for this machine's."""
        return ZoneInfo(self.config.timezone) if self.config.timezone else None

    @property
    def synonyms(self) -> Path:
        """The synonyms file; it must exist only when kotae.toml names it."""
        return self.chosen_synonyms or self.knowledge_dir / "_synonyms.csv"

    @property
    def chosen_synonyms(self) -> Path | None:
        """The synonyms file that kotae.toml names, or None."""
        return self.knowledge_dir / self.config.synonyms if self.config.synonyms else None

    @property
    def knowledge_dir(self) -> Path:
        """The folder that is read: KNOWLEDGE_DIR, or the copy of what a shared database holds."""
        return self.environment.data_dir / "knowledge" if self.is_shared else self.environment.knowledge_dir

    @property
    def is_shared(self) -> bool:
        """Whether replicas share the state database, and with it the contents of knowledge bases."""
        return self.database_url.startswith("postgresql")

    @property
    def index_url(self) -> str | None:
        """The address of the database that indexes are in; None where each replica has its own in DATA_DIR."""
        return self.database_url if self.environment.index_backend == "pgvector" else None

    @property
    def database_url(self) -> str:
        """The state database's address: DATABASE_URL, else a SQLite file in DATA_DIR."""
        if self.environment.database_url:
            return self.environment.database_url.get_secret_value()
        return url_of(self.environment.data_dir / "state.db")


def command_name(name: str) -> str:
    """Return a slash command's name if Slack would accept it; raises SettingsError."""
    if not COMMAND.fullmatch(name):
        raise SettingsError(Translatable("settings.no_command", name=name))
    return name


def load_settings(directory: Path = Path()) -> Settings:
    """Read `.env`, the environment (which wins) and `kotae.toml` in `directory`; raises SettingsError.

    `.env` is put into the process's environment, since Hugging Face reads HF_HOME from there.
    """
    dotenv = directory / ".env"
    try:
        _refuse_misspelt(dotenv)
        load_dotenv(dotenv, override=False, encoding=ENCODING)
    except (OSError, ValueError) as error:  # ValueError: another encoding, or the zero bytes of UTF-16
        why = reason(error) if isinstance(error, OSError) else Translatable("settings.not_utf")
        raise SettingsError(Translatable("settings.no_env", why=why)) from None
    return Settings(_environment(), *_config_file(directory / CONFIG_FILE))


def _environment() -> Environment:
    try:
        return Environment()
    except ValidationError as error:
        raise SettingsError(_explain(error, Translatable("wrong.environment"), upper=True)) from None


def _config_file(path: Path) -> tuple[ConfigFile, Path]:
    if not path.exists():
        return ConfigFile(), path
    try:
        return ConfigFile.model_validate(tomllib.loads(path.read_text(encoding=ENCODING))), path
    except ValidationError as error:
        raise SettingsError(_explain(error, path.name, upper=False)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(Translatable("wrong.unreadable", file=path.name, why=str(error))) from None


def _refuse_misspelt(dotenv: Path) -> None:
    """Raise SettingsError for a misspelt name such as SLACK_BOT_TOKN; other programs' names are left alone."""
    known = [name.upper() for name in Environment.model_fields]
    for key in dotenv_values(dotenv, encoding=ENCODING):
        near = difflib.get_close_matches(key.upper(), known, n=1, cutoff=0.84)
        if near and key not in known:
            raise SettingsError(Translatable("settings.misspelt", key=key, near=near[0]))


def has_display() -> bool:
    """Tell whether a browser can be opened; without a display it would open in this terminal."""
    if platform.system() == "Linux":
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return "SSH_CONNECTION" not in os.environ


def language() -> Literal["en", "ja"]:
    """Return the language of this terminal: Japanese where the locale says so."""
    named = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    chosen = next(filter(None, named), None) or locale.getlocale()[0] or ""
    return "ja" if chosen.lower().startswith("ja") else "en"


def _explain(error: ValidationError, source: Translatable | str, *, upper: bool) -> Translatable:
    """Describe each wrong key, with its value unless it may be a secret, and the expected one."""
    first, *others = (_line(problem, source, upper=upper) for problem in error.errors())
    for each in others:
        first = Translatable("wrong.also", before=first, line=each)
    return first


def _line(problem: ErrorDetails, source: Translatable | str, *, upper: bool) -> Translatable:
    key = ".".join(str(part) for part in problem["loc"])
    secret = "TOKEN" in key.upper() or key.upper() == "DATABASE_URL" or not key or _may_be_an_address(problem)
    value = "" if secret or problem["type"] == "extra_forbidden" else f" = {problem['input']!r}"
    named = f"{key.upper() if upper else key}{value}: " if key else ""
    return Translatable("wrong.line", source=source, named=named, mend=_mend(problem))


def _of_form(token: SecretStr | None, prefix: str, wrong: WrongValueError) -> SecretStr | None:
    if token is not None and not token.get_secret_value().startswith(prefix):
        raise wrong
    return token


def _may_be_an_address(problem: ErrorDetails) -> bool:
    """Tell whether the value of a wrong key may hold the address of a source, which lets in whoever knows it."""
    place = problem["loc"]
    is_secret = place[-1:] in {("url",), ("url_env",), ("header_env",)} or isinstance(problem["input"], dict)
    return place[:1] == ("knowledge_bases",) and (is_secret or "://" in repr(problem["input"]))


def _mend(problem: ErrorDetails) -> Translatable | str:
    """Say what is expected instead; pydantic's own rarer sentences are in English."""
    known = {"extra_forbidden": UNKNOWN_KEY, "tuple_type": LIST, "bool_parsing": BOOLEAN, "bool_type": BOOLEAN}
    context, kind = problem.get("ctx", {}), problem["type"]
    if isinstance(ours := context.get("error"), WrongValueError):
        return ours.message
    if kind in {"literal_error", "enum"}:
        return Translatable("wrong.choice", expected=str(context["expected"]))
    said = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if kind.startswith(("float_", "int_")):
        return Translatable("wrong.number", said=said)
    return known.get(kind, said)
