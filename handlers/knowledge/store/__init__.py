"""Tables of contents, versions and vectors."""
