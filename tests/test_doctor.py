"""`kotae doctor`: what it finds in good and bad set-ups, and that no secret is in it."""

import csv
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.config_file import ChannelSection, ConfigFile, KnowledgeBaseSection
from bot.doctor import Finding, examine
from bot.doctor.api_checks import check_api
from bot.doctor.local_checks import check_database, existing_database
from bot.manifest import SCOPES
from bot.message_samples import SAMPLES
from bot.playground import DEFAULT_SCOPES, LocalSlack
from bot.samples import FOLDER as SAMPLES_FOLDER
from bot.settings import Environment, Settings
from handlers.channel_rules import AutoReply
from handlers.schema import open_database
from handlers.store.channel_names import Binding, BindingState, ChannelNames
from handlers.store.channel_settings import ChannelSettings
from handlers.store.tokens import Tokens
from indexes.records import read_records
from indexes.retrieval.synonyms import read_synonyms
from tests.former import former_database, rows
from tests.postgresql import Server


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "it-help.csv").write_text("question,answer\nWhere is the printer?,Next to the lift.\n")
    return folder


@pytest.fixture
def scopes() -> tuple[str, ...]:
    return DEFAULT_SCOPES


@pytest.fixture
def slack(scopes: tuple[str, ...]) -> Iterator[LocalSlack]:
    with LocalSlack(scopes=scopes) as running:
        yield running


def settings(slack: LocalSlack, knowledge: Path, config: ConfigFile | None = None, **changed: object) -> Settings:
    values = {
        "slack_api_url": slack.api_url,
        "slack_bot_token": slack.bot_token,
        "slack_app_token": slack.app_token,
        "knowledge_dir": knowledge,
        "data_dir": knowledge.parent / "data",
        "encoder_backend": "lexical",
        "search_command": "/kb-search",
        **changed,
    }
    return Settings(Environment.model_validate(values), config or ConfigFile(), Path("kotae.toml"))


def levels(findings: list[Finding], text: str) -> list[str]:
    return [finding.level for finding in findings if text in finding.what]


def failures(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings if finding.is_failure]


def test_a_good_set_up_has_no_failure(slack: LocalSlack, knowledge: Path) -> None:
    findings = list(examine(settings(slack, knowledge)))
    assert failures(findings) == []
    text = "\n".join(map(str, findings))
    assert "[ok]   Commands: /kb-search and /kb" in text
    assert "both tokens accepted" in text
    assert f"[ok]   Scopes: all {len(SCOPES)}" in text
    assert "[ok]   Agent: no;" in text
    assert f"[ok]   Messages: Slack takes all {len(SAMPLES)} kinds" in text
    assert "it-help.csv: 1 record " in text
    assert "[note] ENCODER_BACKEND = lexical" in text
    assert "writable" in text
    assert "state.db is made at the first start" in text
    assert not (knowledge.parent / "data").exists(), "only looked at"
    assert slack.bot_token not in text
    assert slack.app_token not in text


def test_a_state_database_that_is_there_is_opened(slack: LocalSlack, knowledge: Path) -> None:
    some = settings(slack, knowledge)
    open_database(some.database_url).close()
    assert levels(list(examine(some)), "State database: opens") == ["ok"]


def test_a_server_is_named_with_its_version_and_what_it_lacks(
    slack: LocalSlack, knowledge: Path, postgresql_server: Server
) -> None:
    url = postgresql_server.make_empty()
    there = settings(slack, knowledge, database_url=url)
    assert levels(list(examine(there)), "State database: opens on PostgreSQL ") == ["ok"]
    assert levels(list(examine(there)), "is upgraded from schema 0000 to ") == ["ok"]
    open_database(url).close()
    findings = list(examine(there))
    assert levels(findings, " ms away") == ["ok"]
    assert levels(findings, "State database: no pgvector") == ["note"]
    postgresql_server.drop(url)
    assert levels(list(examine(there)), "does not exist") == ["fail"]


