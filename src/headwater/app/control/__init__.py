"""What people and the API may ask of the orchestrator; it is written to the state, where servers see it."""
