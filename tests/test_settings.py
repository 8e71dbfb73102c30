"""Every mistake in `.env`, the environment or kotae.toml is named with its key, its value and the mend."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from bot.settings import Environment, SettingsError, command_name, load_settings
from handlers.channel_rules import AutoReply
from indexes.encoder import DEFAULT_MODEL

BOT, APP = "xoxb-1-secret-of-the-bot", "xapp-1-secret-of-the-app"


@pytest.fixture(autouse=True)
def _environment_is_put_back() -> Iterator[None]:
    """`.env` goes into the process's environment, as it must for Hugging Face."""
    with mock.patch.dict(os.environ):
        yield


def env(tmp_path: Path, text: str, encoding: str = "utf-8") -> None:
    (tmp_path / ".env").write_text(text, encoding=encoding)


def toml(tmp_path: Path, text: str, encoding: str = "utf-8") -> None:
    (tmp_path / "kotae.toml").write_text(text, encoding=encoding)


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert refused.value.__cause__ is None
    return str(refused.value)


# What holds


def test_without_anything_there_are_defaults() -> None:
    settings = load_settings()
    assert settings.environment.knowledge_dir == Path("knowledge")
    assert (settings.model, settings.revision) == (DEFAULT_MODEL, None)
    assert settings.synonyms == Path("knowledge/_synonyms.csv")
    assert settings.database_url == f"sqlite:///{Path('.kotae') / 'state.db'}"
    assert not settings.environment.connects_to_slack
    with pytest.raises(SettingsError, match="SLACK_APP_TOKEN is not set"):
        _ = settings.app_token


def test_the_environment_wins_over_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env(tmp_path, "SEARCH_COMMAND=/from-file\nADMIN_COMMAND=/admin\nLOG_LEVEL=\n")
    monkeypatch.setenv("SEARCH_COMMAND", "/from-environment")
    environment = load_settings().environment
    assert (environment.search_command, environment.admin_command) == ("/from-environment", "/admin")
    assert environment.log_level == "INFO"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_both_files_may_begin_with_a_mark(tmp_path: Path, encoding: str) -> None:
    env(tmp_path, "ADMIN_USERS=U1, U2 W3\n# 日本語\n", encoding)
    toml(tmp_path, 'model = "some/model"\nrevision = "v2"\n', encoding)
    settings = load_settings()
    assert settings.environment.admin_users == ("U1", "U2", "W3")
    assert (settings.model, settings.revision) == ("some/model", "v2")


def test_a_model_named_in_the_environment_has_not_the_revision_of_another(tmp_path: Path) -> None:
    toml(tmp_path, 'model = "some/model"\nrevision = "v2"\n')
    env(tmp_path, "MODEL_NAME=other/model\n")
    settings = load_settings()
    assert (settings.model, settings.revision) == ("other/model", None)


def test_lexical_search_has_no_model(tmp_path: Path) -> None:
    env(tmp_path, "ENCODER_BACKEND=lexical\nMODEL_NAME=some/model\n")
    assert load_settings().model is None


def test_channels_and_knowledge_bases_of_kotae_toml(tmp_path: Path) -> None:
    toml(
        tmp_path,
        """
        auto_reply = "shadow"
        threshold = 0.8
        synonyms = "words.csv"
        ask = ["S012AB3CD"]
        [channels."#it-help"]
        knowledge_bases = ["it-help", "dev-faq"]
        auto_reply = "on"
        threshold = 0.75
        ask = ["U012AB3CD", "W012AB3CD"]
        [channels.C012AB3CD]
        knowledge_bases = []
        [knowledge_bases.it-help]
        file = "other.csv"
        public = true
        """,
    )
    settings = load_settings()
    it_help = settings.config.channels["#it-help"]
    assert (it_help.knowledge_bases, it_help.auto_reply, it_help.threshold) == (
        ("it-help", "dev-faq"),
        AutoReply.ON,
        0.75,
    )
    assert settings.config.channels["C012AB3CD"].knowledge_bases == ()
    assert (settings.config.ask, it_help.ask) == (("S012AB3CD",), ("U012AB3CD", "W012AB3CD"))
    assert settings.config.knowledge_bases["it-help"].public
    assert settings.synonyms == Path("knowledge/words.csv")


