"""Confidence: the probability that a hit answers the question."""
