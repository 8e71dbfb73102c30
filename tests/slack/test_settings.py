"""A channel's rules in a modal: what an admin chooses holds at once, wins over the file and survives a restart."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, View
from handlers.channel_rules import AutoReply
from handlers.features import FOR_ALL, Feature
from handlers.store.audit import AuditLog
from tests.audit import action, outcome
from tests.slack.conftest import Start, ack_took, settle, stop

pytestmark = pytest.mark.usefixtures("lawful")


def modal(slack: LocalSlack, who: str = "olivia", channel: str = "it-help") -> View:
    opened = slack.command(who, channel, "/kb settings")
    return slack.wait_until(lambda: opened.views, what="the modal")[0]


def test_everything_in_force_is_shown_and_what_is_chosen_holds(slack: LocalSlack, bot: Bot) -> None:
    view = modal(slack)
    assert view.title == "Channel settings"
    assert view.state["mode"]["mode"]["selected_option"]["value"] == "off"
    assert view.state["threshold"]["threshold"]["value"] == "90"
    hanako = slack.person("hanako").id
    slack.submit(
        "olivia", view, {"mode": "shadow", "threshold": "85", "bases": ["dev-faq", "it-help"], "ask": [hanako]}
    )
    settle(slack, bot)
    channel = slack.channel("it-help").id
    rules = bot.services.channels.of(channel)
    assert (rules.auto_reply, rules.threshold) == (AutoReply.SHADOW, 0.85)
    assert set(rules.knowledge_bases) == {"it-help", "dev-faq", "_shared"}
    assert rules.ask == (hanako,)
    assert "85%" in slack.ephemerals("olivia", "it-help")[-1].shown
    assert {action(entry) for entry in AuditLog(bot.services.database).newest()} == {
        "auto-reply",
        "threshold",
        "knowledge bases",
        "people and groups to ask",
    }


def test_it_wins_over_the_file_and_survives_a_restart(slack: LocalSlack, start: Start) -> None:
    config = ConfigFile(channels={"it-help": ChannelSection(threshold=0.7, knowledge_bases=("it-help",))})
    bot = start(config)
    slack.submit("olivia", modal(slack), {"mode": "off", "threshold": "95", "bases": ["dev-faq"]})
    settle(slack, bot)
    stop(slack, bot)
    rules = start(config).services.channels.of(slack.channel("it-help").id)
    assert (rules.threshold, rules.knowledge_bases) == (0.95, ("dev-faq", "_shared"))
    assert set(rules.set_by or {}) == {"threshold", "knowledge_bases"}


def test_nothing_to_answer_from_is_refused_at_the_field(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "_shared.csv").unlink()
    bot = start()
    refused = slack.submit("olivia", modal(slack), {"mode": "on", "threshold": "90", "bases": []})
    assert "at least one" in refused.errors["bases"]
    assert AuditLog(bot.services.database).newest() == []


@pytest.mark.parametrize(("who", "says"), [("olivia", "at least one"), ("ichiro", "ナレッジベースを選ぶか")])
def test_a_form_is_refused_in_its_language_while_slack_can_not_say_who_sent_it(
    slack: LocalSlack, start: Start, knowledge: Path, who: str, says: str
) -> None:
    (knowledge / "_shared.csv").unlink()
    bot = start()
    view = modal(slack, who)
    bot.services.access._remembered.clear()
    slack.faults.slow("users.info", seconds=5)
    refused = slack.submit(who, view, {"mode": "on", "threshold": "90", "bases": []})
    assert says in refused.errors["bases"]
    assert ack_took(slack.envelopes[-1]) < 2


@pytest.mark.usefixtures("guests", "bot")
@pytest.mark.parametrize("who", ["alice", "guest"])
def test_only_admins_get_it(slack: LocalSlack, who: str) -> None:
    told = slack.reply(slack.command(who, "it-help", "/kb settings"))
    assert "admins" in told.shown
    assert slack.views(who) == []


def test_an_admin_who_is_none_any_more_saves_nothing(slack: LocalSlack, bot: Bot) -> None:
    view = modal(slack)
    slack.person("olivia").is_admin = slack.person("olivia").is_owner = False
    bot.services.access._remembered.clear()
    slack.submit("olivia", view, {"mode": "on", "threshold": "10"})
    settle(slack, bot)
    assert bot.services.channels.of(slack.channel("it-help").id).auto_reply is AutoReply.OFF
    assert AuditLog(bot.services.database).newest() == []


def test_what_is_set_for_a_channel_is_not_set_for_a_conversation(slack: LocalSlack, bot: Bot) -> None:
    people = [slack.person("olivia"), slack.person("alice")]
    before = bot.services.channels.configured()
    for place in (slack.dm("olivia", "hi").channel, slack.workspace.add_group_dm(people).id):
        for line in ("settings", "auto-reply on", "threshold 0.5"):
            told = slack.reply(slack.command("olivia", place, f"/kb {line}"))
            assert told.shown.startswith("That is set for each channel")
    assert slack.views("olivia") == []
    assert bot.services.channels.configured() == before


def test_a_channel_keeps_a_knowledge_base_among_more_than_a_menu_holds(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    for number in range(105):
        (knowledge / f"a{number:03}.csv").write_text("質問,回答\nどこ,ここ\n", encoding="utf-8")
    bot = start()
    channel = slack.channel("it-help").id
    assert bot.services.registry.sources().index("it-help") > 100
    view = modal(slack)
    slack.submit("olivia", view, {"mode": "off", "threshold": "70"})
    settle(slack, bot)
    rules = bot.services.channels.of(channel)
    assert (rules.threshold, rules.knowledge_bases) == (0.7, ("it-help", "_shared"))
    assert set(rules.set_by or {}) == {"threshold"}


def test_without_any_file_the_refusal_stands_at_a_field_there_is(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    for file in knowledge.glob("*.csv"):
        file.unlink()
    start()
    refused = slack.submit("olivia", modal(slack), {"mode": "on", "threshold": "90"})
    assert "at least one" in refused.errors["mode"]


def test_an_admin_who_is_not_in_the_channel_hears_of_it_directly(slack: LocalSlack, bot: Bot) -> None:
    channel, olivia = slack.channel("it-help"), slack.person("olivia")
    view = modal(slack)
    channel.members.remove(olivia.id)
    bot.services.access._remembered.clear()
    slack.submit("olivia", view, {"mode": "off", "threshold": "70"})
    settle(slack, bot)
    assert bot.services.channels.of(channel.id).threshold == 0.7
    assert "70%" in slack.bot_messages(olivia)[-1].shown


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("/kb threshold 0.70", ["From 70% sure"]),
        ("/kb auto-reply shadow", ["Auto-reply: Shadow"]),
        ("form", ["From 60% sure", "Knowledge bases: dev-faq, _shared", "People and groups to ask: 1"]),
    ],
)
def test_a_form_opened_before_another_change_is_refused_and_puts_nothing_back(
    slack: LocalSlack, start: Start, change: str, says: list[str]
) -> None:
    bot = start()
    channel = slack.channel("it-help").id
    earlier = modal(slack)
    if change == "form":
        chosen = {"mode": "off", "threshold": "60", "bases": ["dev-faq"], "ask": [slack.person("hanako").id]}
        slack.submit("ichiro", modal(slack, "ichiro"), chosen)
    else:
        slack.reply(slack.command("ichiro", "it-help", change))
    settle(slack, bot)
    now, audited = bot.services.channels.of(channel), AuditLog(bot.services.database).newest()
    slack.submit("olivia", earlier, {"mode": "off", "threshold": "95"})
    settle(slack, bot)
    assert bot.services.channels.of(channel) == now
    assert AuditLog(bot.services.database).newest() == audited
    refused = slack.ephemerals("olivia", "it-help")[-1]
    assert "Not saved" in refused.shown
    assert [line for line in refused.shown.splitlines() if line.startswith("• ")] == [f"• {line}" for line in says]
    opened = slack.press("olivia", refused, "home_settings")
    fresh = slack.wait_until(lambda: opened.views, what="the fresh form")[0]
    slack.submit("olivia", fresh, {"mode": "off", "threshold": "95"})
    settle(slack, bot)
    assert bot.services.channels.of(channel).threshold == 0.95


def test_of_two_forms_sent_at_once_one_is_refused(slack: LocalSlack, bot: Bot) -> None:
    forms = {who: modal(slack, who) for who in ("olivia", "ichiro")}
    for (who, form), percent in zip(forms.items(), ("70", "80"), strict=True):
        slack.submit(who, form, {"mode": "off", "threshold": percent}, wait=False)
    settle(slack, bot)
    told = [slack.ephemerals(who, "it-help")[-1].shown for who in forms]
    assert sum("Not saved" in each or "保存できませんでした" in each for each in told) == 1
    assert len(AuditLog(bot.services.database).newest()) == 1


def test_what_the_form_shows_rounded_is_not_changed_by_saving_it(slack: LocalSlack, bot: Bot) -> None:
    channel = slack.channel("it-help").id
    for exact in (0.955, 0.845):
        slack.reply(slack.command("olivia", "it-help", f"/kb threshold {exact}"))
        slack.submit("olivia", modal(slack), {})
        settle(slack, bot)
        assert slack.ephemerals("olivia", "it-help")[-1].shown == f"Nothing has changed in <#{channel}>."
        assert bot.services.channels.of(channel).threshold == exact


def test_a_form_of_an_earlier_version_still_saves(slack: LocalSlack, bot: Bot) -> None:
    view = modal(slack)
    channel = slack.channel("it-help").id
    slack.workspace.views[view.id].content["private_metadata"] = channel
    slack.submit("olivia", view, {"mode": "off", "threshold": "70"})
    settle(slack, bot)
    assert bot.services.channels.of(channel).threshold == 0.7


def test_a_feature_is_switched_off_here_and_another_one_everywhere(slack: LocalSlack, start: Start) -> None:
    bot = start()
    here, elsewhere = slack.channel("it-help").id, slack.channel("dev-faq").id
    view = modal(slack)
    assert ticked(view) == set(Feature)
    slack.submit(
        "olivia",
        view,
        {"mode": "off", "features": ["clarifying", "images"], "features_for_all": ["synonyms", "reviews"]},
    )
    settle(slack, bot)
    stop(slack, bot)
    bot = start()
    channels = bot.services.channels
    assert channels.of(here).features_off == {Feature.THREADS, Feature.TYPEAHEAD}
    assert channels.of(elsewhere).features_off == {Feature.TYPEAHEAD}
    assert (channels.offers(Feature.TYPEAHEAD), channels.offers(Feature.SYNONYMS)) == (False, True)
    assert [one.id for one in channels.configured()].count("*") == 0
    assert ticked(modal(slack, channel="dev-faq")) == set(Feature) - {Feature.TYPEAHEAD}
    audited = {action(entry): outcome(entry) for entry in AuditLog(bot.services.database).newest()}
    assert audited == {
        "features switched off": "Follow-ups in threads",
        "features switched off everywhere": "Answers while typing",
    }


def test_what_another_channel_switched_off_everywhere_is_not_put_back(slack: LocalSlack, bot: Bot) -> None:
    earlier = modal(slack)
    slack.submit("ichiro", modal(slack, "ichiro", "dev-faq"), {"mode": "off", "features_for_all": []})
    settle(slack, bot)
    slack.submit("olivia", earlier, {"mode": "off", "threshold": "70"})
    settle(slack, bot)
    refused = slack.ephemerals("olivia", "it-help")[-1].shown
    assert "Switched off everywhere: Answers while typing, Words that learn" in refused
    assert not bot.services.channels.offers(Feature.TYPEAHEAD)


def test_features_are_switched_off_in_the_file_until_an_admin_says_otherwise(slack: LocalSlack, start: Start) -> None:
    file = {"features_off": ["images", "synonyms"], "channels": {"it-help": {"features_off": ["threads"]}}}
    bot = start(ConfigFile.model_validate(file))
    channels = bot.services.channels
    here, elsewhere = slack.channel("it-help").id, slack.channel("dev-faq").id
    assert channels.of(here).features_off == {Feature.THREADS, Feature.SYNONYMS}
    assert channels.of(elsewhere).features_off == {Feature.IMAGES, Feature.SYNONYMS}
    slack.submit("olivia", modal(slack), {"mode": "off", "features": ["threads", "images"], "features_for_all": []})
    settle(slack, bot)
    assert channels.of(here).features_off == {Feature.CLARIFYING} | FOR_ALL
    assert channels.of(elsewhere).features_off == {Feature.IMAGES} | FOR_ALL


def ticked(view: View) -> set[str]:
    boxes = (view.state[block][block]["selected_options"] for block in ("features", "features_for_all"))
    return {option["value"] for options in boxes for option in options}
