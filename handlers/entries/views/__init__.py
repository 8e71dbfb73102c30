"""How the forms for entries and proposals look in Slack."""
