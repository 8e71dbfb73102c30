"""Entries that are due for a check: their owners are asked once a week, and say whether they are still right."""
