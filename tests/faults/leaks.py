"""Requests with forged values, from people who may not read a private channel's knowledge base.

Everything that a payload carries besides who sent it and where is forged: the ids of buttons and forms, their values,
private_metadata, what stands in fields, what is typed behind commands, addresses of messages. Slack itself vouches for
the sender and the place.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.playground import Channel, Control, Interaction, Message, Person, View, Workspace, controls, sample_workspace
from bot.playground.slack import payloads
from handlers.counters import Count
from tests.faults.row import Row
from tests.faults.world import World, world

PROBES = 10_000
IN_A_WORLD = 400
"""Probes of one bot: admins among the senders may change its settings, which the next one does not have."""
IN_A_BATCH = 50
OF_A_KIND = 6
"""Senders of a kind: each may send 30 requests at once, then one a second."""

KINDS = ("member", "admin", "guest", "extern")
SECRETS = {
    "a question": "監査4402",
    "an answer": "火曜7391",
    "a category": "部門8253",
    "an entry that was added": "追加6627",
    "an entry that waits for approval": "提案3318",
    "a file that waits": "差替9946",
    "a question somebody asked": "金庫5518",
}
"""What must not reach anybody else; none of it stands in a probe."""
LONG = "詳しい説明。" * 300
ROWS = (
    "id,質問,回答,カテゴリ\n"
    f"kansa,監査はいつですか？{SECRETS['a question']},{SECRETS['an answer']}です。{LONG},{SECRETS['a category']}\n"
    f"place,監査の資料はどこですか？,{SECRETS['an answer']}の棚です。,{SECRETS['a category']}\n"
)
PENDING = f"id,質問,回答\nkansa,監査はいつですか？,{SECRETS['a file that waits']}\n"
SUBCOMMANDS = (
    *("add", "edit", "export", "versions", "rollback", "remove", "misses", "learned", "audit", "stats", "status"),
    *(
        "stale",
        "settings",
        "channels",
        "reload",
        "proposals",
        "threshold",
        "auto-reply",
        "help",
        "digest",
        "check",
        "list",
    ),
)
TARGETS = (
    "keiri",
    "KEIRI",
    "ｋｅｉｒｉ",
    "keiri.csv",
    "*keiri*",
    "../keiri",
    "keiri 1",
    "keiri 2",
    "keiri kansa",
    "all",
    "",
)
QUESTIONS = ("監査はいつですか？", "監査の資料はどこですか？", "kansa", "監査", "極秘", "金庫の番号は？", "keiri")


@dataclass
class Loot:
    """The values of buttons and forms that members of the private channel saw, and where they saw them."""

    actions: list[tuple[str, str]] = field(default_factory=list)
    """Ids of controls, with their values."""
    forms: list[View] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def value(self, chance: random.Random) -> str:
        """Return a value of any button, as it is or with another number, name or rank."""
        value = chance.choice(self.actions)[1]
        number, rank = chance.randint(0, 60), chance.randint(0, 9)
        forged = [
            *(value, value, value, str(number), f"{number}:{rank}", f"{number}:{rank}:{rank}", f"{number}:keiri"),
            *(
                "asked:keiri",
                "gone:keiri",
                "keiri",
                "keiri\nkansa",
                "keiri\nplace",
                f"{value}:keiri",
                f"{number}:none",
            ),
            *(value.replace("it-help", "keiri"), json.dumps(["keiri", "kansa"]), "-1", "", "0:" + "1" * 5000),
        ]
        return chance.choice(forged)


def run(share: float, seed: int = 0) -> Row:
    """Send the probes, and look for secrets in everything that their senders can see."""
    chance = random.Random(seed)
    wanted, made, found = max(round(PROBES * share), IN_A_BATCH), 0, Counter[str]()
    while made < wanted:
        with world(*_place()) as here:
            handled = _probe(here, _private_day(here), chance, min(IN_A_WORLD, wanted - made), found)
        if not handled:
            raise LookupError("the private knowledge base did not answer its members: nothing could have leaked")
        made += handled
    worst = found.most_common(1)[0][0] if found else "no secret in any message, form, Home tab, file or ack"
    return Row(made, sum(found.values()), worst)


def _place() -> tuple[Workspace, dict[str, str], tuple[str, ...]]:
    """Make a workspace in which Ichiro, an admin, and Hanako are in #keiri, and all others are not."""
    workspace = sample_workspace()
    keiri = workspace.channel("keiri")
    keiri.members[:] = [workspace.person(who).id for who in ("ichiro", "hanako", "bot")]
    for number in range(OF_A_KIND):
        member = workspace.add_person(f"member{number}", f"Member {number}")
        admin = workspace.add_person(f"admin{number}", f"Admin {number}", is_admin=True)
        guest = workspace.add_person(f"guest{number}", f"Guest {number}", is_restricted=True)
        extern = workspace.add_person(
            f"extern{number}", f"Extern {number}", team_id=workspace.person("external").team_id
        )
        for channel in ("it-help", "general"):
            workspace.channel(channel).members += [member.id, admin.id, guest.id]
        workspace.channel("partner-it").members += [member.id, admin.id, extern.id]
    admins = ("ichiro", *(f"admin{number}" for number in range(OF_A_KIND)))
    return workspace, {"keiri.csv": ROWS}, tuple(workspace.person(who).id for who in admins)


