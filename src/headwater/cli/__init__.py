"""Arguments to use cases to views: the only code that prints."""
