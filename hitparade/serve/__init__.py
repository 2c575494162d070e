"""`hitparade serve`: the functions for tools that cannot open the file.

One process holds the clients' connections, over PostgreSQL's protocol (`postgres`) and HTTP
(`http`). Worker processes (`worker`) hold the database file and run the statements.
"""
