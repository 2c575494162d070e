"""What the tasks over tracks share."""

# The nine audio features of a track, which song optimisation may change.
AUDIO = (
    "danceability",
    "energy",
    "loudness",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
)