def _private_day(here: World) -> Loot:
    """Let those who may do everything that there is to do with the private knowledge base."""
    slack = here.slack
    asked = slack.reply(slack.command("ichiro", "keiri", "/search 監査はいつですか？"))
    slack.reply(slack.mention("hanako", "keiri", "監査の資料はどこですか？"))
    slack.reply(slack.mention("hanako", "keiri", f"{SECRETS['a question somebody asked']}の番号は？"))
    slack.reply(slack.dm("ichiro", "監査はいつですか？"))
    slack.press("ichiro", asked, "read_1")
    for who, kind in (("ichiro", "an entry that was added"), ("hanako", "an entry that waits for approval")):
        slack.command(who, "keiri", "/kb add")
        form = slack.wait_until(lambda who=who: _entry_forms(here, who), what="the form")[-1]  # type: ignore[misc]
        slack.submit(who, form, {"question": f"{SECRETS[kind]}は？", "answer": f"{SECRETS[kind]}です。"})
        here.settle()
    slack.upload("ichiro", slack.person("ichiro"), "keiri.csv", PENDING.encode())
    for line in ("versions keiri", "export keiri", "misses", "learned", "audit", "stats", "settings", "remove keiri"):
        slack.command("ichiro", "keiri", f"/kb {line}")
    slack.open_home("ichiro")
    here.settle()
    return _loot(here)


def _entry_forms(here: World, who: str) -> list[View]:
    return [view for view in here.slack.views(who) if view.open and view.callback_id == "kb_entry"]


def _loot(here: World) -> Loot:
    workspace = here.slack.workspace
    loot = Loot(forms=[view for view in workspace.views.values() if view.type == "modal"])
    loot.messages = [*workspace.ephemerals, *(each for one in workspace.channels.values() for each in one.messages)]
    for blocks in [*(each.blocks for each in loot.messages), *(view.blocks for view in workspace.views.values())]:
        for control in controls(blocks):
            loot.actions += [(control.action_id, value) for value in _values(control)]
    loot.actions = [each for each in dict.fromkeys(loot.actions) if not any(one in each[1] for one in SECRETS.values())]
    return loot


def _values(control: Control) -> Iterator[str]:
    yield str(control.element.get("value", ""))
    yield from (str(option["value"]) for option in control.options)


def _probe(here: World, loot: Loot, chance: random.Random, count: int, found: Counter[str]) -> int:
    """Send probes; return how many were handled, while there was something to leak.

    Not those that were refused for being too many, nor those of the batch in which an admin removed what is to leak.
    """
    senders = [here.slack.person(f"{kind}{number}") for number in range(OF_A_KIND) for kind in KINDS]
    seen: set[int] = set()
    handled = 0
    for start in range(0, count, IN_A_BATCH):
        refused = _refused(here)
        numbers = range(start, min(start + IN_A_BATCH, count))
        sent = [_send(here, loot, senders[number % len(senders)], chance) for number in numbers]
        here.settle()
        found.update(_leaks(here, {each.id: each.key for each in senders}, sent, seen))
        if not _is_still_there(here):
            break
        handled += len(sent) - (_refused(here) - refused)
    return handled


def _refused(here: World) -> int:
    counted = here.bot.services.process().counts
    return sum(counted[each.value] for each in (Count.TOO_MANY, Count.BUSY))


def _send(here: World, loot: Loot, sender: Person, chance: random.Random) -> Interaction | None:
    """Send one probe; return the interaction if it is one."""
    channel = here.slack.channel("partner-it" if sender.key.startswith("extern") else "it-help")
    act = chance.choices((_press, _submit, _command, _say), (50, 20, 20, 10))[0]
    return act(here, loot, sender, channel, chance)


def _press(here: World, loot: Loot, sender: Person, channel: Channel, chance: random.Random) -> Interaction:
    action, value = chance.choice(loot.actions)
    if chance.random() < 0.7:
        value = loot.value(chance)
    seen = chance.choice(loot.messages)
    used = {"action_id": action, "block_id": chance.choice(["b1", "keiri", seen.ts]), "type": "button", "value": value}
    chosen = {"selected_option": {"text": {"type": "plain_text", "text": "x"}, "value": value}}
    facts = {
        "type": "block_actions",
        **payloads.actor(here.slack.workspace, sender),
        "container": {"type": "message", "message_ts": seen.ts, "channel_id": channel.id, "is_ephemeral": True},
        "channel": {"id": channel.id, "name": channel.name},
        "message": {"ts": seen.ts, "thread_ts": seen.ts, "text": "", "blocks": [], "user": here.slack.bot},
        "state": {"values": {"kb": {"kb": chosen}, "upload_choose": {"upload_choose": chosen}}},
        "actions": [{**used, **chosen, "action_ts": "1.0"}],
    }
    if chance.random() < 0.15:
        facts |= {"view": _forged(here, loot, sender, chance), "container": {"type": "view", "view_id": "V1"}}
        del facts["message"], facts["channel"]
    return _start(here, Interaction("block_actions", sender, channel), facts)


