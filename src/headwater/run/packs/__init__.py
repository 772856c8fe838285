"""Packs: files in which the rows of many small fills lie together."""
