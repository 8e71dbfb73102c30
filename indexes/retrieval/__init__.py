"""Searching: lexical and vector search, and preparing texts for them."""
