"""Change the registry of a database, and store models from outside in it."""
