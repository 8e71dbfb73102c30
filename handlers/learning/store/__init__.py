"""The tables of misses, votes on aliases, learned aliases, and voices."""
