"""The next song of a playlist: what is asked of a model, and how well it answers."""
