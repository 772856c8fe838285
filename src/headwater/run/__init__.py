"""Executes tasks on runtimes, checks what they stage, moves the head; never knows who listens."""
