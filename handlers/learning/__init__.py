"""Learning from votes: misses, learned aliases, and confidence."""
