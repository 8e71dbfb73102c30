"""What programs may do, whichever door they come through: HTTP or MCP.

`caller.identify` says who asks, `caller.take_turn` has their work done after that of people, and `searching` and
`unanswered` do it. What they may see is `audience.knowledge_bases_for_program`: the rule of Slack's replies.
"""