def test_a_state_database_of_an_earlier_version_is_left_to_the_next_start(slack: LocalSlack, knowledge: Path) -> None:
    """The earlier version may be running on it still."""
    some = settings(slack, knowledge)
    file = some.environment.data_dir / "state.db"
    former_database(file)
    before = rows(file)
    assert levels(list(examine(some)), "State database: opens, and is upgraded from schema 0000 to ") == ["ok"]
    assert rows(file) == before


GUESTS = "guests or people of another organisation are in it"


def test_guests_where_auto_reply_is_on_are_named_with_what_that_means(slack: LocalSlack, knowledge: Path) -> None:
    """What kotae.toml switches on and what admins did in Slack, before and after the first start."""
    channel = slack.channel("it-help")
    on = ConfigFile(channels={"it-help": ChannelSection(auto_reply=AutoReply.ON)})
    assert levels(list(examine(settings(slack, knowledge, on))), GUESTS) == []
    channel.members.append(slack.person("guest").id)
    some = settings(slack, knowledge, on)
    silent = f"#it-help ({channel.id}): auto-reply is on, but {GUESTS}: it says nothing there, since no knowledge base"
    assert levels(list(examine(some)), silent) == ["note"]
    assert not some.environment.data_dir.exists(), "only looked at"
    (knowledge / "_shared.csv").write_text("question,answer\nWhere is the office?,In Tokyo.\n")
    public = {"_shared": KnowledgeBaseSection(public=True)}
    partly = (
        f"#it-help ({channel.id}): auto-reply is on, but {GUESTS}: it uses only public knowledge bases there (_shared)"
    )
    both = on.model_copy(update={"knowledge_bases": public})
    assert levels(list(examine(settings(slack, knowledge, both))), partly) == ["note"]
    assert levels(list(examine(settings(slack, knowledge))), GUESTS) == []
    with closing(open_database(some.database_url)) as database:
        ChannelSettings(database).set(channel.id, "auto_reply", "on", "U012AB3CD")
    assert levels(list(examine(settings(slack, knowledge))), silent) == ["note"]


@pytest.mark.parametrize("scopes", [tuple(set(DEFAULT_SCOPES) - {"users:read", "files:read"})])
def test_missing_scopes_are_named(slack: LocalSlack, knowledge: Path) -> None:
    [failure] = failures(list(examine(settings(slack, knowledge))))
    assert failure == (
        "Scopes missing: files:read, users:read; paste the output of `kotae manifest` as the app's manifest and"
        " reinstall it"
    )


@pytest.mark.parametrize("scopes", [tuple(set(DEFAULT_SCOPES) - {"mpim:read", "mpim:history"})])
def test_an_app_from_an_earlier_manifest_works_but_for_group_direct_messages(
    slack: LocalSlack, knowledge: Path
) -> None:
    findings = list(examine(settings(slack, knowledge)))
    assert failures(findings) == []
    assert levels(findings, "Scopes missing for group direct messages: mpim:history, mpim:read;") == ["note"]


@pytest.mark.parametrize("scopes", [(*DEFAULT_SCOPES, "assistant:write")])
def test_an_agent_is_told_from_other_apps(slack: LocalSlack, knowledge: Path) -> None:
    assert levels(list(examine(settings(slack, knowledge))), "Agent: yes (assistant:write)") == ["ok"]


def test_slack_looks_at_every_kind_of_message_and_at_nobodys_rows(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "it-help.csv").write_text("question,answer\nWhere is the vault?,Behind the picture.\n")
    list(examine(settings(slack, knowledge)))
    looked_at = slack.calls_of("blocks.validate")
    assert len(looked_at) == len(SAMPLES)
    assert [call.error for call in looked_at] == [""] * len(SAMPLES)
    assert "vault" not in str([call.args for call in looked_at])
    assert slack.bot_messages() == []
    assert slack.home("olivia") is None


def test_a_kind_that_slack_does_not_take_is_named(slack: LocalSlack, knowledge: Path) -> None:
    slack.faults.error("blocks.validate", "invalid_blocks", times=1)
    findings = list(examine(settings(slack, knowledge)))
    assert failures(findings) == [f"Messages: Slack does not take {next(iter(SAMPLES))}: invalid_blocks"]
    assert levels(findings, "Messages: Slack takes all") == []


