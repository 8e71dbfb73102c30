"""What a question back looks like."""
