"""Functions of a project: called in processes of their own, under deadlines and memory limits."""
