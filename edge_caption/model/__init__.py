"""Pixels -> caption: the bundle, its two graphs and the search for a sentence."""
