"""Ways out of Headwater: what is told to people by the channels that they read."""
