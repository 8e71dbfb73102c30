"""How long what people wrote is kept, and how a person is forgotten."""
