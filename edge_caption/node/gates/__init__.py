"""What decides whether a frame is captioned and a caption is published: one file a gate."""
