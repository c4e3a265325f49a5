"""How good sentences are: the scores, the rewards and the checks of what they name."""
