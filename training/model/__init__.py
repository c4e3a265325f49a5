"""The captioner: its network, its checkpoints, and how it speaks."""