def _submit(here: World, loot: Loot, sender: Person, channel: Channel, chance: random.Random) -> Interaction:
    view = _forged(here, loot, sender, chance)
    facts = {
        "type": "view_submission",
        **payloads.actor(here.slack.workspace, sender),
        "view": view,
        "response_urls": [],
    }
    return _start(here, Interaction("view_submission", sender, channel), facts)


def _forged(here: World, loot: Loot, sender: Person, chance: random.Random) -> dict[str, object]:
    """Return a form that a member of the private channel had open, as if it were the sender's."""
    view = payloads.view(here.slack.workspace, chance.choice(loot.forms))
    keiri = here.slack.channel("keiri").id
    told = str(view.get("private_metadata", ""))
    number, rank = chance.randint(0, 60), chance.randint(0, 3)
    forged = [
        *(told, told, told.replace("it-help", "keiri"), str(number), f"{number}:{rank}", loot.value(chance)),
        json.dumps({"channel": keiri, "shown": {}}),
        json.dumps({"channel": here.slack.channel("it-help").id, "shown": {}}),
        json.dumps({"knowledge_base": "keiri", "id": "kansa", "record": "kansa", "channel": keiri}),
        json.dumps([f"{number}:{rank}", None, f"https://x/archives/{keiri}/p1"]),
    ]
    bases = {"selected_options": [{"text": {"type": "plain_text", "text": "keiri"}, "value": "keiri"}]}
    state = {"values": {**view["state"]["values"], "bases": {"bases": {"type": "multi_static_select", **bases}}}}
    return {**view, "private_metadata": chance.choice(forged), "state": state, "user_id": sender.id}


def _command(here: World, loot: Loot, sender: Person, channel: Channel, chance: random.Random) -> Interaction:
    seen = chance.choice(loot.messages)
    link = f"{here.slack.base_url}/archives/{here.slack.channel('keiri').id}/p{seen.ts.replace('.', '')}"
    target = chance.choice([*TARGETS, *TARGETS, link, here.slack.channel("keiri").id, loot.value(chance)[:100]])
    asked = f"/search {chance.choice([*QUESTIONS, link])}"
    line = chance.choice([asked, *[f"/kb {chance.choice(SUBCOMMANDS)} {target}".rstrip()] * 3])
    return here.slack.command(sender, channel, line.replace("\n", " "), wait=False)


def _say(here: World, _: Loot, sender: Person, channel: Channel, chance: random.Random) -> None:
    question = chance.choice(QUESTIONS)
    if chance.random() < 0.5 and not sender.key.startswith("extern"):
        here.slack.dm(sender, question)
    else:
        here.slack.mention(sender, channel, question)


def _start(here: World, interaction: Interaction, facts: dict[str, object]) -> Interaction:
    answerable = interaction.kind == "block_actions" and "view" not in facts
    here.slack._do(lambda: here.slack._interactions.start(interaction, facts, answerable=answerable))
    return interaction


def _leaks(here: World, senders: dict[str, str], sent: list[Interaction | None], seen: set[int]) -> Iterator[str]:
    """Say what secret is in what a sender can see; each place is looked at once, as it is now."""
    for who, what, shown in _visible(here, senders, sent):
        if id(what) not in seen:
            for kind, secret in SECRETS.items():
                if secret in shown:
                    seen.add(id(what))
                    yield f"{kind} to {senders.get(who, who)}"


def _visible(here: World, senders: dict[str, str], sent: list[Interaction | None]) -> Iterator[tuple[str, object, str]]:
    """Yield what senders see, with who sees it: messages and files, forms and Home tabs, and what acks say."""
    workspace = here.slack.workspace
    for message in workspace.ephemerals:
        if message.ephemeral_to in senders:
            yield message.ephemeral_to, message, _written(message)
    members = {here.slack.person(who).id for who in ("ichiro", "hanako")}
    for channel in workspace.channels.values():
        if channel.name != "keiri" and not (channel.is_im and members & set(channel.members)):
            for message in channel.messages:
                readers = channel.name or next((who for who in channel.members if who in senders), channel.id)
                yield readers, message, _written(message)
    for view in workspace.views.values():
        if view.user in senders:
            yield view.user, view, json.dumps(view.content, ensure_ascii=False)
    for each in sent:
        if each is not None:
            yield each.person.id, each, json.dumps([each.ack, each.errors, each.options], ensure_ascii=False)


def _written(message: Message) -> str:
    files = [file.data.decode("utf-8", "replace") for file in message.files]
    return json.dumps([message.text, message.blocks, files], ensure_ascii=False)


def _is_still_there(here: World) -> bool:
    """Tell whether the secret is still what a member is told."""
    told = here.slack.reply(here.slack.command("hanako", "keiri", "/search 監査はいつですか？"))
    return SECRETS["an answer"] in _written(told)
