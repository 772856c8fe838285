"""Unit tests of models: performed on given rows, and made from real ones."""
