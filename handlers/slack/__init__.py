"""How anything is written in Slack: blocks, mrkdwn, rich text. Pure functions, no I/O."""
