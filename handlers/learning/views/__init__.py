"""Messages about misses and learned aliases."""
