"""Environments, fills, releases, leases and the audit chain, in one SQLite database: what points at the lake.

Every function takes a ``Database`` first; times come in as aware datetimes and randomness as ids, never from here.
Several functions see one state inside ``with db.read():``, and change it as one inside ``with db.write():``.
"""
