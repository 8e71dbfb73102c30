"""Tables of people, channels and commands for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from bot.playground.slack.entities import Channel, Person
from bot.playground.slack.server import LocalSlack
from bot.playground.slack.workspace import Workspace
from bot.playground.terminal.mrkdwn import clean
from handlers.texts import Texts

USAGE = """some text | a message; in direct messages every one is a question
@{bot} question | ask in a channel; the answer comes in the thread
{search} question | ask anywhere; only you see the answer
{admin} help | what admins can do (:as {an_admin})
3 | press the button [3]
3 some text | fill in [3], or choose there
:press some words | press the latest button with these words on it
:fill some label = text | fill in the latest input with this label
:wait 2 | wait that many seconds, for scripts (kotae try --script)
:as alice | be somebody else
:people | who there is
:in #it-help | go to a channel
:channels | where you can go
:dm | write to {bot} directly
:thread, :thread off | reply in the thread of the last message; leave it
:edit new text | change your last message
:delete | delete your last message
:home | {bot}'s Home tab
:upload some.csv | share a file
:invite | bring {bot} into this channel
:shortcut save_to_kb | use a shortcut on the last message
:shortcut ask_kotae global | use a shortcut that belongs to no message
:submit, :close | submit or close the form that is open
:quit | end; so do Ctrl-D and Ctrl-C"""


USAGE_JA = """文章 | メッセージを送ります。ダイレクトメッセージでは、すべて質問になります
@{bot} 質問 | チャンネルで質問します。回答はスレッドに付きます
{search} 質問 | どこからでも質問できます。回答は自分だけに見えます
{admin} help | 管理者ができること（:as {an_admin} で管理者になります）
3 | ボタン [3] を押します
3 文章 | [3] に入力、または選択します
:press 言葉 | その言葉のあるボタンのうち、最新のものを押します
:fill ラベル = 文章 | そのラベルの最新の欄に入力します
:wait 2 | 指定した秒数だけ待ちます（kotae try --script 用）
:as alice | 別の人になります
:people | なれる人の一覧
:in #it-help | チャンネルに移ります
:channels | 移れるチャンネルの一覧
:dm | {bot} とのダイレクトメッセージに移ります
:thread, :thread off | 最後のメッセージのスレッドに返信します。off で抜けます
:edit 文章 | 自分の最後のメッセージを書き換えます
:delete | 自分の最後のメッセージを削除します
:home | {bot} のホームタブ
:upload some.csv | ファイルを送ります
:invite | このチャンネルに {bot} を招待します
:shortcut save_to_kb | 最後のメッセージにショートカットを使います
:shortcut ask_kotae global | メッセージに付かないショートカットを使います
:submit, :close | 開いているフォームを送信、または閉じます
:quit | 終了します。Ctrl-D、Ctrl-C でも終了します"""


def usage(slack: LocalSlack, reader: Person) -> Table:
    """List what can be typed, in the reader's language."""
    lines = USAGE_JA if reader.locale.startswith("ja") else USAGE
    names = {"search": search_command(slack), "admin": admin_command(slack), "an_admin": an_admin(slack)}
    return _table(line.format(bot=slack.workspace.bot.real_name, **names).split(" | ") for line in lines.splitlines())


def people(workspace: Workspace, texts: Texts) -> Table:
    """List the people whom the user can be."""
    humans = (each for each in list(workspace.people.values()) if not each.is_bot)
    return _table((f":as {each.key}", each.real_name, standing(each, workspace, texts)) for each in humans)


def channels(workspace: Workspace, me: Person, visible: Sequence[Channel], texts: Texts) -> Table:
    """List the places where the user can go."""
    bot = workspace.bot
    comma = texts("list.comma")
    rows = [(f":in #{each.name}", each.topic, comma.join(_facts(each, me, bot, texts))) for each in visible]
    return _table([(":dm", bot.real_name, texts("terminal.direct_place")), *rows])


def standing(person: Person, workspace: Workspace, texts: Texts) -> str:
    """A person's role and language."""
    roles = {
        "deactivated": person.deleted,
        "outside": person.team_id != workspace.team_id,
        "owner": person.is_owner,
        "admin": person.is_admin,
        "guest": person.is_restricted or person.is_ultra_restricted,
    }
    role = next((name for name, holds in roles.items() if holds), "member")
    language = "ja" if person.locale.startswith("ja") else "en"
    return texts(f"terminal.standing.{language}", role=texts(f"terminal.role.{role}"))


def search_command(slack: LocalSlack) -> str:
    """The command for questions: the first one registered."""
    return slack.app.commands[0] if slack.app.commands else "/search"


def admin_command(slack: LocalSlack) -> str:
    """The command for admins: the last one registered."""
    return slack.app.commands[-1] if slack.app.commands else "/kb"


def an_admin(slack: LocalSlack) -> str:
    """The key of an admin."""
    return next((key for key, person in slack.people.items() if person.is_admin), "admin")


def _facts(channel: Channel, me: Person, bot: Person, texts: Texts) -> Iterable[str]:
    facts = {
        "private": channel.is_private,
        "shared": channel.is_ext_shared,
        "archived": channel.is_archived,
        "not_member": me.id not in channel.members,
        "without": bot.id not in channel.members,
    }
    return (texts(f"terminal.fact.{fact}", bot=bot.real_name) for fact, holds in facts.items() if holds)


def _table(rows: Iterable[Sequence[str]]) -> Table:
    grid = Table.grid(padding=(0, 3, 0, 0))
    for first, *rest in rows:
        grid.add_row(Text(clean(first), style="bold"), *(Text(clean(each), overflow="fold") for each in rest))
    return grid
