"""Photos that fit a sentence, by the model itself."""
