"""Retention of what people wrote, and removal of a person."""
