"""Use cases: the composition root, and the only reader of clock and environment variables."""
