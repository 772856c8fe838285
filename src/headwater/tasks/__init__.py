"""From a plan to placed tasks. Pure."""
