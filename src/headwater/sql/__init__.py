"""Text and structure of SQL: parsing, parameters, quoting, and the per-query analysis."""
