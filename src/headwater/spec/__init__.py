"""What a project says, as immutable values: sources, models, sinks, checks, tests, environments.

Every value keeps where it was written (``at``), down to the single key. Nothing here reads files or knows engines.
"""
