"""Quality: checks at work on what a run brings, the rows that fail them, and the score that comes of it."""
