"""What removes old or personal data from the tables of every feature."""
