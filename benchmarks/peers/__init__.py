"""Other captioners of the same frames, a file each: what a small device would otherwise run."""
