"""The processes that hold the database file and run statements, one at a time each."""
