"""How the Home tab looks in Slack."""
