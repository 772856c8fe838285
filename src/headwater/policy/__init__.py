"""What may leave a place: grants, classes and their flow, the match of a query with grants, and its proof; all pure."""
