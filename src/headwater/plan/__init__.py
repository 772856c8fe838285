"""The difference between the code and an environment, as a value. Pure."""