def test_a_slack_that_can_not_look_at_messages_is_noted(slack: LocalSlack, knowledge: Path) -> None:
    slack.faults.error("blocks.validate", "unknown_method", times=None)
    findings = list(examine(settings(slack, knowledge)))
    assert levels(findings, "Messages: Slack could not be asked about them (blocks.validate: unknown_method)") == [
        "note"
    ]
    assert failures(findings) == []


@pytest.mark.parametrize(
    ("token", "value"), [("slack_bot_token", "xoxb-nobody-knows-me"), ("slack_app_token", "xapp-nobody-knows-me")]
)
def test_a_token_slack_does_not_know(slack: LocalSlack, knowledge: Path, token: str, value: str) -> None:
    [failure] = failures(list(examine(settings(slack, knowledge, None, **{token: value}))))
    assert failure.startswith("Slack refused: invalid_auth. Slack does not know this token.")
    assert "nobody-knows-me" not in failure


def test_a_slack_that_can_not_be_reached(slack: LocalSlack, knowledge: Path) -> None:
    [failure] = failures(list(examine(settings(slack, knowledge, slack_api_url="http://127.0.0.1:9/api/"))))
    assert failure.startswith("http://127.0.0.1:9/api/ can't be reached (")


def test_without_tokens_it_notes_which(slack: LocalSlack, knowledge: Path) -> None:
    findings = list(examine(settings(slack, knowledge, slack_app_token=None)))
    assert levels(findings, "SLACK_APP_TOKEN is not set") == ["note"]
    assert failures(findings) == []


def test_a_reserved_command_is_noted(slack: LocalSlack, knowledge: Path) -> None:
    findings = list(examine(settings(slack, knowledge, search_command="/search")))
    assert levels(findings, "/search is the name of a built-in Slack command") == ["note"]


def test_csvs_are_looked_at(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "bad.csv").write_text("")
    (knowledge / "ragged.csv").write_text("question,answer\nA?,B.\n,\n")
    findings = list(examine(settings(slack, knowledge)))
    [failure] = failures(findings)
    assert failure.startswith("bad.csv: the file is empty")
    assert levels(findings, "ragged.csv: 1 record, 1 problem; see kotae check") == ["note"]


def test_a_knowledge_folder_that_is_not_there(slack: LocalSlack, tmp_path: Path) -> None:
    [failure] = failures(list(examine(settings(slack, tmp_path / "nowhere"))))
    assert failure.startswith(f"KNOWLEDGE_DIR = {tmp_path / 'nowhere'}: there is no such folder.")


def test_a_channel_that_waits_for_an_admin_is_noted_and_nothing_is_remembered(
    slack: LocalSlack, knowledge: Path
) -> None:
    some = settings(slack, knowledge)
    database = open_database(some.database_url)
    ChannelNames(database).remember([Binding("it-help", "", BindingState.BOUND)])
    before = ChannelNames(database).all()
    [note] = [finding for finding in examine(some) if "waits for an admin" in finding.what]
    channel = slack.channel("it-help").id
    assert str(note) == f"[note] #it-help ({channel}) waits for an admin to serve it it-help: decide in /kb channels"
    assert ChannelNames(database).all() == before
    database.close()


def test_a_channel_that_slack_does_not_have(slack: LocalSlack, knowledge: Path) -> None:
    config = ConfigFile(channels={"it-hepl": ChannelSection(knowledge_bases=("it-help",))})
    [failure] = failures(list(examine(settings(slack, knowledge, config))))
    assert failure.startswith("kotae.toml: channels.it-hepl = 'it-hepl': no channel of that name or id is visible")
    assert "did you mean 'it-help'?" in failure


def test_a_model_that_is_not_there_is_noted_with_the_command(slack: LocalSlack, knowledge: Path) -> None:
    backend = "sentence-transformers"
    findings = list(examine(settings(slack, knowledge, encoder_backend=backend, model_name="never/downloaded")))
    assert levels(findings, "kotae model download never/downloaded") == ["note"]
    assert failures(findings) == []


