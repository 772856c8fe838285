"""Alerts: what is wrong, looked up in the state by rules; who is told, by what the released code says; and telling."""
