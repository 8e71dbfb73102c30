"""One question back: which of the closest rows somebody means, when they are close and can be told apart."""
