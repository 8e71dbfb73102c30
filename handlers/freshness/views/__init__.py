"""Messages about entries that are due for a check."""
