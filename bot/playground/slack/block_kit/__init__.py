"""Block Kit: which blocks and views Slack accepts, and the controls in them."""
