"""Captions read aloud."""
