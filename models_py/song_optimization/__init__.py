"""Song optimisation: what to change in a song, and what a judge says of it."""
