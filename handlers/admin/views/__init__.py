"""How settings, status and statistics look in Slack."""
