"""How good proposed synonyms are: `python -m tests.sets.words`."""
