"""Captions of whole folders of photos, in the formats that other programs read."""
