"""The stages of a training run: what each of them optimises."""
