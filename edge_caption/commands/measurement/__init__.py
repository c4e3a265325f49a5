"""What `edge-caption bench` measures on a device."""
