"""The table of proposals."""
