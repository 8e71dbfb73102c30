"""Text, vectors and files; nothing of Slack."""
