"""References, lineage, content addresses and selection: from what a project says to what it means. Pure."""
