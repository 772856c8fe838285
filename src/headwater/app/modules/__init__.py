"""Runs the project's Python files that cannot be read from their text: in a process of its own, without effects."""