# Mistakes in .env


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"SLACK_BOT_TOKEN={APP}", "SLACK_BOT_TOKEN: must begin with xoxb-: it is the Bot User OAuth Token"),
        (f"SLACK_APP_TOKEN={BOT}", "SLACK_APP_TOKEN: must begin with xapp-: it is the app-level token"),
        ("SLACK_API_URL=slack.com/api", "SLACK_API_URL = 'slack.com/api': must begin with https:// or http://"),
        ("SEARCH_COMMAND=search", "SEARCH_COMMAND = 'search': must be a slash and up to 31 characters"),
        ("ADMIN_COMMAND=/Admin", "ADMIN_COMMAND = '/Admin': must be a slash"),
        ("SEARCH_COMMAND=/kb", "Environment or .env: SEARCH_COMMAND and ADMIN_COMMAND must differ"),
        ("ADMIN_USERS=@ichiro", "ADMIN_USERS = '@ichiro': '@ichiro' is no Slack user id such as U012AB3CD"),
        ("ENCODER_BACKEND=gpt", "ENCODER_BACKEND = 'gpt': must be"),
        ("API_BIND=8321", "API_BIND = '8321': must be HOST:PORT, such as 127.0.0.1:8321"),
        ("API_BIND=localhost:http", "API_BIND = 'localhost:http': must be HOST:PORT"),
        ("API_BIND=127.0.0.1:65536", "API_BIND = '127.0.0.1:65536': must be HOST:PORT"),
        ("API_BIND=::1:8321", "API_BIND = '::1:8321': must have an IPv6 address in brackets, such as [::1]:8321"),
        (
            "API_HOSTS=https://kotae.example.com",
            "'https://kotae.example.com' is no host name such as kotae.example.com",
        ),
        ("API_PROXIES=proxy", "'proxy' is no address such as 127.0.0.1, and no network such as 10.0.0.0/8"),
        ("LOG_LEVEL=verbose", "LOG_LEVEL = 'verbose': must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_the_mend(tmp_path: Path, line: str, message: str) -> None:
    env(tmp_path, line)
    assert message in refusal()


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    env(tmp_path, f"SLACK_BOT_TOKEN={APP}\nSLACK_APP_TOKEN={BOT}\nLOG_LEVEL=loud\n")
    lines = refusal().splitlines()
    assert len(lines) == 3
    assert all(line.startswith("Environment or .env: ") for line in lines)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("SLACK_TOKEN", "SLACK_BOT_TOKEN"),
        ("slack_app_token", "SLACK_APP_TOKEN"),
        ("ADMIN_USER", "ADMIN_USERS"),
        ("KNOWLEDGE_DIRS", "KNOWLEDGE_DIR"),
    ],
)
def test_a_misspelt_key_is_refused(tmp_path: Path, key: str, meant: str) -> None:
    env(tmp_path, f"{key}={BOT}\n")
    assert refusal() == f".env: {key} is not a setting; did you mean {meant}?"


@pytest.mark.parametrize("key", ["HTTPS_PROXY", "HF_TOKEN", "HF_HUB_OFFLINE", "SLACK_SIGNING_SECRET", "TZ", "PATH_X"])
def test_names_of_other_programs_are_left_alone(tmp_path: Path, key: str) -> None:
    env(tmp_path, f"{key}=1\n")
    assert load_settings().environment.search_command == "/search"


def test_a_dotenv_in_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    env(tmp_path, "# 設定\nLOG_LEVEL=INFO\n", "cp932")
    assert refusal() == ".env can't be read: it is not UTF-8; save it as UTF-8"


