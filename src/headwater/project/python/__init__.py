"""Python files of a project: read as syntax trees where that shows what they make, else what running them made."""
