"""Where rows are extracted from."""
