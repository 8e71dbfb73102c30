"""Finding synonyms: what people say where the knowledge says something else, from questions whose answer is known."""
