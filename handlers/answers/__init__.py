"""Answers: to commands, mentions, direct messages and unasked, and what people do with them."""
