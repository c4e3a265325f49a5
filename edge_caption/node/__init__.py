"""The running node: its cameras, the captioner that serves them, and the sinks that get what is said."""
