"""Commands that work on a server elsewhere, over its API: without the project, and without its state."""
