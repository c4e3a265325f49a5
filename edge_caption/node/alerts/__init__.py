"""Alerts in words: what a caption must say for somebody to be told."""
