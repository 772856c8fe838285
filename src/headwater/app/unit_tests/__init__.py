"""Unit tests of a project: run, and made from real rows."""
