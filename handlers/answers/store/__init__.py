"""The table of shared answers and questions to people."""
