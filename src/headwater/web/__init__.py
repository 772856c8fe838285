"""The HTTP API of a running server: what people see in a terminal, for programs, with tokens, roles and bounds."""
