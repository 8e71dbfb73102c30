"""Slack's payloads to the knowledge bases and back; `routing` says which handler takes which payload."""
