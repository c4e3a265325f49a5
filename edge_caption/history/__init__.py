"""Captions kept on the device, to be searched later: SQLite with a full-text index."""
