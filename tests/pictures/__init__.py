"""Pictures for the documentation: what the bot says, photographed in the local workspace.

`python -m tests.pictures` plays `ja.txt` and `en.txt` beside this file, and writes `docs/pictures/NAME.ja.png` and
`NAME.en.png`; `python -m tests.pictures ja search home` only in that language and whose names begin so. It needs
chromium, and the fonts of `apt-get install fonts-noto-cjk fonts-noto-color-emoji fonts-inter`.

To add a kind of message, add lines to both scripts: what is typed (see bot/playground/terminal/script.py and `:help` in
`kotae try --terminal`), then `:picture NAME`. It shows what is in front: the modal, else the Home tab, else the latest
message. Words behind the name change that:

    :picture search                the latest message
    :picture overview page         the whole page
    :picture thread page thread    … with the thread of the latest message open
    :picture shared before         the message before the latest
    :picture traffic page inspector dark phone    … with the inspector, dark, as narrow as a phone

`:type words` types into the menu of the form in front, and waits for what is offered.

Scripts can do a few things more than a conversation (stage.py): send a file of `sent/`, use a shortcut, let Slack
refuse a call. Each has a fresh workspace, a copy of the sample knowledge bases and of those in `knowledge/`, and
searches lexically, so that the pictures are the same on every machine. `docs/pictures/README.md` shows them all.
"""
