"""From a score to the probability that a hit answers the question."""
