"""The tables of settings, audit and statistics."""
