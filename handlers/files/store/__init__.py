"""Tables of files that wait for a decision."""
