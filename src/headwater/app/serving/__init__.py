"""`headwater serve`: one leads and orders what is due, workers perform it, and whoever dies is replaced."""