# Mistakes in kotae.toml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "modell = 'x'",
            "kotae.toml: modell: unknown key; kotae.toml understands the keys listed in docs/configuration.md",
        ),
        ("[channels.it-help]\nautoreply = 'on'", "kotae.toml: channels.it-help.autoreply: unknown key"),
        (
            "[channels.it-help]\nauto_reply = 'maybe'",
            "channels.it-help.auto_reply = 'maybe': must be 'on', 'shadow' or",
        ),
        ("[channels.it-help]\nthreshold = 80", "channels.it-help.threshold = 80: must be less than or equal to 1"),
        ("threshold = 'high'", "kotae.toml: threshold = 'high': must be a valid number"),
        (
            'timezone = "Asia/Tokio"',
            "kotae.toml: timezone = 'Asia/Tokio': no time zone has that name; did you mean Asia/Tokyo",
        ),
        ('timezone = "tokyo"', "kotae.toml: timezone = 'tokyo': no time zone has that name; did you mean Asia/Tokyo"),
        (
            'timezone = "../../etc/passwd"',
            "kotae.toml: timezone = '../../etc/passwd': no time zone has that name; write one of IANA's list",
        ),
        ("timezone = 9", "kotae.toml: timezone = 9: must be a valid string"),
        ("confirmations = 1", "kotae.toml: confirmations = 1: must be greater than or equal to 2"),
        (
            "[channels.it-help]\nknowledge_bases = 'it-help'",
            "channels.it-help.knowledge_bases = 'it-help': must be a list such as [\"it-help\"]",
        ),
        ("[knowledge_bases.it-help]\npublic = 'perhaps'", "knowledge_bases.it-help.public = 'perhaps': must be"),
        (
            "ask = ['@taro']",
            "kotae.toml: ask.0 = '@taro': is no Slack id of a person (U012AB3CD) or of a user group (S",
        ),
        ("ask = ['!channel']", "ask.0 = '!channel': is no Slack id"),
        ("[channels.it-help]\nask = 'U012AB3CD'", "channels.it-help.ask = 'U012AB3CD': must be a list such as"),
        (
            "features_off = ['typing']",
            "features_off.0 = 'typing': must be 'typeahead', 'clarifying', 'threads', 'images'",
        ),
        (
            "[channels.it-help]\nfeatures_off = ['synonyms']",
            "channels.it-help.features_off.0 = 'synonyms': can't be switched off in one channel; write it into",
        ),
        ("channels = 3", "kotae.toml: channels = 3: must be"),
        ("[channels\n", "kotae.toml can't be read: "),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    toml(tmp_path, text)
    assert message in refusal()


def test_a_file_in_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    toml(tmp_path, "# 設定\n", "cp932")
    assert refusal().startswith("kotae.toml can't be read: ")


# Secrets


def test_no_secret_is_in_any_representation_or_error(tmp_path: Path) -> None:
    url = "postgresql://kotae:hunter2@db/kotae"
    env(tmp_path, f"SLACK_BOT_TOKEN={BOT}\nSLACK_APP_TOKEN={APP}\nDATABASE_URL={url}\n")
    settings = load_settings()
    assert settings.app_token == APP
    assert settings.database_url == url
    shown = repr(settings) + repr(settings.environment) + str(settings.environment) + str(settings.__dict__)
    assert not any(secret in shown for secret in (BOT, APP, "hunter2"))
    with mock.patch.dict(os.environ, {"SLACK_BOT_TOKEN": f"bad-{BOT}", "LOG_LEVEL": "loud"}):
        assert BOT not in refusal()


def test_every_setting_is_documented_in_the_example() -> None:
    example = (Path(__file__).parents[1] / ".env.example").read_text(encoding="utf-8")
    for name in Environment.model_fields:
        assert f"{name.upper()}=" in example


@pytest.mark.parametrize("name", ["/kb-search", "/検索", "/a"])
def test_a_command_name_that_slack_takes(name: str) -> None:
    assert command_name(name) == name


@pytest.mark.parametrize("name", ["kb", "/", "/KB", "/two words", "/a/b", "/" + "x" * 32])
def test_a_command_name_that_slack_refuses(name: str) -> None:
    with pytest.raises(SettingsError, match="can't be a command"):
        command_name(name)
