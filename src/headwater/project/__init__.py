"""From files to spec: YAML, SQL and Python read with file, line and column kept for every value."""
