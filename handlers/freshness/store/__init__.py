"""The tables of who was asked to check entries."""
