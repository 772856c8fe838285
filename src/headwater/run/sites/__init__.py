"""Runs what is placed at sites: their sources as planning sees them, exchanges, and what is told of them."""
