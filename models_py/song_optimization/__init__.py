"""Song optimization: which features to change, and what a held-out evaluator predicts then."""
