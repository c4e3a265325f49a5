"""Captions to a broker: names, payloads, the connection and the thread that feeds it."""
