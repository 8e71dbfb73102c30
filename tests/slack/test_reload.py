"""`/kb reload`: what it reads, what it reports, and that nothing that worked is ever lost."""

import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from bot.app import Bot
from bot.playground import LocalSlack
from handlers.store.audit import AuditEntry, AuditLog
from indexes.encoder import Model, ModelManager
from tests.audit import action, outcome
from tests.conftest import FOLDER
from tests.encoders import HashingModel
from tests.slack.conftest import DEV_FAQ, IT_HELP, Start

DENSE = {"encoder_backend": "sentence-transformers", "model_name": "some/model"}


class CountingModel(HashingModel):
    """Counts the documents it encodes, and can be made to wait."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.documents: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        assert self.gate.wait(60)
        self.documents += texts
        return super().encode_documents(texts)


class Counting:
    """A manager whose one model counts."""

    def __init__(self) -> None:
        self.models: list[CountingModel] = []
        self.manager = ModelManager(self._load)

    def _load(self, name: str, _: str | None) -> Model:
        self.models.append(CountingModel(name))
        return self.models[-1]


@pytest.fixture
def counting() -> Iterator[Counting]:
    counting = Counting()
    yield counting
    for model in counting.models:
        model.gate.set()
    counting.manager.close()


@pytest.fixture
def manager(counting: Counting) -> ModelManager:
    """Instead of the usual one."""
    return counting.manager


def reload(slack: LocalSlack, argument: str = "", who: str = "olivia", where: str = "it-help") -> str:
    """The report; before it comes a word that it is being done."""
    asked = slack.command(who, where, f"/kb reload {argument}".strip())
    assert asked.error is None
    slack.wait_until(lambda: len(asked.messages) >= 2, 20, "the report")
    assert all(message.ephemeral_to == asked.person.id for message in asked.messages)
    return asked.messages[1].shown


def audits(slack: LocalSlack, bot: Bot, count: int) -> list[AuditEntry]:
    """The audit, once it has that many entries: it is written after the report is given."""
    slack.wait_until(lambda: len(AuditLog(bot.services.database).newest()) >= count)
    entries = AuditLog(bot.services.database).newest()
    assert len(entries) == count
    return entries


def searched(slack: LocalSlack, question: str, where: str = "it-help") -> str:
    return slack.reply(slack.command("hanako", where, f"/search {question}")).shown


def dense(slack: LocalSlack, bot: Bot) -> None:
    slack.wait_until(lambda: all(one.index.dense for one in bot.services.registry.loaded.values()))


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_alone_it_reloads_the_channels_own_and_the_shared(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    (knowledge / "it-help.csv").write_text(
        IT_HELP.replace("VPN クライアントを開き直して", "管理者に連絡して").replace("mfa,", "otp,"), encoding="utf-8"
    )
    asked = slack.command("ichiro", "it-help", "/kb reload")
    slack.wait_until(lambda: len(asked.messages) == 2)
    assert [re.sub(r"\d+\.\d秒", "0.0秒", message.shown.split("\n")[0]) for message in asked.messages] == [
        "*it-help, _shared* を読み直しています…",
        (
            ":white_check_mark: *it-help*: 5件（追加 1、変更 1、削除 1、スキップ 0）。"
            "新しくエンコード 0件、再利用 0件、0.0秒。"
        ),
    ]
    assert "*_shared*: 1件（追加 0、変更 0、削除 0、スキップ 0）" in asked.messages[1].shown
    assert "管理者に連絡してください。" in searched(slack, "VPNにつながりません")
    [shared, it_help] = audits(slack, bot, 2)
    assert (action(it_help), outcome(it_help)) == ("reload it-help", "entries: 5, +1 ~1 -1")
    assert (it_help.user, it_help.channel) == (slack.person("ichiro").id, slack.channel("it-help").id)
    assert action(shared) == "reload _shared"


@pytest.mark.parametrize("name", ["dev-faq", "dev-faq.csv", "ｄｅｖ－ｆａｑ"])
@pytest.mark.usefixtures("lawful", "bot")
def test_a_name_reloads_that_one_wherever_it_is_typed(slack: LocalSlack, knowledge: Path, name: str) -> None:
    (knowledge / "dev-faq.csv").write_text(DEV_FAQ + "What is CI?,The pipeline.,Build,\n")
    report = reload(slack, name)
    assert "*dev-faq*: 3 entries. Added 1, changed 0, removed 0, skipped 0." in report
    assert "it-help" not in report
    assert "The pipeline." in searched(slack, "What is CI?", "dev-faq")


@pytest.mark.usefixtures("lawful", "bot")
def test_all_reloads_everything_and_finds_new_files(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "hr-somu.csv").write_text(
        "質問,回答\n有給休暇の申請方法は？,人事システムから申請します。\n", encoding="cp932"
    )
    (knowledge / "R&D.csv").write_text("question,answer\nWhere is the lab?,In the basement.\n")
    report = reload(slack, "ALL")
    assert "*hr-somu*: 1 entry. Added 1" in report
    assert "*R&amp;D*: 1 entry. Added 1" in report
    for name in ("it-help", "dev-faq", "_shared"):
        assert f"*{name}*: " in report
    assert "人事システムから申請します。" in searched(slack, "有給休暇の申請方法", "hr-somu")
    assert "*R&amp;D*: 1 entry. Added 0" in reload(slack, "R&D")


@pytest.mark.usefixtures("lawful")
def test_an_unknown_name_is_refused_with_the_known_ones(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.command("olivia", "it-help", "/kb reload it-helpp")).shown
    assert answer == "No knowledge base is called 'it-helpp'; there are: _shared, dev-faq, it-help"
    assert AuditLog(bot.services.database).newest() == []
    assert bot.services.registry.failures == {}


@pytest.mark.usefixtures("lawful")
def test_where_there_is_nothing_to_reload_it_says_how(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "_shared.csv").unlink()
    start()
    answer = slack.reply(slack.command("olivia", "general", "/kb reload")).shown
    assert answer.startswith("This channel has no knowledge base of its own.")
    assert "/kb reload all" in answer


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_left_out_rows_are_named_by_line_with_the_reason(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    bad = '<!channel>,,,\n"two\nlines?",Yes.,,\n' + ",,Errors,\n" * 12
    (knowledge / "dev-faq.csv").write_text(DEV_FAQ + ",,Errors,\n" + bad)
    report = reload(slack, "dev-faq")
    assert "skipped 13." in report
    assert "• line 4: question and answer are both blank" in report
    assert "… and 3 more" in report
    assert report.count("• line ") == 10
    assert {"<!channel>"}.isdisjoint(message for each in slack.ephemerals("olivia") for message in each.live_mentions)
    assert outcome(audits(slack, bot, 1)[0]) == "entries: 4, +2 ~0 -0"


BAD_FILES = [
    (b"", "it-help.csv: the file is empty"),
    ("質問,回答\n".encode(), "it-help.csv: only a header"),
    (b"PK\x03\x04\x14\x00\x06\x00", "it-help.csv"),
    (b"<html><body>Please sign in</body></html>", "it-help.csv"),
    ("質問,回答\nＶＰＮ,ok\n".encode() + b"\xff\xfe,x\n", "it-help.csv"),
    (b"question,question,answer\na,b,c\n", "it-help.csv"),
]


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_a_bad_file_changes_nothing_and_says_why(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    for number, (bad, reason) in enumerate(BAD_FILES, 1):
        (knowledge / "it-help.csv").write_bytes(bad)
        report = reload(slack, "it-help")
        assert report.startswith(f":warning: *it-help* was not reloaded and nothing has changed.\n{reason}"), bad
        assert "再設定ページから" in searched(slack, "パスワードを忘れました"), bad
        status = slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
        assert f":warning: {reason}" in status, bad
        assert "*it-help*: 5 entries" in status, bad
        assert outcome(audits(slack, bot, number)[0]).startswith(reason), bad


@pytest.mark.usefixtures("lawful", "bot")
def test_a_deleted_file_keeps_answering(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "it-help.csv").unlink()
    assert reload(slack, "it-help").startswith(
        ":warning: *it-help* was not reloaded and nothing has changed.\nit-help.csv: "
    )
    assert "再設定ページから" in searched(slack, "パスワードを忘れました")
    assert "*it-help*" in reload(slack)


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_a_shared_file_that_is_new_is_searched_from_every_channel(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    shared = (knowledge / "_shared.csv").rename(knowledge / "later")
    start()
    shared.rename(knowledge / "_shared.csv")
    assert "*_shared*: 1 entry. Added 1" in reload(slack, "all")
    assert "千代田区" in searched(slack, "オフィスの住所", "general")


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_changed_synonyms_reach_every_knowledge_base(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    (knowledge / "_synonyms.csv").write_text(
        "original,normalized\n二段階認証,two-factor authentication\n同じ,\n", "utf-8"
    )
    report = reload(slack, "dev-faq")
    assert ":warning: _synonyms.csv:3: original and normalized must both be filled in" in report
    slack.wait_until(
        lambda: bot.services.registry.loaded["it-help"].index.synonyms.digest == bot.services.registry.synonyms.digest
    )
    assert "authenticator app" in searched(slack, "二段階認証")


@pytest.mark.sqlite(FOLDER)
def test_only_what_changed_is_encoded_and_the_report_says_so(
    slack: LocalSlack, start: Start, counting: Counting, knowledge: Path
) -> None:
    bot = start(**DENSE)
    dense(slack, bot)
    [model] = counting.models
    model.documents.clear()
    (knowledge / "it-help.csv").write_text(IT_HELP.replace("ルーターを再起動して", "少し待って"), encoding="utf-8")
    report = reload(slack, "it-help")
    assert "Added 0, changed 1, removed 0, skipped 0. Encoded 1, re-used 9;" in report
    assert model.documents == ["vpnにつながりません。 少し待ってから vpn クライアントを開き直してください。"]
    model.documents.clear()
    (knowledge / "copy.csv").write_text(IT_HELP, encoding="utf-8")
    assert "*copy*: 5 entries. Added 5, changed 0, removed 0, skipped 0. Encoded 1, re-used 9;" in reload(slack, "copy")
    assert len(model.documents) == 1


@pytest.mark.sqlite(FOLDER)
def test_a_restart_encodes_nothing_even_with_a_bad_file(
    slack: LocalSlack, start: Start, counting: Counting, knowledge: Path
) -> None:
    first = start(**DENSE)
    dense(slack, first)
    first.stop()
    slack.wait_until(lambda: slack.connections == 0)
    [model] = counting.models
    model.documents.clear()
    (knowledge / "it-help.csv").write_bytes(b"")
    second = start(**DENSE)
    dense(slack, second)
    assert model.documents == []
    assert "再設定ページから" in searched(slack, "パスワードを忘れました")
    assert "it-help.csv: the file is empty" in slack.reply(slack.command("olivia", "it-help", "/kb status")).shown


@pytest.mark.sqlite(FOLDER)
def test_reloads_of_several_admins_at_once_share_the_work_and_all_are_told(
    slack: LocalSlack, start: Start, counting: Counting, knowledge: Path
) -> None:
    bot = start(**DENSE)
    dense(slack, bot)
    [model] = counting.models
    model.documents.clear()
    model.gate.clear()
    (knowledge / "dev-faq.csv").write_text(DEV_FAQ + "What is CI?,The pipeline.,Build,\n")
    first = slack.command("olivia", "dev-faq", "/kb reload dev-faq")
    slack.reply(first)
    others = [slack.command(who, "dev-faq", "/kb reload dev-faq") for who in ("ichiro", "olivia", "ichiro")]
    for each in others:
        slack.reply(each)
    model.gate.set()
    for each in [first, *others]:
        slack.wait_until(lambda each=each: len(each.messages) == 2, 20)  # type: ignore[misc]
    assert sorted(model.documents) == ["what is ci?", "what is ci? the pipeline."]
    audits(slack, bot, 4)


@pytest.mark.sqlite(FOLDER)
def test_questions_during_reloads_are_all_answered_rightly(
    slack: LocalSlack, start: Start, counting: Counting, knowledge: Path
) -> None:
    bot = start(**DENSE)
    dense(slack, bot)
    assert counting.models
    answers = {"アカウント管理画面を開いてください。", "再設定ページから新しいパスワードを設定してください。"}
    versions = [IT_HELP.replace(answer, other) for answer in answers if answer in IT_HELP for other in answers]
    stop = threading.Event()

    def ask() -> int:
        count = 0
        while not stop.is_set():
            shown = searched(slack, "パスワードを忘れました")
            assert sum(answer in shown for answer in answers) == 1, shown
            count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        try:
            for turn in range(6):
                (knowledge / "it-help.csv").write_text(versions[turn % 2], encoding="utf-8")
                assert "changed " in reload(slack, "it-help")
                (knowledge / "it-help.csv").write_bytes(b"\x00")
                assert "nothing has changed" in reload(slack, "it-help")
        finally:
            stop.set()
        assert sum(each.result(60) for each in asking) >= 6


@pytest.mark.sqlite(FOLDER)
def test_a_disk_that_can_not_be_written_is_told_and_the_new_rows_answer(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    snapshots = knowledge.parent / "data" / "snapshots"
    slack.wait_until(lambda: all(each.snapshot for each in bot.services.registry.loaded.values()), what="snapshots")
    moved = snapshots.rename(snapshots.with_name("moved"))
    snapshots.write_text("in the way")
    (knowledge / "dev-faq.csv").write_text(DEV_FAQ + "What is CI?,The pipeline.,Build,\n")
    report = reload(slack, "dev-faq")
    assert "*dev-faq*: 3 entries. Added 1" in report
    assert ":warning: dev-faq is in use but could not be kept in " in report
    assert "The pipeline." in searched(slack, "What is CI?", "dev-faq")
    assert "could not be kept" in slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
    snapshots.unlink()
    moved.rename(snapshots)
    assert ":warning:" not in reload(slack, "dev-faq")
    assert bot.services.registry.loaded["dev-faq"].trouble is None


@pytest.mark.sqlite(FOLDER)
def test_without_slacks_channel_list_the_reload_goes_on(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    slack.faults.error("conversations.list", "fatal_error", times=None)
    (knowledge / "dev-faq.csv").write_text(DEV_FAQ + "What is CI?,The pipeline.,Build,\n")
    assert "*dev-faq*: 3 entries. Added 1" in reload(slack, "dev-faq")
    assert bot.services.channels.of(slack.channel("it-help").id).knowledge_bases == ("it-help", "_shared")


@pytest.mark.usefixtures("bot")
def test_a_report_that_slack_refuses_once_still_arrives(slack: LocalSlack) -> None:
    slack.faults.server_error("response_url", times=1)
    asked = slack.command("olivia", "it-help", "/kb reload dev-faq")
    slack.wait_until(lambda: any("*dev-faq*: 2 entries." in each.shown for each in slack.ephemerals("olivia")), 20)
    assert asked.error is None


@pytest.mark.usefixtures("lawful")
def test_a_report_on_many_files_is_within_slacks_limits(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    for number in range(40):
        (knowledge / f"{number}-{'長い名前' * 15}.csv").write_text("id\n1\n", encoding="utf-8")
    start()
    slack.command("olivia", "it-help", "/kb reload all")
    report = slack.wait_until(lambda: slack.ephemerals("olivia")[1:], what="the report")[0]
    assert 3000 < len(report.text) <= 4000
