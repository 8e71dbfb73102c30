"""Completing what is typed to questions of the knowledge bases: by words and letters, without an encoder."""
