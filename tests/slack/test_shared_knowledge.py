"""Replicas that share a database: what is changed through one is answered by all, whoever else changes it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import create_engine, text

from bot.app import Bot
from bot.playground import LocalSlack, Message
from indexes.encoder import ModelManager
from indexes.encoder.worker import CANARIES
from indexes.records.editing import digest_of, replace_csv
from tests.encoders import CountingModel
from tests.replicas import Replicas, knows, replicas
from tests.slack.conftest import IT_HELP, approve
from tests.slack.test_editing import add
from tests.slack.test_uploads import NEWER, direct, press, upload

pytestmark = pytest.mark.usefixtures("knowledge")

CAMERA = ("カメラが映りません", "シャッターを開けてください")
SOON = 2.0
"""Seconds within which a change is searchable on all replicas."""


@pytest.fixture(params=["faiss", "pgvector"])
def several(slack: LocalSlack, tmp_path: Path, postgresql: str, request: pytest.FixtureRequest) -> Iterator[Replicas]:
    with replicas(slack, tmp_path, postgresql, request.param) as running:
        yield running


@pytest.fixture
def two(several: Replicas, manager: ModelManager) -> Replicas:
    """Two replicas, a and b, with the sample files."""
    several.import_files()
    for name in ("a", "b"):
        several.start(name, manager)
    return several


def kb(slack: LocalSlack, line: str, who: str = "olivia", where: str = "it-help") -> Message:
    return slack.reply(slack.command(who, where, f"/kb {line}"))


def mirrored(two: Replicas, file: str = "it-help.csv") -> dict[str, bytes]:
    paths = {name: bot.services.config.knowledge_dir / file for name, bot in two.of.items()}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def test_an_upload_is_soon_searchable_on_all(slack: LocalSlack, two: Replicas) -> None:
    card = upload(slack, "it-help.csv", NEWER)
    press(slack, card, "Apply", "it-help.csv is in place for *it-help*.")
    begun = monotonic()
    two.wait("the upload", knows(*CAMERA))
    assert monotonic() - begun < SOON
    assert ":white_check_mark: *it-help*: 6 entries. Added 1, changed 1, removed 0, skipped 0." in card.shown
    assert mirrored(two) == dict.fromkeys("ab", NEWER.encode())
    assert [line.split(" · ")[0::2] for line in kb(slack, "versions").shown.splitlines() if "entries" in line] == [
        ["*2*", "6 entries", "*current*"],
        ["*1*", "5 entries"],
    ]


def test_an_entry_that_is_added_edited_or_restored_is_the_same_on_all(slack: LocalSlack, two: Replicas) -> None:
    slack.submit("olivia", add(slack, "olivia"), {"question": CAMERA[0], "answer": CAMERA[1]})
    two.wait("the entry", knows(*CAMERA))
    two.settle()
    found = slack.reply(slack.command("olivia", "it-help", f"/search {CAMERA[0]}"))
    pressed = slack.press("olivia", found, "kb_edit_record")
    slack.wait_until(lambda: pressed.views, what="the form")
    slack.submit("olivia", pressed.views[0], {"answer": "電源を入れてください"})
    two.wait("the change", knows(CAMERA[0], "電源を入れて"))
    two.settle()
    back = kb(slack, "rollback it-help 1")
    press(slack, back, "Apply", "is in place for *it-help*")
    two.wait("the first version", lambda bot: not knows(CAMERA[0], "電源を入れて")(bot))
    assert mirrored(two) == dict.fromkeys("ab", IT_HELP.encode())


def test_a_new_knowledge_base_and_one_that_is_removed(slack: LocalSlack, two: Replicas) -> None:
    card = upload(slack, "office.csv", "質問,回答\n駐車場はどこですか,地下1階です\n")
    assert "Which knowledge base is *office.csv* for?" in card.shown
    slack.press("olivia", card, 0, "office")
    slack.wait_until(lambda: "Apply" in card.shown, what="the preview")
    press(slack, card, "Apply", "is in place for *office*")
    two.wait("the new one", knows("駐車場はどこですか", "地下1階", "office"))
    asked = kb(slack, "remove office")
    slack.press("olivia", asked, "Remove")
    two.wait("the end of it", lambda bot: "office" not in bot.services.registry.loaded)
    assert mirrored(two, "office.csv") == {}
    two.settle()
    back = kb(slack, "rollback office 1")
    press(slack, back, "Apply", "is in place for *office*")
    two.wait("the old one", knows("駐車場はどこですか", "地下1階", "office"))


def test_synonyms_are_the_same_on_all(slack: LocalSlack, two: Replicas) -> None:
    card = upload(slack, "_synonyms.csv", "original,normalized\nルーター,無線機\n")
    press(slack, card, "Apply", "_synonyms.csv is in place")
    two.wait("the synonyms", lambda bot: len(bot.services.registry.synonyms) == 1)
    two.wait("the indexes", lambda bot: len(bot.services.registry.loaded["it-help"].index.synonyms) == 1)


def test_a_phrasing_that_is_learned_and_undone(slack: LocalSlack, two: Replicas) -> None:
    phrase = "ルーターの調子がわるい"
    for who in ("hanako", "alice"):
        approve(slack, who, slack.reply(slack.command(who, "it-help", f"/search {phrase}")))
        two.settle()

    def aliases(number: int) -> bool:
        return all(
            len(bot.services.registry.state.learned_aliases.get("it-help", ())) == number for bot in two.of.values()
        )

    slack.wait_until(lambda: aliases(1), what="the phrasing on both")
    two.wait("the index", lambda bot: phrase in bot.services.registry.loaded["it-help"].index.records[1].aliases)
    slack.press("olivia", kb(slack, "learned"), "Undo")
    slack.wait_until(lambda: aliases(0), what="the end of it on both")


def test_two_who_write_at_the_same_moment_both_do(slack: LocalSlack, two: Replicas) -> None:
    views = {who: add(slack, who) for who in ("olivia", "ichiro")}
    texts = {"olivia": ("赤い印は何ですか", "警告です"), "ichiro": ("緑の印は何ですか", "正常です")}
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda who: slack.submit(who, views[who], dict(zip(("question", "answer"), texts[who], strict=True))),
                views,
            )
        )
    for question, answer in texts.values():
        two.wait(question, knows(question, answer))
    assert len(set(mirrored(two).values())) == 1


def make_deaf(bot: Bot) -> None:
    """Let a replica hear of no change any more."""
    bot.changes.close()
    assert bot.watch
    bot.watch.close()


def test_what_a_replica_has_not_heard_of_is_not_overwritten(slack: LocalSlack, two: Replicas) -> None:
    a, deaf = two.of["a"], two.of["b"]
    make_deaf(deaf)
    path, writer = a.services.config.knowledge_dir / "it-help.csv", a.services.maintenance.writer("edit", "U1")
    replace_csv(path, NEWER.encode(), digest_of(path), writer, 6)
    two.stop("a")
    assert not knows(*CAMERA)(deaf)
    slack.submit("olivia", add(slack, "olivia"), {"question": "赤い印は何ですか", "answer": "警告です"})
    two.wait("the entry", knows("赤い印は何ですか", "警告です"))
    two.wait("what a had written", knows(*CAMERA))
    assert mirrored(two)["b"].startswith(NEWER.encode())


def test_two_who_change_the_same_cells_on_two_replicas(slack: LocalSlack, two: Replicas) -> None:
    a, deaf = two.of["a"], two.of["b"]
    make_deaf(deaf)
    path, writer = a.services.config.knowledge_dir / "it-help.csv", a.services.maintenance.writer("edit", "U1")
    replace_csv(path, NEWER.encode(), digest_of(path), writer, 6)
    two.stop("a")
    found = slack.reply(slack.command("olivia", "it-help", "/search VPNにつながりません"))
    pressed = slack.press("olivia", found, "kb_edit_record")
    slack.wait_until(lambda: pressed.views, what="the form")
    [view] = pressed.views
    slack.submit("olivia", view, {"answer": "電話してください"})
    slack.wait_until(lambda: "機内モードを切って" in str(view.content), what="the news")
    assert mirrored(two)["b"] == NEWER.encode()


def has_vectors(bot: Bot) -> bool:
    loaded = bot.services.registry.loaded
    return bool(loaded) and all(one.index.dense and not one.by_questions for one in loaded.values())


def test_a_replica_that_has_vectors_nobody_shares_gives_them_to_others(several: Replicas, postgresql: str) -> None:
    several.import_files()
    models = [CountingModel() for _ in range(3)]
    managers = [ModelManager(lambda *_, model=model: model) for model in models]
    several.start("a", managers[0], encoder_backend="auto", model_name="counting")
    several.wait("vectors", has_vectors)
    several.stop("a")
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE vector_chunks, vector_scales"))
    engine.dispose()
    for name, manager, model in zip("ab", managers[1:], models[1:], strict=True):
        several.start(name, manager, encoder_backend="auto", model_name="counting")
        several.wait("vectors", has_vectors)
        assert model.encoded == list(CANARIES), name
    for manager in managers:
        manager.close()


def test_one_replica_encodes_and_the_other_fetches(slack: LocalSlack, several: Replicas) -> None:
    several.import_files()
    models = {name: CountingModel() for name in ("a", "b")}
    managers = {name: ModelManager(lambda *_, model=model: model) for name, model in models.items()}
    for name, manager in managers.items():
        several.start(name, manager, encoder_backend="auto", model_name="counting")
        several.wait("vectors", lambda bot: all(one.index.dense for one in bot.services.registry.loaded.values()))
    assert set(models["a"].encoded) > set(CANARIES)
    assert models["b"].encoded == list(CANARIES)
    a, b = (several.of[name].services.registry for name in ("a", "b"))
    first, second = (each.search("VPNにつながらない", ["it-help"]).hits for each in (a, b))
    assert [(hit.record.id, round(hit.confidence, 3)) for hit in first] == [
        (hit.record.id, round(hit.confidence, 3)) for hit in second
    ]
    before = len(models["a"].encoded)
    press(slack, upload(slack, "it-help.csv", NEWER), "Apply", "is in place for *it-help*")
    several.wait("the upload", knows(*CAMERA))
    several.wait("the vectors", lambda bot: bot.services.registry.loaded["it-help"].index.dense is not None)
    fresh = models["a"].encoded[before:] + models["b"].encoded[len(CANARIES) :]
    assert fresh
    assert sorted(fresh) == sorted(set(fresh)), "no text is encoded twice"
    for manager in managers.values():
        manager.close()
    assert direct(slack)
