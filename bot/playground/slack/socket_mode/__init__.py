"""Socket Mode: the app's WebSocket connections and the envelopes sent over them."""
