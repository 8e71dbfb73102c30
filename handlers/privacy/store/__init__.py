"""Removal of old and of personal data from the tables of all features."""
