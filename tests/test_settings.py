"""Every mistake in `.env`, the environment or kotae.toml is named with its key, its value and the mend."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from bot.config_file import ConfigFile
from bot.knowledge_folder import KnowledgeFolder
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
        ("DATABASE_URL=state.db", "DATABASE_URL: must be an address such as postgresql+psycopg://kotae@db/kotae"),
        ("DATABASE_URL=postgresql+psycopg://kotae@db:a/kotae", "a password with signs in it is best in PGPASSWORD"),
        ("DATABASE_URL=sqlite:///x?uri=foo", "DATABASE_URL: has an option behind its ? that SQLite doesn't take"),
        ("DATABASE_URL=sqlite:///x?timeout=soon", "or a value that it can't have; sqlite:///PATH needs none"),
        ("DATABASE_URL=postgresql+psycopg://kotae@[::1/kotae", "DATABASE_URL: must be an address"),
        ("DATABASE_URL=postgresql+psycopg://kotae:hunt@er2@db/kotae", "DATABASE_URL: must be an address"),
        ("LOG_LEVEL=verbose", "LOG_LEVEL = 'verbose': must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_the_mend(tmp_path: Path, line: str, message: str) -> None:
    env(tmp_path, line)
    said = refusal()
    assert message in said
    assert "er2" not in said


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


@pytest.mark.parametrize("options", ["timeout=5", "check_same_thread=false", "unheard=1"])
def test_options_of_sqlite_that_it_takes_or_ignores_hinder_nothing(tmp_path: Path, options: str) -> None:
    env(tmp_path, f"DATABASE_URL=sqlite:///x?{options}\n")
    assert load_settings().database_url.endswith(options)


@pytest.mark.parametrize("key", ["HTTPS_PROXY", "HF_TOKEN", "HF_HUB_OFFLINE", "SLACK_SIGNING_SECRET", "TZ", "PATH_X"])
def test_names_of_other_programs_are_left_alone(tmp_path: Path, key: str) -> None:
    env(tmp_path, f"{key}=1\n")
    assert load_settings().environment.search_command == "/search"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("# 設定\nLOG_LEVEL=INFO\n", "cp932"), ("LOG_LEVEL=INFO\n", "utf-16"), ("LOG_LEVEL=INFO\n", "utf-16-le")],
)
def test_a_dotenv_in_another_encoding_is_refused_by_name(tmp_path: Path, text: str, encoding: str) -> None:
    env(tmp_path, text, encoding)
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


# Sources of knowledge bases

HIDDEN = "docs.example.com/d/s3cr3t-link/pub"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (f"url = 'http://{HIDDEN}'", "kotae.toml: knowledge_bases.faq.url: must begin with https://"),
        (f"url = '{HIDDEN}'", "knowledge_bases.faq.url: must begin with https://"),
        ("url = 'https://ann:s3cr3t@docs.example.com/'", "knowledge_bases.faq.url: must hold no user or password"),
        (f"url = ['https://{HIDDEN}']", "kotae.toml: knowledge_bases.faq.url: must be a valid string"),
        (f"url = 'https://{HIDDEN}'\nfile = 'faq.csv'", "knowledge_bases.faq: has more than one of file, url and"),
        (f"url = 'https://{HIDDEN}'\nurl_env = 'FAQ_URL'", "knowledge_bases.faq: has more than one of file, url and"),
        ("header_env = 'FAQ_HEADER'", "knowledge_bases.faq: has header_env or edit_url without url or url_env"),
        (f"url_env = 'https://{HIDDEN}'", "kotae.toml: knowledge_bases.faq.url_env: String should match pattern"),
        (f"url = 'https://{HIDDEN}'\nheader_env = 'Bearer s3cr3t'", "knowledge_bases.faq.header_env: String should"),
        (f"url = 'https://{HIDDEN}'\nedit_url = 'javascript:s3cr3t'", "knowledge_bases.faq.edit_url"),
        (f"url = 'https://{HIDDEN}'\npoll_minutes = 0", "knowledge_bases.faq.poll_minutes = 0: must be greater than"),
        (f"link = 'https://{HIDDEN}'", "kotae.toml: knowledge_bases.faq.link: unknown key"),
        ("url_env = 'FAQ_URL'", "faq.url_env = 'FAQ_URL': neither the environment nor .env has FAQ_URL; set it there"),
        ("url_env = 'WRONG'", "knowledge_bases.faq.url_env = 'WRONG': what WRONG holds must begin with https://"),
        (f"url = 'https://{HIDDEN}'\nheader_env = 'WRONG'", "header_env = 'WRONG': what WRONG holds must be one"),
        (f"url = 'https://{HIDDEN}'\nheader_env = 'NONE'", "header_env = 'NONE': neither the environment nor .env has"),
    ],
)
def test_a_source_that_can_not_be_asked_is_refused_and_its_address_is_not_said(
    tmp_path: Path, section: str, message: str
) -> None:
    toml(tmp_path, f"[knowledge_bases.faq]\n{section}\n")
    env(tmp_path, f"WRONG=http-{HIDDEN}\n")
    (tmp_path / "knowledge").mkdir()
    with pytest.raises(SettingsError) as refused:
        KnowledgeFolder(load_settings(), None).check()
    assert message in str(refused.value)
    assert "s3cr3t" not in str(refused.value).replace("javascript:s3cr3t", "")


def test_an_address_that_is_a_string_instead_of_a_section_is_not_said(tmp_path: Path) -> None:
    toml(tmp_path, f"[knowledge_bases]\nfaq = 'https://{HIDDEN}'\n")
    assert "s3cr3t" not in refusal()


@pytest.mark.parametrize("name", ["../faq", "a/b", ".faq", "~$faq", "a\\\\b"])
def test_the_name_of_a_source_must_be_one_that_a_file_can_have(tmp_path: Path, name: str) -> None:
    toml(tmp_path, f"[knowledge_bases.\"{name}\"]\nurl = 'https://{HIDDEN}'\n")
    (tmp_path / "knowledge").mkdir()
    with pytest.raises(SettingsError, match="its copy would be a file of that name"):
        KnowledgeFolder(load_settings(), None).check()


def test_sources_come_from_the_file_and_from_the_environment(tmp_path: Path) -> None:
    toml(
        tmp_path,
        f"[knowledge_bases.faq]\nurl = 'https://{HIDDEN}'\nedit_url = 'https://docs.example.com/edit'\n"
        "[knowledge_bases.hr]\nurl_env = 'HR_URL'\nheader_env = 'HR_HEADER'\npoll_minutes = 30\n",
    )
    env(tmp_path, f"HR_URL=https://git.example.com/{HIDDEN}\nHR_HEADER=PRIVATE-TOKEN: s3cr3t-token\n")
    (tmp_path / "knowledge").mkdir()
    settings = load_settings()
    KnowledgeFolder(settings, None).check()
    hr = settings.remotes["hr"]
    assert (hr.place.host, hr.header, hr.poll_seconds) == ("git.example.com", ("PRIVATE-TOKEN", "s3cr3t-token"), 1800.0)
    sources = {source.name: source for source in KnowledgeFolder(settings, None).sources()}
    assert (sources["faq"].edited_at, sources["hr"].edited_at) == ("https://docs.example.com/edit", "git.example.com")
    assert sources["hr"].path == Path("knowledge/hr.csv")
    shown = repr(settings.remotes) + repr(settings.config) + str(settings.config) + repr(sources) + repr(settings)
    assert "s3cr3t" not in shown
    assert "s3cr3t" not in settings.config.model_dump_json()


def test_two_addresses_are_two_configurations() -> None:
    one, other = (
        ConfigFile.model_validate({"knowledge_bases": {"faq": {"url": f"https://a.example.com/{each}"}}})
        for each in ("1", "2")
    )
    assert one.digest != other.digest
