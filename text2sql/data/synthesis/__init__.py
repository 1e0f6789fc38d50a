"""Training data from a schema alone: invented schemas, rows, SQL and the questions for it."""
