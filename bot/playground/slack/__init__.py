"""The local Slack server: its workspace, Web API and Socket Mode, and what they refuse."""
