"""Counts for the statistics."""
