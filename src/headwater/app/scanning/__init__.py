"""Proposes classes for columns that have none, from their names and from what their values look like."""
