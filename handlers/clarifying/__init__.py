"""One question back: which of the closest rows the asker means, as buttons."""
