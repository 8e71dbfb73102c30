"""Messages about proposed synonyms."""
