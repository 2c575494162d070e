"""What changes the registry of a database, and brings models from outside into it."""
