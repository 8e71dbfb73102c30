"""Answers to commands, mentions, direct messages and, unasked, to messages; and what people do with them."""
