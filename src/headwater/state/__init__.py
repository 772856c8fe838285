"""Environments, fills, releases, leases and the audit chain, in one SQLite database: what points at the lake."""
