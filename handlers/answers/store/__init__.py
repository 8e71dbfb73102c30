"""The tables of what was published of an answer."""
