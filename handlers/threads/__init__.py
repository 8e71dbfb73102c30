"""Follow-ups: in a thread where the bot has answered, whoever asked goes on without a mention.

A thread is a conversation among people, so the bot speaks up only where it is still its turn: see `following`.
"""
