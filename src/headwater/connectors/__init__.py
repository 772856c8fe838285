"""One file per outside system; an explicit list, see the groups."""
