"""How unanswered questions and learned phrasings look in Slack."""
