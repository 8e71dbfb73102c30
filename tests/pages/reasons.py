"""What each permission of the Slack app is for, in English and Japanese."""

REASONS = {
    "app_mentions:read": ("to hear when it is mentioned", "メンションを受け取る"),
    "channels:history": (
        "to read messages in public channels that it was invited to",
        "招待された公開チャンネルのメッセージを読む",
    ),
    "channels:read": ("to know the names of channels, and who reads along", "チャンネルの名前と、誰が読むかを知る"),
    "chat:write": ("to answer", "回答を投稿する"),
    "commands": ("the two slash commands and the shortcuts", "2つのスラッシュコマンドとショートカット"),
    "files:read": ("to read files that admins send it", "管理者が送ったファイルを読む"),
    "files:write": ("to send exports and the picture of the trend", "書き出した CSV と推移のグラフを送る"),
    "groups:history": (
        "the same in private channels that it was invited to",
        "招待された非公開チャンネルのメッセージを読む",
    ),
    "groups:read": ("the same for private channels", "招待された非公開チャンネルの名前と、誰が読むかを知る"),
    "im:history": ("to read direct messages to it", "自分宛ての DM を読む"),
    "im:read": ("to know which direct messages are with whom", "DM の相手を知る"),
    "mpim:history": ("to answer mentions in group direct messages", "グループ DM でのメンションに答える"),
    "mpim:read": ("to know who is in them", "グループ DM に誰がいるかを知る"),
    "usergroups:read": ("the members of `ADMIN_USERGROUP`", "`ADMIN_USERGROUP` のメンバーを知る"),
    "users:read": (
        "to know who is an admin, a guest or of another organisation, their name and language",
        "管理者・ゲスト・ほかの組織の方の区別と、表示名、言語を知る",
    ),
    "assistant:write": ("only with `--agent`: suggested questions", "`--agent` のときだけ。質問の候補を出す"),
}
"""By scope."""
