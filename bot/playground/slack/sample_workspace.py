"""The workspace that tests and `kotae try` start with."""

from __future__ import annotations

from bot.playground.slack.workspace import Workspace, new_id


def sample_workspace(bot_name: str = "Kotae", *, lasting: bool = False) -> Workspace:
    """Create channels with and without the bot, and a person for every role that the bot distinguishes.

    Where it is `lasting`, their ids are the same in every such workspace.
    """
    workspace = Workspace(bot_name=bot_name, lasting=lasting)
    bot = workspace.bot
    add = workspace.add_person
    hanako = add("hanako", "佐藤 花子", locale="ja-JP")
    alice = add("alice", "Alice Brown", tz="Europe/London")
    ichiro = add("ichiro", "鈴木 一郎", locale="ja-JP", is_admin=True)
    olivia = add("olivia", "Olivia Owner", tz="America/New_York", is_admin=True, is_owner=True)
    guest = add("guest", "Gus Guest", is_restricted=True, is_ultra_restricted=True)
    multi = add("multi", "山本 まり", locale="ja-JP", is_restricted=True)
    external = add("external", "Erika Extern", "erika", team_id=new_id("T"))
    partner = add("partner", "高橋 玲奈", locale="ja-JP", team_id=external.team_id)
    add("stranger", "Stefan Stranger", "stefan", team_id=new_id("T"))
    add("gone", "Gordon Gone", deleted=True)

    staff = [hanako, alice, ichiro, olivia]
    workspace.add_channel("general", [*staff, guest, multi, bot], topic="Everybody")
    workspace.add_channel("it-help", [*staff, bot], topic="PC、VPN、アカウント")
    workspace.add_channel("hr-somu", [*staff, bot], topic="人事・総務")
    workspace.add_channel("dev-faq", [*staff, bot], topic="How we build things")
    workspace.add_channel("random", staff)
    workspace.add_channel("keiri", [ichiro, olivia], is_private=True)
    workspace.add_channel("partner-it", [*staff, external, partner, bot], is_ext_shared=True)
    workspace.add_group("helpdesk", "ヘルプデスク", [ichiro, alice])
    return workspace
