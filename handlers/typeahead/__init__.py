"""Answers while typing: a form that completes what is typed to questions that the knowledge bases have."""
