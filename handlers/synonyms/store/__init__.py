"""The tables of proposed and dismissed synonyms."""
