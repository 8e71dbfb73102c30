"""What the form for asking shows."""
