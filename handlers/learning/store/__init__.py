"""The tables of unanswered questions, learned phrasings and confirmations."""
