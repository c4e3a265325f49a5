"""Where frames come from: one file a kind of source, and the watch that keeps it going."""
