"""What was asked lately."""
