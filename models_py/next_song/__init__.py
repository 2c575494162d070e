"""Next-song recommendation: models, training, evaluation and export."""
