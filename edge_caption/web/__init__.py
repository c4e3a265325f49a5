"""Servers: the page of a running node, and the HTTP API. Needs the extra `web`."""
