"""The contents of knowledge bases where replicas share a database: it holds them, and each replica has a copy."""
