"""Where rows are loaded to."""
