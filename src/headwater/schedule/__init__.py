"""When pipelines run: the times of schedules, what triggers make of facts, deadlines. All of it is pure."""