def test_a_folder_that_lacks_a_part_of_a_model_is_a_failure_that_names_it(
    slack: LocalSlack, knowledge: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    found = settings(slack, knowledge, encoder_backend="sentence-transformers", model_name=str(tmp_path / "model"))
    [failure] = failures(list(examine(found)))
    assert failure.endswith(
        "can't be used: it has no safetensors weights. Check its files, or choose another with MODEL_NAME."
    )


def test_a_data_folder_that_can_not_be_written(slack: LocalSlack, knowledge: Path) -> None:
    blocked = knowledge.parent / "blocked"
    blocked.write_text("in the way")
    disk, database = failures(list(examine(settings(slack, knowledge, data_dir=blocked))))
    assert disk.startswith(f"DATA_DIR = {blocked} can't be written (")
    assert database.startswith(f"State database: {blocked / 'state.db'} can't be made: {blocked} can't be written (")


def test_a_database_that_can_not_be_used_is_a_failure_with_the_setting_and_what_to_do(
    slack: LocalSlack, knowledge: Path
) -> None:
    folder = knowledge.parent
    wanted = {
        "postgresql+psycopg://kotae:hunter2@127.0.0.1:9/kotae": "see that its server runs",
        "postgresql://kotae:hunter2@nowhere.invalid/kotae": "see that its server runs",
        "postgres://kotae:hunter2@db/kotae": "write postgresql+psycopg://USER@HOST/DATABASE or sqlite:///PATH",
        "mysql://kotae:hunter2@db/kotae": "must be postgresql+psycopg://USER@HOST/DATABASE or sqlite:///PATH",
        "sqlite:///:memory:": "name a file, such as sqlite:///state.db",
        f"sqlite:///{folder}": f"name a file in DATABASE_URL, such as sqlite:///{folder}/state.db",
        "sqlite:////proc/nowhere/state.db": "or name another place in DATABASE_URL",
    }
    for url, mend in wanted.items():
        some = settings(slack, knowledge, database_url=url)
        [found] = check_database(some)
        assert (found.level, mend in found.what, "DATABASE_URL" in found.what) == ("fail", True, True), found
        assert "hunter2" not in found.what
        assert existing_database(some) is None, "the other checks go on"


def test_what_the_system_refuses_is_a_failure_and_the_other_checks_go_on(slack: LocalSlack, knowledge: Path) -> None:
    findings = list(examine(settings(slack, knowledge, data_dir=Path("x" * 300))))
    assert "can't be written (File name too long); check its owner and permissions" in "\n".join(failures(findings))
    assert [failure for failure in failures(findings) if "File name too long" not in failure] == []
    assert levels(findings, "HTTP for programs: closed") == ["ok"]


def test_a_database_url_with_a_password_is_not_shown(slack: LocalSlack, knowledge: Path) -> None:
    [failure] = failures(list(examine(settings(slack, knowledge, database_url="nothing://kotae:hunter2@db/kotae"))))
    assert "DATABASE_URL" in failure
    assert "hunter2" not in failure


def test_http_is_closed_open_or_in_somebodys_way(slack: LocalSlack, knowledge: Path) -> None:
    def found(bind: str = "") -> str:
        return "\n".join(map(str, check_api(settings(slack, knowledge, api_bind=bind))))

    assert found() == "[ok]   HTTP for programs: closed (API_BIND is not set)"
    assert found("127.0.0.1:0") == "[ok]   HTTP for programs: opens at 127.0.0.1:0 with the bot"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert found(address).startswith(f"[fail] API_BIND = {address}: nothing can listen there (")
    assert "[note] API_BIND = 0.0.0.0:0 is reachable from other machines" in found("0.0.0.0:0")


def test_tokens_that_end_soon_are_named(slack: LocalSlack, knowledge: Path) -> None:
    database = open_database(f"sqlite:///{knowledge.parent / 'data' / 'state.db'}")
    with closing(database):
        for name, days in (("soon", 13), ("later", 90), ("never", None)):
            Tokens(database).create(name, None, days)
        Tokens(database, lambda: 1_000_000_000.0).create("past", None, 1)
    told = "\n".join(map(str, check_api(settings(slack, knowledge, api_bind="127.0.0.1:0"))))
    assert "[ok]   Tokens: later, never, past, soon" in told
    assert "[note] The token soon expires on " in told
    assert "[note] The token past expired on 2001-09-10; kotae token revoke it" in told
    assert told.count("The token ") == 2


SHIPPED = "rows are those of the samples that come with Kotae, about companies that don't exist."


def test_files_with_rows_of_the_samples_are_named(slack: LocalSlack, knowledge: Path) -> None:
    """As they came, with own rows among them, saved by another program, under another name; and nothing else."""
    for name in ("dev-faq.csv", "_synonyms.csv"):
        shutil.copy(SAMPLES_FOLDER / name, knowledge)
    rows = read_records(SAMPLES_FOLDER / "hr-somu.csv").records
    with (knowledge / "mixed.csv").open("w", encoding="utf-16", newline="") as file:
        written = csv.writer(file, delimiter="\t")
        written.writerows(
            [("回答", "質問"), ("入口です。", "鍵はどこ？"), *((each.answer, each.question) for each in rows[:3])]
        )
    (knowledge / "broken.csv").write_bytes(b"")
    (knowledge / "same-questions.csv").write_text(
        f"question,answer\n{rows[3].question},An answer of our own.\n", encoding="utf-8"
    )
    found = [each for each in examine(settings(slack, knowledge)) if SHIPPED in each.what]
    assert [each.level for each in found] == ["note"] * 3
    shipped = len(read_records(SAMPLES_FOLDER / "dev-faq.csv").records)
    pairs = len(read_synonyms(SAMPLES_FOLDER / "_synonyms.csv").pairs)
    assert [each.what.partition(f" {SHIPPED}")[0] for each in found] == [
        f"{knowledge / 'dev-faq.csv'}: {shipped} of its {shipped}",
        f"{knowledge / 'mixed.csv'}: 3 of its 4",
        f"{knowledge / '_synonyms.csv'}: {pairs} of its {pairs}",
    ]
    assert found[0].what.endswith("Put your own in their place, or /kb remove dev-faq")
    (knowledge / "_synonyms.csv").write_text("original,normalized\nPC,パソコン\nVPN,社内VPN\n", encoding="utf-8")
    assert levels(list(examine(settings(slack, knowledge))), f"_synonyms.csv: 2 of its 2 {SHIPPED}") == []


def test_synonyms_are_checked_with_the_rest(slack: LocalSlack, knowledge: Path) -> None:
    file = knowledge / "_synonyms.csv"
    file.write_text("original,normalized\nMFP,printer\n")
    assert levels(list(examine(settings(slack, knowledge))), f"{file}: 1 synonym (utf-8)") == ["ok"]
    file.write_text("original,normalized\nMFP,printer\nPC,\n")
    assert levels(list(examine(settings(slack, knowledge))), f"{file}: 1 synonym, 1 problem") == ["note"]
    file.write_text("question,answer\nMFP,printer\n")
    assert levels(list(examine(settings(slack, knowledge))), "_synonyms.csv: ") == ["fail"]


def test_tables_that_are_not_read_are_named_with_what_to_do(slack: LocalSlack, knowledge: Path) -> None:
    for name in ("hr.TSV", "it.csv.txt", "plan.numbers", "notes.txt", "readme.md", "~$old.xlsb", ".draft.tsv"):
        (knowledge / name).write_text("a\tb\n")
    findings = [each.what for each in examine(settings(slack, knowledge)) if "is not read" in each.what]
    assert findings == [
        "hr.TSV is not read: rename it to hr.csv; commas and tabs are told apart",
        "it.csv.txt is not read: rename it to it.csv; commas and tabs are told apart",
        "plan.numbers is not read: save it as plan.csv or plan.xlsx",
    ]


def test_a_knowledge_folder_without_a_table_is_noted(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "it-help.csv").rename(knowledge / "README.md")
    findings = list(examine(settings(slack, knowledge)))
    assert levels(findings, f"{knowledge} holds no CSV file or workbook yet: it-help.csv in it would serve") == ["note"]
    assert failures(findings) == []
