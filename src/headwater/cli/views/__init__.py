"""Views: what a command gives, as a JSON document and as lines for a person; each reads the same value."""
