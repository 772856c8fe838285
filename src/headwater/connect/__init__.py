"""The protocols that connectors fulfil, and the description that each component carries."""
