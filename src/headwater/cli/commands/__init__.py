"""The commands, one module each: arguments → app → a view."""
