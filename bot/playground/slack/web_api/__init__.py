"""The Web API over HTTP: methods, tokens, scopes and rate limits."""
