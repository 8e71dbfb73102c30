"""How answers look in Slack."""
