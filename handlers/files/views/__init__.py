"""How uploads and versions look in Slack."""
